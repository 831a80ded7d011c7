/* Allocate (RFC 8656 7.2), check by check in its order. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "turn/core.h"

enum { PROTOCOL_UDP = 17, BLIND_TRIES = 32, SYSTEM_TRIES = 512 };

/* What an Allocate asks for. */
typedef struct wish {
    bool family[2]; /* IPv4, IPv6 */
    bool additional;
    bool even, reserve;
    bool has_token;
    str token;
} wish;

uint64_t allocate_lifetime(const request *r)
{
    const turn_options *o = &r->t->o;
    attr a;
    uint32_t asked;
    uint64_t granted = o->lifetime;
    if (attr_find(&r->m, ATTR_LIFETIME, &a) && attr_u32(a.value, &asked) == 0) {
        uint64_t capped = asked < o->max_lifetime ? asked : o->max_lifetime;
        if (capped > granted)
            granted = capped;
    }
    return granted;
}

/* ---- what is asked ---- */

static int error(request *r, unsigned code, const char *why)
{
    answer_error(r, code, why);
    return -1;
}

static int read_transport(request *r)
{
    attr a;
    uint32_t v;
    if (!attr_find(&r->m, ATTR_REQUESTED_TRANSPORT, &a) || attr_u32(a.value, &v))
        return error(r, 400, "REQUESTED-TRANSPORT absent or malformed");
    if (v >> 24 != PROTOCOL_UDP)
        return error(r, 442, "only UDP is relayed");
    return 0;
}

static int read_families(request *r, wish *w)
{
    const turn_options *o = &r->t->o;
    attr asked, more;
    uint8_t family = ATTR_V4;
    bool has = attr_find(&r->m, ATTR_REQUESTED_ADDRESS_FAMILY, &asked);
    w->additional = attr_find(&r->m, ATTR_ADDITIONAL_ADDRESS_FAMILY, &more);
    if (has && w->additional)
        return error(r, 400, "both REQUESTED- and ADDITIONAL-ADDRESS-FAMILY");
    if (has && attr_family(asked.value, &family))
        return error(r, 400, "REQUESTED-ADDRESS-FAMILY malformed");
    if (w->additional) {
        w->family[0] = w->family[1] = true;
        return 0;
    }
    if ((family != ATTR_V4 && family != ATTR_V6) || !o->relay[family == ATTR_V6].family)
        return error(r, 440, "no relaying for that address family");
    w->family[family == ATTR_V6] = true;
    return 0;
}

static int read_rest(request *r, wish *w)
{
    attr a;
    uint8_t family;
    if (attr_find(&r->m, ATTR_EVEN_PORT, &a)) {
        if (a.value.n != 1)
            return error(r, 400, "EVEN-PORT malformed");
        w->even = true;
        w->reserve = (uint8_t)a.value.p[0] >> 7;
        if (w->reserve && w->additional)
            return error(r, 400, "a port to reserve and two address families");
    }
    if (w->additional) {
        (void)attr_find(&r->m, ATTR_ADDITIONAL_ADDRESS_FAMILY, &a);
        if (attr_family(a.value, &family) || family != ATTR_V6)
            return error(r, 400, "ADDITIONAL-ADDRESS-FAMILY other than IPv6");
    }
    return 0;
}

static int read_token(request *r, wish *w)
{
    attr a;
    w->has_token = attr_find(&r->m, ATTR_RESERVATION_TOKEN, &a);
    if (!w->has_token)
        return 0;
    if (attr_has(&r->m, ATTR_EVEN_PORT) || attr_has(&r->m, ATTR_REQUESTED_ADDRESS_FAMILY) ||
        attr_has(&r->m, ATTR_ADDITIONAL_ADDRESS_FAMILY) || a.value.n != ATTR_TOKEN)
        return error(r, 400, "RESERVATION-TOKEN malformed, or with what it excludes");
    w->token = a.value;
    return 0;
}

