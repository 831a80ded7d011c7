/* Relaying: Send and ChannelData to peers, peers' data and ICMP errors to clients (RFC 8656 11,
 * 12). What may not pass is dropped without an answer. */
#include "base/log.h"
#include "turn/core.h"

enum { ICMP4_UNREACHABLE = 3, ICMP4_TIME_EXCEEDED = 11, ICMP4_TOO_BIG = 4 };
enum { ICMP6_UNREACHABLE = 1, ICMP6_TOO_BIG = 2, ICMP6_TIME_EXCEEDED = 3 };

static void drop(const allocation *a, const addr *peer, const char *why)
{
    if (log_on(LOG_DEBUG)) {
        char client[ADDR_TEXT], there[ADDR_TEXT];
        log_event(LOG_DEBUG, "turn", "dropped", "client=%s peer=%s why=\"%s\"",
                  addr_print(&a->path.client, client), addr_print(peer, there), why);
    }
}

/* To the peer, if permission and bandwidth allow. */
static void relay(turn *t, allocation *a, const addr *peer, str data, bool dont_fragment,
                  turn_time now)
{
    const relayed *r = a->half[core_half(peer->family)];
    const char *why = NULL;
    if (!r)
        why = "no relayed address of that family";
    else if (!permissions_has(&a->perms, peer, now.ms))
        why = "no permission";
    else if (!(why = policy_refuses_port(t->o.peers, peer)) &&
             !account_pass(a->user, data.n, t->o.bandwidth, now.ms))
        why = "above the bandwidth limit";
    if (why)
        drop(a, peer, why);
    else
        t->io.relay_send(r->io, peer, data, dont_fragment, t->arg);
}

void data_send(turn *t, const turn_path *from, const stun_msg *m, turn_time now)
{
    attr peer_attr, data;
    addr peer;
    uint16_t types[ATTR_UNKNOWN_MAX];
    allocation *a = core_find(t, from, now.ms);
    if (!a || attr_check(m) || !attr_find(m, ATTR_XOR_PEER_ADDRESS, &peer_attr) ||
        attr_xor_address(peer_attr.value, m, &peer) || !attr_find(m, ATTR_DATA, &data) ||
        attr_unknown(m, types))
        return;
    relay(t, a, &peer, data.value, attr_has(m, ATTR_DONT_FRAGMENT), now);
}

void data_channel(turn *t, const turn_path *from, uint16_t number, str data, turn_time now)
{
    allocation *a = core_find(t, from, now.ms);
    const channel *c = a ? channels_by_number(&a->chans, number, now.ms) : NULL;
    if (c)
        relay(t, a, &c->peer, data, false, now);
}

void turn_peer_data(turn *t, void *owner, const addr *peer, str data, turn_time now)
{
    const relayed *r = owner;
    allocation *a = r->owner;
    if (!a || r->until <= now.ms)
        return; /* held in reserve, or over */
    if (!permissions_has(&a->perms, peer, now.ms)) {
        drop(a, peer, "data of a peer without permission");
        return;
    }
    if (!account_pass(a->user, data.n, t->o.bandwidth, now.ms)) {
        drop(a, peer, "above the bandwidth limit");
        return;
    }
    const channel *c = channels_by_peer(&a->chans, peer, now.ms);
    buf_clear(&t->out);
    if (c) {
        stun_channel_write(&t->out, c->number, data, a->path.transport != TURN_UDP);
    } else {
        stun_begin(&t->out, STUN_INDICATION, STUN_DATA, NULL);
        attr_add_xor_address(&t->out, ATTR_XOR_PEER_ADDRESS, peer);
        attr_add(&t->out, ATTR_DATA, data);
    }
    if (!buf_failed(&t->out))
        t->io.to_client(&a->path, buf_slice(&t->out), true, t->arg);
}

static bool worth_telling(const addr *peer, uint8_t type)
{
    if (peer->family == AF_INET)
        return type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED;
    return type == ICMP6_UNREACHABLE || type == ICMP6_TOO_BIG || type == ICMP6_TIME_EXCEEDED;
}

void turn_peer_icmp(turn *t, void *owner, const addr *peer, uint8_t type, uint8_t code,
                    uint32_t info, turn_time now)
{
    const relayed *r = owner;
    const allocation *a = r->owner;
    if (!a || r->until <= now.ms || !worth_telling(peer, type) ||
        !permissions_has(&a->perms, peer, now.ms))
        return;
    bool too_big = peer->family == AF_INET ? type == ICMP4_UNREACHABLE && code == ICMP4_TOO_BIG
                                           : type == ICMP6_TOO_BIG;
    buf_clear(&t->out);
    stun_begin(&t->out, STUN_INDICATION, STUN_DATA, NULL);
    attr_add_xor_address(&t->out, ATTR_XOR_PEER_ADDRESS, peer);
    attr_add_icmp(&t->out, type, code, too_big ? info : 0);
    t->io.to_client(&a->path, buf_slice(&t->out), true, t->arg);
}
