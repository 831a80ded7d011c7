/* Refresh (RFC 8656 8.2), CreatePermission (10.2) and ChannelBind (12.2). */
#include <string.h>

#include "base/log.h"
#include "turn/core.h"

enum { PEERS_MAX = 64 }; /* of one CreatePermission */

/* The allocation that the request is about; NULL when an error was answered. */
static allocation *mine(request *r)
{
    if (!r->a)
        answer_error(r, 437, "no allocation here");
    else if (strcmp(r->a->user->name, r->name) != 0)
        answer_error(r, 441, "another user's allocation");
    else
        return r->a;
    return NULL;
}

/* ---- Refresh ---- */

static void remember(request *r)
{
    turn *t = r->t;
    gone *g = &t->gone[t->gone_at++ % TURN_GONE];
    *g = (gone){.client = r->from->client,
                .server = r->from->server,
                .transport = r->from->transport,
                .until = r->now.ms + TURN_GONE_MS};
    memcpy(g->tid, r->m.tid, STUN_TID);
}

static bool repeated(const request *r)
{
    for (size_t i = 0; i < TURN_GONE; i++) {
        const gone *g = &r->t->gone[i];
        if (g->until > r->now.ms && memcmp(g->tid, r->m.tid, STUN_TID) == 0 &&
            g->transport == r->from->transport && addr_eq(&g->client, &r->from->client) &&
            addr_eq(&g->server, &r->from->server))
            return true;
    }
    return false;
}

static void answer_lifetime(request *r, uint64_t seconds)
{
    answer_begin(r, STUN_SUCCESS);
    attr_add_u32(&r->t->out, ATTR_LIFETIME, (uint32_t)seconds);
    answer_send(r);
}

/* Ends the halves of those families. */
static void end_halves(request *r, const bool which[2])
{
    allocation *a = r->a;
    int other = which[0] ? 1 : 0;
    if ((which[0] && which[1]) || !a->half[other])
        core_end(r->t, a, "ended by its client");
    else
        core_end_half(r->t, a, !other);
}

void refresh_request(request *r)
{
    attr a;
    uint32_t asked = 1;
    uint8_t family;
    bool which[2] = {true, true};
    if (repeated(r)) {
        answer_lifetime(r, 0);
        return;
    }
    if (!mine(r))
        return;
    if (attr_find(&r->m, ATTR_REQUESTED_ADDRESS_FAMILY, &a)) {
        if (attr_family(a.value, &family)) {
            answer_error(r, 400, "REQUESTED-ADDRESS-FAMILY malformed");
            return;
        }
        which[0] = family == ATTR_V4;
        which[1] = family == ATTR_V6;
        if (!(which[0] && r->a->half[0]) && !(which[1] && r->a->half[1])) {
            answer_error(r, 443, "not a family of the allocation");
            return;
        }
    }
    if (attr_find(&r->m, ATTR_LIFETIME, &a) && attr_u32(a.value, &asked)) {
        answer_error(r, 400, "LIFETIME malformed");
        return;
    }
    uint64_t seconds = asked ? allocate_lifetime(r) : 0;
    if (seconds) {
        for (int i = 0; i < 2; i++)
            if (which[i] && r->a->half[i])
                r->a->half[i]->until = r->now.ms + seconds * 1000;
    } else {
        remember(r);
        end_halves(r, which);
    }
    answer_lifetime(r, seconds);
}

/* ---- peers ---- */

/* May that peer be used with the allocation? 0, or -1 when an error was answered. */
static int check_peer(request *r, const addr *peer)
{
    if (!r->a->half[core_half(peer->family)]) {
        answer_error(r, 443, "the peer's family is not the allocation's");
        return -1;
    }
    const char *why = policy_refuses(r->t->o.peers, peer);
    if (why) {
        answer_error(r, 403, why);
        return -1;
    }
    return 0;
}

void create_permission_request(request *r)
{
    turn *t = r->t;
    addr peers[PEERS_MAX];
    attr one;
    size_t n = 0, at = 0;
    if (!mine(r))
        return;
    while (attr_next_vouched(&r->m, &at, &one) > 0) {
        if (one.type != ATTR_XOR_PEER_ADDRESS)
            continue;
        if (n == PEERS_MAX) {
            answer_error(r, 508, "too many peers at a time");
            return;
        }
        if (attr_xor_address(one.value, &r->m, &peers[n])) {
            answer_error(r, 400, "XOR-PEER-ADDRESS malformed");
            return;
        }
        peers[n++].port = 0;
    }
    if (n == 0) {
        answer_error(r, 400, "no XOR-PEER-ADDRESS");
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (check_peer(r, &peers[i]))
            return;
    if (!permissions_room(&r->a->perms, peers, n, t->o.max_permissions, r->now.ms)) {
        answer_error(r, 508, "too many permissions");
        return;
    }
    uint64_t until = r->now.ms + t->o.permission_lifetime * 1000;
    for (size_t i = 0; i < n; i++)
        (void)permissions_set(&r->a->perms, &peers[i], until, t->o.max_permissions,
                              r->now.ms); /* there is room */
    answer_begin(r, STUN_SUCCESS);
    answer_send(r);
}

void channel_bind_request(request *r)
{
    turn *t = r->t;
    uint64_t now = r->now.ms;
    attr a;
    uint16_t number;
    addr peer;
    if (!mine(r))
        return;
    if (!attr_find(&r->m, ATTR_CHANNEL_NUMBER, &a) || attr_channel(a.value, &number) ||
        number < CHANNEL_FIRST || number > CHANNEL_LAST) {
        answer_error(r, 400, "CHANNEL-NUMBER absent, malformed or out of range");
        return;
    }
    if (!attr_find(&r->m, ATTR_XOR_PEER_ADDRESS, &a) || attr_xor_address(a.value, &r->m, &peer)) {
        answer_error(r, 400, "XOR-PEER-ADDRESS absent or malformed");
        return;
    }
    if (policy_tunnelled(&r->from->client)) {
        answer_error(r, 403, "client behind 6to4 or Teredo");
        return;
    }
    if (check_peer(r, &peer))
        return;
    channel_result can = channels_check(&r->a->chans, number, &peer, t->o.max_channels, now);
    if (can == CHANNEL_TAKEN) {
        answer_error(r, 400, "channel or peer is bound otherwise");
        return;
    }
    if (can == CHANNEL_FULL ||
        permissions_set(&r->a->perms, &peer, now + t->o.permission_lifetime * 1000,
                        t->o.max_permissions, now)) {
        answer_error(r, 508, "too many channels or permissions");
        return;
    }
    (void)channels_bind(&r->a->chans, number, &peer, now + t->o.channel_lifetime * 1000,
                        t->o.max_channels, now); /* checked above */
    answer_begin(r, STUN_SUCCESS);
    answer_send(r);
}
