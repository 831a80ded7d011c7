/* Dispatch of what comes in, and the tables of allocations, relayed addresses and reservations. */
#include "turn/turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "turn/core.h"

void turn_defaults(turn_options *o)
{
    *o = (turn_options){.low = 49152,
                        .high = 65535,
                        .lifetime = 600,
                        .max_lifetime = 3600,
                        .permission_lifetime = 300,
                        .channel_lifetime = 600,
                        .nonce_lifetime = 3600,
                        .reservation_lifetime = 30,
                        .max_permissions = 256,
                        .max_channels = 256};
}

turn *turn_new(const turn_options *o, const turn_io *io, void *arg)
{
    turn *t = mem_zalloc(1, sizeof(*t));
    t->o = *o;
    t->io = *io;
    t->arg = arg;
    t->seed = digest_random_u64();
    /* A user's hash can be looked up only where users are listed, and with the feature announced
     * clients must not send names: so not with ephemeral users. */
    nonce_init(&t->nonces, NONCE_ALGORITHMS | (o->who->secret_count ? 0 : NONCE_ANONYMITY),
               o->nonce_lifetime * 1000);
    accounts_init(&t->users);
    accounts_init(&t->addresses);
    buf_init(&t->out, STUN_MAX);
    t->o.peers->low = o->low;
    t->o.peers->high = o->high;
    for (int i = 0; i < 2; i++)
        if (o->relay[i].family)
            policy_relaying(t->o.peers, &o->relay[i]);
    return t;
}

void turn_free(turn *t)
{
    if (!t)
        return;
    while (t->oldest)
        core_end(t, t->oldest, "server ends");
    while (t->reservations) {
        reservation *v = t->reservations;
        t->reservations = v->next;
        core_close(t, v->r);
        free(v);
    }
    buf_free(&t->out);
    free(t);
}

size_t turn_allocations(const turn *t)
{
    return t->count;
}

/* ---- tables ---- */

int core_half(int family)
{
    return family == AF_INET6;
}

static uint64_t path_bucket(const turn *t, const turn_path *p)
{
    uint64_t h = addr_hash(&p->client, t->seed ^ (uint64_t)p->transport);
    return addr_hash(&p->server, h) % TURN_BUCKETS;
}

static bool same_path(const turn_path *a, const turn_path *b)
{
    return a->transport == b->transport && addr_eq(&a->client, &b->client) &&
           addr_eq(&a->server, &b->server);
}

static bool over(const allocation *a, uint64_t now_ms)
{
    return (!a->half[0] || a->half[0]->until <= now_ms) &&
           (!a->half[1] || a->half[1]->until <= now_ms);
}

allocation *core_find(turn *t, const turn_path *path, uint64_t now_ms)
{
    allocation *a = t->by_path[path_bucket(t, path)];
    while (a && !same_path(&a->path, path))
        a = a->next;
    if (a && over(a, now_ms)) {
        core_end(t, a, "lifetime over");
        return NULL;
    }
    for (int i = 0; a && i < 2; i++)
        if (a->half[i] && a->half[i]->until <= now_ms)
            core_end_half(t, a, i);
    return a;
}

void core_add(turn *t, allocation *a)
{
    allocation **bucket = &t->by_path[path_bucket(t, &a->path)];
    a->next = *bucket;
    *bucket = a;
    a->older = t->newest;
    *(t->newest ? &t->newest->newer : &t->oldest) = a;
    t->newest = a;
    t->count++;
}

void core_end(turn *t, allocation *a, const char *why)
{
    char text[ADDR_TEXT];
    log_info("turn", "ended", "client=%s user=\"%s\" why=\"%s\"", addr_print(&a->path.client, text),
             a->user->name, why);
    allocation **at = &t->by_path[path_bucket(t, &a->path)];
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    *(a->older ? &a->older->newer : &t->oldest) = a->newer;
    *(a->newer ? &a->newer->older : &t->newest) = a->older;
    t->count--;
    for (int i = 0; i < 2; i++)
        if (a->half[i])
            core_close(t, a->half[i]);
    accounts_release(&t->users, a->user);
    accounts_release(&t->addresses, a->address);
    permissions_free(&a->perms);
    channels_free(&a->chans);
    free(a);
}

void core_end_half(turn *t, allocation *a, int half)
{
    core_close(t, a->half[half]);
    a->half[half] = NULL;
    permissions_drop(&a->perms, half ? AF_INET6 : AF_INET);
    channels_drop(&a->chans, half ? AF_INET6 : AF_INET);
}

