#include "proxy/side.h"

#include <string.h>

bool side_is_stream(const proxy *p, const flow *f)
{
    return flow_kind_reliable(p->w.kind(f));
}

bool side_same(const proxy *p, const flow *a, const flow *b)
{
    if (p->w.kind(a) != p->w.kind(b) || p->w.local(a)->family != p->w.local(b)->family)
        return false;
    return p->w.listener(a) == p->w.listener(b) && addr_eq(p->w.local(a), p->w.local(b));
}

typedef struct pen {
    char *p;
    size_t n;
} pen;

static void put(pen *at, str s)
{
    if (s.n > SIDE_TEXT - at->n)
        s.n = SIDE_TEXT - at->n; /* a domain name beyond all limits of DNS */
    memcpy(at->p + at->n, s.p, s.n);
    at->n += s.n;
}

str side_write(const proxy *p, const side_uri *u, char *out)
{
    flow_kind k = p->w.kind(u->f);
    pen at = {out, 0};
    bool name = k == FLOW_TLS && !u->sips && p->record_name.n;
    bool sips = u->sips || (k == FLOW_TLS && !name);
    put(&at, sips ? STR("<sips:") : STR("<sip:"));
    if (u->token) {
        char token[TOKEN_TEXT];
        token_make(p->key, p->w.id(u->f), token);
        put(&at, (str){token, TOKEN_TEXT});
        put(&at, STR("@"));
    }
    if (name) {
        put(&at, p->record_name);
    } else {
        char text[ADDR_TEXT];
        addr point = core_point(p, u->f);
        put(&at, str_of(addr_print(&point, text)));
    }
    if (k == FLOW_WS || k == FLOW_WSS)
        put(&at, STR(";transport=ws"));
    else if (k == FLOW_TCP)
        put(&at, STR(";transport=tcp"));
    put(&at, u->ob ? STR(";lr;ob>") : STR(";lr>"));
    return (str){out, at.n};
}

str side_via(const proxy *p, const flow *f, str branch, char *out)
{
    char text[ADDR_TEXT];
    addr point = core_point(p, f);
    pen at = {out, 0};
    put(&at, STR("SIP/2.0/"));
    put(&at, str_of(flow_kind_via(p->w.kind(f))));
    put(&at, STR(" "));
    put(&at, str_of(addr_print(&point, text)));
    put(&at, STR(";branch="));
    put(&at, branch);
    return (str){out, at.n};
}

static size_t hex(char *out, uint64_t v, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++)
        out[i] = "0123456789abcdef"[v >> 4 * (digits - 1 - i) & 15];
    return digits;
}

/* z9hG4bK, cookie, kind, part, ".", mark in eight hex digits */
static str compose(const proxy *p, char kind, uint64_t part, uint32_t mark, char *out)
{
    unsigned digits = 1;
    while (digits < 16 && part >> 4 * digits)
        digits++;
    size_t n = 7 + CORE_COOKIE;
    memcpy(out, "z9hG4bK", 7);
    memcpy(out + 7, p->cookie, CORE_COOKIE);
    out[n++] = kind;
    n += hex(out + n, part, digits);
    out[n++] = '.';
    n += hex(out + n, mark, 8);
    return (str){out, n};
}

str side_branch(proxy *p, uint32_t mark, char *out)
{
    return compose(p, 't', ++p->serial, mark, out);
}

str side_stateless_branch(const proxy *p, const sip_message *m, uint32_t mark, char *out)
{
    uint64_t h = str_hash(m->via.text, p->seed);
    h = str_hash(m->call_id, h + m->cseq);
    return compose(p, 's', str_hash(m->uri_text, h), mark, out);
}

bool side_branch_loops(const proxy *p, str branch, uint32_t mark)
{
    char ours[SIDE_BRANCH], part[8];
    size_t n = 7 + CORE_COOKIE;
    memcpy(ours, "z9hG4bK", 7);
    memcpy(ours + 7, p->cookie, CORE_COOKIE);
    if (!str_starts(branch, (str){ours, n}) || branch.n < n + 10)
        return false;
    hex(part, mark, sizeof(part));
    return branch.p[branch.n - 9] == '.' &&
           str_eq(str_sub(branch, branch.n - 8, 8), (str){part, sizeof(part)});
}