static int check_quota(request *r)
{
    turn *t = r->t;
    const turn_options *o = &t->o;
    str address = {(const char *)r->from->client.ip, sizeof(r->from->client.ip)};
    if (o->user_quota && accounts_count(&t->users, str_of(r->name)) >= o->user_quota)
        return error(r, 486, "the user's quota");
    if (o->address_quota && accounts_count(&t->addresses, address) >= o->address_quota)
        return error(r, 486, "the client address's quota");
    if (o->total_quota && t->count >= o->total_quota)
        return error(r, 508, "the server's quota");
    return 0;
}

/* ---- ports ---- */

/* Opens one port, or, with pair set, it and the next one as well. */
static relayed *open_at(turn *t, addr *at, uint32_t port, relayed **pair)
{
    at->port = (uint16_t)port;
    if (pair && (port == t->o.high || core_at(t, at)))
        return NULL;
    relayed *r = core_open(t, at);
    if (!r || !pair)
        return r;
    at->port++;
    *pair = core_open(t, at);
    if (!*pair) {
        core_close(t, r);
        return NULL;
    }
    return r;
}

/* A relayed address at random (RFC 6056 3.3.2): some blind tries, then from a random port onwards
 * through the whole range, so that nothing free is missed; the system is asked so often at most. */
static relayed *open_any(turn *t, int half, bool even, relayed **pair)
{
    addr at = t->o.relay[half];
    uint32_t low = t->o.low, size = (uint32_t)t->o.high - low + 1;
    unsigned asked = 0;
    uint32_t start = (uint32_t)(digest_random_u64() % size);
    for (uint32_t i = 0; i < BLIND_TRIES + size && asked < SYSTEM_TRIES; i++) {
        uint32_t port = low + (i < BLIND_TRIES ? (uint32_t)(digest_random_u64() % size)
                                               : (start + i - BLIND_TRIES) % size);
        if (even && port % 2)
            continue;
        at.port = (uint16_t)port;
        if (core_at(t, &at))
            continue;
        asked++;
        relayed *r = open_at(t, &at, port, pair);
        if (r)
            return r;
    }
    return NULL;
}

static relayed *redeem(turn *t, str token, uint64_t now_ms)
{
    for (reservation **at = &t->reservations; *at; at = &(*at)->next) {
        reservation *v = *at;
        if (!digest_eq(v->token, token.p, ATTR_TOKEN) || v->r->until <= now_ms)
            continue;
        relayed *r = v->r;
        *at = v->next;
        t->reservation_count--;
        free(v);
        return r;
    }
    return NULL;
}

static void keep_for_later(turn *t, relayed *r, uint64_t until, char token[ATTR_TOKEN])
{
    reservation *v = mem_zalloc(1, sizeof(*v));
    digest_random(v->token, ATTR_TOKEN);
    memcpy(token, v->token, ATTR_TOKEN);
    r->until = until;
    v->r = r;
    v->next = t->reservations;
    t->reservations = v;
    t->reservation_count++;
}

/* ---- the answer, and the whole ---- */

static void answer_allocated(request *r, const allocation *a)
{
    turn *t = r->t;
    uint64_t until = 0;
    answer_begin(r, STUN_SUCCESS);
    for (int i = 0; i < 2; i++)
        if (a->half[i]) {
            attr_add_xor_address(&t->out, ATTR_XOR_RELAYED_ADDRESS, &a->half[i]->at);
            until = a->half[i]->until > until ? a->half[i]->until : until;
        }
    attr_add_xor_address(&t->out, ATTR_XOR_MAPPED_ADDRESS, &r->from->client);
    attr_add_u32(&t->out, ATTR_LIFETIME, (uint32_t)((until - r->now.ms + 999) / 1000));
    if (a->reserved)
        attr_add(&t->out, ATTR_RESERVATION_TOKEN, (str){a->token, ATTR_TOKEN});
    if (a->missing)
        attr_add_address_error(&t->out, a->half[0] ? ATTR_V6 : ATTR_V4, a->missing,
                               a->missing == 440 ? STR("Address Family not Supported")
                                                 : STR("Insufficient Capacity"));
    answer_send(r);
}