static relayed **relayed_link(turn *t, const addr *at)
{
    relayed **link = &t->by_address[addr_hash(at, t->seed) % TURN_BUCKETS];
    while (*link && !addr_eq(&(*link)->at, at))
        link = &(*link)->next;
    return link;
}

relayed *core_at(turn *t, const addr *at)
{
    return *relayed_link(t, at);
}

relayed *core_open(turn *t, const addr *at)
{
    relayed **link = relayed_link(t, at);
    if (*link)
        return NULL;
    relayed *r = mem_zalloc(1, sizeof(*r));
    r->at = *at;
    r->io = t->io.relay_open(at, r, t->arg);
    if (!r->io) {
        free(r);
        return NULL;
    }
    *link = r;
    return r;
}

void core_close(turn *t, relayed *r)
{
    *relayed_link(t, &r->at) = r->next;
    t->io.relay_close(r->io, t->arg);
    free(r);
}

void turn_expire(turn *t, turn_time now)
{
    allocation *newer;
    for (allocation *a = t->oldest; a; a = newer) {
        newer = a->newer;
        (void)core_find(t, &a->path, now.ms);
    }
    for (reservation **at = &t->reservations; *at;) {
        reservation *v = *at;
        if (v->r->until > now.ms) {
            at = &v->next;
            continue;
        }
        *at = v->next;
        t->reservation_count--;
        core_close(t, v->r);
        free(v);
    }
}

void turn_closed(turn *t, const turn_path *path)
{
    allocation *a = t->by_path[path_bucket(t, path)];
    while (a && !same_path(&a->path, path))
        a = a->next;
    if (a)
        core_end(t, a, "connection closed");
}

bool turn_has_allocation(turn *t, const turn_path *path)
{
    const allocation *a = t->by_path[path_bucket(t, path)];
    while (a && !same_path(&a->path, path))
        a = a->next;
    return a != NULL;
}

/* ---- dispatch ---- */

static void binding(request *r)
{
    answer_begin(r, STUN_SUCCESS);
    attr_add_xor_address(&r->t->out, ATTR_XOR_MAPPED_ADDRESS, &r->from->client);
    answer_send(r);
}

static void on_request(turn *t, const turn_path *from, const stun_msg *m, bool fingerprint,
                       turn_time now)
{
    request r = {.t = t, .from = from, .now = now, .m = *m, .fingerprint = fingerprint};
    uint16_t types[ATTR_UNKNOWN_MAX];
    void (*serve)(request *) = NULL;
    switch (m->method) {
    case STUN_BINDING: serve = binding; break;
    case STUN_ALLOCATE: serve = allocate_request; break;
    case STUN_REFRESH: serve = refresh_request; break;
    case STUN_CREATE_PERMISSION: serve = create_permission_request; break;
    case STUN_CHANNEL_BIND: serve = channel_bind_request; break;
    default: return; /* RFC 8489 6.3: a method that is not known, or has no requests */
    }
    if (attr_check(m)) {
        answer_error(&r, 400, "attributes do not fit the message");
        return;
    }
    if (m->method != STUN_BINDING) {
        r.a = core_find(t, from, now.ms);
        if (auth_check(&r))
            return;
    }
    size_t n = attr_unknown(m, types);
    if (n)
        answer_unknown(&r, types, n);
    else
        serve(&r);
}

void turn_input(turn *t, const turn_path *from, str packet, turn_time now)
{
    stun_msg m;
    uint16_t number;
    str data;
    stun_kind kind = stun_kind_of(packet);
    /* RFC 8656 21.1.7: a relay that sends to this server would make packets go in circles. */
    if (kind == STUN_OTHER || (from->transport == TURN_UDP && core_at(t, &from->client)))
        return;
    if (kind == STUN_CHANNEL) {
        if (stun_channel_data(packet, &number, &data) == 0)
            data_channel(t, from, number, data, now);
        return;
    }
    if (stun_parse(packet, &m))
        return;
    int fingerprint = integrity_fingerprint(&m);
    if (fingerprint < 0)
        return;
    if (m.class == STUN_REQUEST)
        on_request(t, from, &m, fingerprint > 0, now);
    else if (m.class == STUN_INDICATION && m.method == STUN_SEND)
        data_send(t, from, &m, now);
}
