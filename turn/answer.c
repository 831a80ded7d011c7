/* Answers to requests: what every one has in common, errors and challenges. */
#include <string.h>

#include "base/log.h"
#include "turn/core.h"

enum { IP_AND_UDP = 28, AMPLIFICATION = 3 };

static const char *reason(unsigned code)
{
    switch (code) {
    case 300: return "Try Alternate";
    case 400: return "Bad Request";
    case 401: return "Unauthenticated";
    case 403: return "Forbidden";
    case 420: return "Unknown Attribute";
    case 437: return "Allocation Mismatch";
    case 438: return "Stale Nonce";
    case 440: return "Address Family not Supported";
    case 441: return "Wrong Credentials";
    case 442: return "Unsupported Transport Protocol";
    case 443: return "Peer Address Family Mismatch";
    case 486: return "Allocation Quota Reached";
    default: return "Insufficient Capacity";
    }
}

void answer_begin(request *r, stun_class class)
{
    buf_clear(&r->t->out);
    stun_begin(&r->t->out, class, (stun_method)r->m.method, r->m.tid);
}

static void finish(request *r, bool software)
{
    turn *t = r->t;
    if (software && t->o.software)
        attr_add(&t->out, ATTR_SOFTWARE, str_of(t->o.software));
    if (r->sign != UNSIGNED)
        integrity_add(&t->out,
                      r->sign == SIGN_SHA256 ? ATTR_MESSAGE_INTEGRITY_SHA256
                                             : ATTR_MESSAGE_INTEGRITY,
                      (str){(const char *)r->key.p, r->key.n});
    if (r->fingerprint)
        integrity_add_fingerprint(&t->out);
    if (!buf_failed(&t->out))
        t->io.to_client(r->from, buf_slice(&t->out), false, t->arg);
}

void answer_send(request *r)
{
    finish(r, true);
}

static void note(const request *r, unsigned code, const char *why)
{
    char text[ADDR_TEXT];
    if (log_on(LOG_INFO) && code != 401)
        log_event(LOG_INFO, "turn", "refused", "client=%s method=%s code=%u user=\"%s\" why=\"%s\"",
                  addr_print(&r->from->client, text), stun_method_name(r->m.method), code, r->name,
                  why);
    else if (log_on(LOG_DEBUG))
        log_event(LOG_DEBUG, "turn", "challenged", "client=%s method=%s why=\"%s\"",
                  addr_print(&r->from->client, text), stun_method_name(r->m.method), why);
}

void answer_error(request *r, unsigned code, const char *why)
{
    note(r, code, why);
    answer_begin(r, STUN_ERROR);
    attr_add_error(&r->t->out, code, str_of(reason(code)));
    answer_send(r);
}

void answer_unknown(request *r, const uint16_t *types, size_t n)
{
    note(r, 420, "attribute not known");
    answer_begin(r, STUN_ERROR);
    attr_add_error(&r->t->out, 420, str_of(reason(420)));
    attr_add_unknown(&r->t->out, types, n);
    answer_send(r);
}

/* RFC 8489 9.2.4. Anyone can draw this with a forged source, so on the wire (with the heads of IP
 * and UDP) it stays within three times the request: the ornaments go first. */
void answer_challenge(request *r, unsigned code, const char *why)
{
    turn *t = r->t;
    char nonce[NONCE_SIZE];
    size_t limit = AMPLIFICATION * (r->m.all.n + IP_AND_UDP) - IP_AND_UDP;
    note(r, code, why);
    nonce_make(&t->nonces, &r->from->client, r->now.ms, nonce);
    size_t software = t->o.software ? ATTR_HEAD + (strlen(t->o.software) + 3) / 4 * 4 : 0;
    size_t text = (strlen(reason(code)) + 3) / 4 * 4;
    size_t bare = STUN_HEADER + 8 + ATTR_HEAD + (strlen(t->o.who->realm) + 3) / 4 * 4 + ATTR_HEAD +
                  (NONCE_SIZE + 3) / 4 * 4 + ATTR_HEAD + attr_algorithms().n +
                  (r->fingerprint ? 8 : 0);
    r->sign = UNSIGNED;
    answer_begin(r, STUN_ERROR);
    attr_add_error(&t->out, code, bare + text <= limit ? str_of(reason(code)) : (str){NULL, 0});
    attr_add(&t->out, ATTR_REALM, str_of(t->o.who->realm));
    attr_add(&t->out, ATTR_NONCE, (str){nonce, sizeof(nonce)});
    attr_add(&t->out, ATTR_PASSWORD_ALGORITHMS, attr_algorithms());
    finish(r, bare + text + software <= limit);
}