/* Fills the halves. 0, or -1 when an error was answered. */
static int open_halves(request *r, const wish *w, allocation *a)
{
    turn *t = r->t;
    if (w->has_token) {
        relayed *kept = redeem(t, w->token, r->now.ms);
        if (!kept)
            return error(r, 508, "no such reservation");
        a->half[core_half(kept->at.family)] = kept;
        return 0;
    }
    if (w->reserve && t->reservation_count >= TURN_RESERVATIONS_MAX)
        return error(r, 508, "too many reservations");
    relayed *next = NULL;
    for (int i = 0; i < 2; i++)
        if (w->family[i] && t->o.relay[i].family)
            a->half[i] = open_any(t, i, w->even, w->reserve ? &next : NULL);
    if (!a->half[0] && !a->half[1])
        return error(r, 508, "no port");
    for (int i = 0; i < 2; i++)
        if (w->family[i] && !a->half[i])
            a->missing = t->o.relay[i].family ? 508 : 440;
    if (next) {
        a->reserved = true;
        keep_for_later(t, next, r->now.ms + t->o.reservation_lifetime * 1000, a->token);
    }
    return 0;
}

static void answer_alternate(request *r, const addr *there)
{
    answer_begin(r, STUN_ERROR);
    attr_add_error(&r->t->out, 300, STR("Try Alternate"));
    attr_add_address(&r->t->out, ATTR_ALTERNATE_SERVER, there);
    answer_send(r);
}

static void add_allocation(request *r, allocation *a)
{
    turn *t = r->t;
    uint64_t until = r->now.ms + allocate_lifetime(r) * 1000;
    str address = {(const char *)r->from->client.ip, sizeof(r->from->client.ip)};
    a->path = *r->from;
    memcpy(a->tid, r->m.tid, STUN_TID);
    for (int i = 0; i < 2; i++)
        if (a->half[i]) {
            a->half[i]->until = until;
            a->half[i]->owner = a;
        }
    a->user = accounts_take(&t->users, str_of(r->name));
    a->address = accounts_take(&t->addresses, address);
    core_add(t, a);
}

void allocate_request(request *r)
{
    turn *t = r->t;
    wish w = {.even = false};
    char client[ADDR_TEXT], relay[2][ADDR_TEXT];
    if (r->a) {
        /* A repetition gets its answer again; the sum of all checks was passed before. */
        if (memcmp(r->a->tid, r->m.tid, STUN_TID) != 0)
            answer_error(r, 437, "there is an allocation already");
        else if (strcmp(r->a->user->name, r->name) != 0)
            answer_error(r, 441, "another user's allocation");
        else
            answer_allocated(r, r->a);
        return;
    }
    const addr *there = &t->o.alternate[core_half(r->from->client.family)];
    if (policy_tunnelled(&r->from->client)) {
        answer_error(r, 403, "client behind 6to4 or Teredo");
        return;
    }
    if (there->family) {
        answer_alternate(r, there);
        return;
    }
    if (read_transport(r) || read_token(r, &w) || (!w.has_token && read_families(r, &w)) ||
        (!w.has_token && read_rest(r, &w)) || check_quota(r))
        return;
    allocation *a = mem_zalloc(1, sizeof(*a));
    if (open_halves(r, &w, a)) {
        free(a);
        return;
    }
    add_allocation(r, a);
    for (int i = 0; i < 2; i++)
        addr_print(a->half[i] ? &a->half[i]->at : &(addr){.port = 0}, relay[i]);
    log_info("turn", "allocated", "client=%s user=\"%s\" relay4=%s relay6=%s",
             addr_print(&a->path.client, client), r->name, relay[0], relay[1]);
    answer_allocated(r, a);
}
