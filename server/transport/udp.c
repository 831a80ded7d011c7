/* SIP over UDP: a flow for each pair of listener and source address. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "sip/framing.h"
#include "transport/inside.h"

enum {
    DATAGRAMS_PER_EVENT = 64,
    DATAGRAM_MAX = 65507, /* of IPv4; IPv6 allows a little more */
    SPARED = 16,          /* kept flows passed over when one has to make room */
};

struct udp_flow {
    flow f;
    const listening *via;
    udp_flow *older, *newer;
    uint64_t used_at;
    uint64_t keep_until;
};

static int udp_send(flow *f, str message, const char **why);
static void udp_close(flow *f, unsigned code, const char *why);
static void udp_release(flow *f);

static const flow_ops UDP_OPS = {.send = udp_send, .close = udp_close, .release = udp_release};

static void unlink_flow(transport *t, udp_flow *u)
{
    *(u->older ? &u->older->newer : &t->oldest) = u->newer;
    *(u->newer ? &u->newer->older : &t->newest) = u->older;
}

static void link_newest(transport *t, udp_flow *u)
{
    u->used_at = loop_now(t->l);
    u->older = t->newest;
    u->newer = NULL;
    *(t->newest ? &t->newest->newer : &t->oldest) = u;
    t->newest = u;
}

static void arm(transport *t)
{
    if (!t->oldest || loop_timer_armed(&t->udp_timer))
        return;
    uint64_t due = t->oldest->used_at + t->o.udp_idle_ms, now = loop_now(t->l);
    loop_timer_set(t->l, &t->udp_timer, due > now ? due - now : 0);
}

static void expire(void *arg)
{
    transport *t = arg;
    uint64_t now = loop_now(t->l);
    udp_flow *next;
    for (udp_flow *u = t->oldest; u && u->used_at + t->o.udp_idle_ms <= now; u = next) {
        next = u->newer;
        if (u->f.state == FLOW_GONE)
            continue;
        if (u->keep_until <= now) {
            flow_end(&u->f, "no traffic for too long");
        } else {
            unlink_flow(t, u);
            link_newest(t, u);
        }
    }
    /* Those that end leave the list only when they are released, so look again a little later. */
    if (t->oldest && t->oldest->f.state == FLOW_GONE)
        loop_timer_set(t->l, &t->udp_timer, 1);
    else
        arm(t);
}

/* The longest unused flow goes; one that is kept for a registration only when all are. */
static void make_room(transport *t)
{
    uint64_t now = loop_now(t->l);
    udp_flow *u = t->oldest;
    for (int i = 0; i < SPARED && u && (u->keep_until > now || u->f.state == FLOW_GONE); i++)
        u = u->newer;
    if (!u || u->f.state == FLOW_GONE)
        u = t->oldest;
    flow_end(&u->f, "made room for another flow");
}

/* local: NULL when the datagram is ours, and any address of the listener will do. */
static flow *get(transport *t, const listening *li, const addr *remote, const addr *local)
{
    flow *f = flow_by_peer(t, FLOW_UDP, remote, &li->pub, local, NULL);
    if (f) {
        udp_flow *u = (udp_flow *)f;
        unlink_flow(t, u);
        link_newest(t, u);
        return f;
    }
    if (t->udp_count >= t->o.max_udp_flows)
        make_room(t);
    udp_flow *u = mem_zalloc(1, sizeof(*u));
    u->via = li;
    flow_begin(&u->f, t, FLOW_UDP, &UDP_OPS, &li->pub, NULL, local ? local : &li->pub.at, remote);
    u->f.state = FLOW_OPEN;
    t->udp_count++;
    link_newest(t, u);
    if (!t->udp_timer.fn)
        loop_timer_init(&t->udp_timer, expire, t);
    arm(t);
    return &u->f;
}

flow *udp_flow_to(transport *t, const listening *li, const addr *to)
{
    return get(t, li, to, NULL);
}

void udp_forget(transport *t)
{
    loop_timer_clear(t->l, &t->udp_timer);
}

static int udp_send(flow *f, str message, const char **why)
{
    udp_flow *u = (udp_flow *)f;
    if (message.n > DATAGRAM_MAX) {
        *why = "message longer than a datagram";
        return -1;
    }
    flow_record(f, "message", RECORDER_OUT, message, NULL);
    unlink_flow(f->t, u);
    link_newest(f->t, u);
    int err = sock_udp_send_from(u->via->fd, message.p, message.n, &f->remote,
                                 addr_is_any(&u->via->pub.at) ? &f->local : NULL);
    /* A full socket buffer loses the datagram, as any router may. */
    if (err && err != -EAGAIN) {
        *why = strerror(-err);
        return -1;
    }
    return 0;
}

static void udp_close(flow *f, unsigned code, const char *why)
{
    (void)code;
    flow_end(f, why);
}

static void udp_release(flow *f)
{
    unlink_flow(f->t, (udp_flow *)f);
    f->t->udp_count--;
}

void flow_keep(flow *f, uint64_t ms)
{
    if (f->kind != FLOW_UDP)
        return;
    udp_flow *u = (udp_flow *)f;
    uint64_t until = loop_now(f->t->l) + ms;
    if (until > u->keep_until)
        u->keep_until = until;
}

static void on_datagram(listening *li, const addr *from, const addr *to, str bytes)
{
    transport *t = li->t;
    char text[ADDR_TEXT];
    /* RFC 5626 4.4.1: CRLF keep-alives are not for UDP; they only hold a NAT binding open. */
    if (bytes.n == 0 || sip_keepalive(bytes)) {
        log_debug("udp", "keepalive", "remote=%s", addr_print(from, text));
        return;
    }
    /* RFC 5626 8: a first byte of 0 or 1 is STUN. */
    if ((uint8_t)bytes.p[0] <= 1) {
        log_info("udp", "stun-refused", "remote=%s bytes=%zu", addr_print(from, text), bytes.n);
        return;
    }
    flow_message(get(t, li, from, to), bytes, NULL);
}

static void on_error(listening *li, const addr *to, int err)
{
    transport *t = li->t;
    char text[ADDR_TEXT];
    log_info("udp", "unreachable", "remote=%s why=\"%s\"", addr_print(to, text), strerror(err));
    flow *f = flow_by_peer(t, FLOW_UDP, to, &li->pub, NULL, NULL);
    if (f && t->h.unreachable)
        t->h.unreachable(f, strerror(err), t->arg);
}

static void on_ready(unsigned ready, void *arg)
{
    (void)ready;
    listening *li = arg;
    char *p = loop_scratch(li->t->l);
    for (int i = 0; i < DATAGRAMS_PER_EVENT; i++) {
        addr from, to;
        long n = sock_udp_recv_to(li->fd, &li->pub.at, p, LOOP_SCRATCH, &from, &to);
        if (n == -EAGAIN || n == -EINTR)
            break;
        if (n >= 0)
            on_datagram(li, &from, &to, (str){p, (size_t)n});
    }
    addr failed;
    int err;
    for (int i = 0; i < DATAGRAMS_PER_EVENT && (err = sock_udp_error(li->fd, &failed)) != 0; i++)
        on_error(li, &failed, err);
}

void udp_listen(listening *li)
{
    loop_io_init(&li->io, li->t->l, li->fd, on_ready, li);
    loop_io_want(&li->io, LOOP_READ);
}
