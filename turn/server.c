#include "turn/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "turn/relay.h"

enum {
    DATAGRAMS_PER_EVENT = 64,
    ACCEPTS_PER_EVENT = 64,
    RESUME_MS = 100,
    SWEEP_MS = 1000,
    IDLE_MS = 60000,        /* a connection without an allocation */
    QUEUE_MAX = 1 << 20,    /* output of a connection */
    DATA_QUEUE = 256 << 10, /* above that relayed data is dropped */
};

typedef struct inlet {
    struct inlet *next;
    turn_server *s;
    tls *t;
    addr at;
    turn_transport transport;
    int fd;
    loop_io io;
    loop_timer resume;
    char name[TURN_SERVER_NAME];
} inlet;

typedef struct client {
    struct client *prev, *next;
    turn_server *s;
    conn *c;
    turn_path path;
    bool holds; /* had an allocation when last looked at */
} client;

struct turn_server {
    loop *l;
    turn *t;
    inlet *inlets;
    client *clients;
    size_t connections, max_connections;
    uint64_t hold_ms; /* input comes more often than that from one who keeps an allocation */
    policy *peers;
    loop_timer sweep;
};

static const char *const TRANSPORTS[] = {"udp", "tcp", "tls"};
static const conn_limits LIMITS = {.max_in = STUN_MAX, .max_out = QUEUE_MAX, .setup_ms = 10000};

static turn_time now_of(const turn_server *s)
{
    return (turn_time){.ms = loop_now(s->l), .unix = (uint64_t)time(NULL)};
}

/* ---- what the core wants ---- */

static void to_client(const turn_path *to, str bytes, bool data, void *arg)
{
    (void)arg;
    if (to->transport == TURN_UDP) {
        const inlet *in = to->via;
        /* A datagram that cannot be sent is lost, as any may be. */
        (void)sock_udp_send_from(in->fd, bytes.p, bytes.n, &to->client,
                                 addr_is_any(&in->at) ? &to->server : NULL);
        return;
    }
    const client *c = to->via;
    if (!data || conn_queued(c->c) + bytes.n <= DATA_QUEUE)
        (void)conn_write(c->c, bytes); /* a failure is reported by closed() */
}

static void peer_data(void *owner, const addr *peer, str bytes, void *arg)
{
    turn_server *s = arg;
    turn_peer_data(s->t, owner, peer, bytes, now_of(s));
}

static void peer_icmp(void *owner, const addr *peer, uint8_t type, uint8_t code, uint32_t info,
                      void *arg)
{
    turn_server *s = arg;
    turn_peer_icmp(s->t, owner, peer, type, code, info, now_of(s));
}

static const relay_handler RELAY_HANDLER = {.data = peer_data, .icmp = peer_icmp};

static void *open_relay(const addr *at, void *owner, void *arg)
{
    turn_server *s = arg;
    return relay_open(s->l, at, owner, &RELAY_HANDLER, s);
}

static void close_relay(void *r, void *arg)
{
    (void)arg;
    relay_close(r);
}

static void send_relay(void *r, const addr *peer, str data, bool dont_fragment, void *arg)
{
    (void)arg;
    relay_send(r, peer, data, dont_fragment);
}

static const turn_io IO = {.to_client = to_client,
                           .relay_open = open_relay,
                           .relay_close = close_relay,
                           .relay_send = send_relay};

/* ---- UDP ---- */

static void on_datagrams(unsigned ready, void *arg)
{
    (void)ready;
    inlet *in = arg;
    char *p = loop_scratch(in->s->l);
    turn_path path = {.transport = TURN_UDP, .via = in};
    for (int i = 0; i < DATAGRAMS_PER_EVENT; i++) {
        long n = sock_udp_recv_to(in->fd, &in->at, p, LOOP_SCRATCH, &path.client, &path.server);
        if (n == -EAGAIN)
            break;
        if (n > 0)
            turn_input(in->s->t, &path, (str){p, (size_t)n}, now_of(in->s));
    }
    addr failed;
    for (int i = 0; i < DATAGRAMS_PER_EVENT && sock_udp_error(in->fd, &failed); i++)
        continue; /* clients that are gone: their allocations end by themselves */
}

/* ---- TCP and TLS ---- */

static void forget(client *c)
{
    turn_server *s = c->s;
    turn_closed(s->t, &c->path);
    *(c->prev ? &c->prev->next : &s->clients) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->connections--;
    free(c);
}

static void on_open(conn *co, void *arg)
{
    client *c = arg;
    str alpn = conn_alpn(co);
    /* coturn's own client asks for http/1.1 and speaks STUN; one that means it is told apart by its
     * first bytes. */
    if (alpn.n && !str_eq(alpn, STR("stun.turn")) && !str_eq(alpn, STR("http/1.1"))) {
        log_info("turn", "closed", "why=\"ALPN is neither stun.turn nor http/1.1\"");
        conn_close(co);
        forget(c);
        return;
    }
    c->path.server = *conn_local(co);
    conn_idle(co, IDLE_MS);
}

static size_t on_data(conn *co, char *p, size_t n, void *arg)
{
    client *c = arg;
    turn_server *s = c->s;
    size_t used = 0;
    while (used < n) {
        str in = {p + used, n - used};
        long size = stun_frame(in);
        if (size == 0)
            break;
        if (size < 0) {
            char text[ADDR_TEXT];
            log_info("turn", "closed", "client=%s why=\"neither STUN nor ChannelData\"",
                     addr_print(&c->path.client, text));
            conn_close(co);
            forget(c);
            return n;
        }
        turn_input(s->t, &c->path, str_sub(in, 0, (size_t)size), now_of(s));
        used += (size_t)size;
    }
    bool holds = turn_has_allocation(s->t, &c->path);
    if (holds != c->holds) {
        c->holds = holds;
        conn_idle(co, holds ? s->hold_ms : IDLE_MS);
    }
    return used;
}

static void on_closed(conn *co, conn_why why, const char *detail, void *arg)
{
    (void)co;
    client *c = arg;
    char text[ADDR_TEXT];
    log_info("turn", "closed", "client=%s why=%s detail=\"%s\"", addr_print(&c->path.client, text),
             conn_why_name(why), detail);
    forget(c);
}

static const conn_handler CLIENT_HANDLER = {.open = on_open, .data = on_data, .closed = on_closed};

static client *add_client(turn_server *s, turn_transport transport, const addr *peer)
{
    client *c = mem_zalloc(1, sizeof(*c));
    c->s = s;
    c->path = (turn_path){.client = *peer, .transport = transport, .via = c};
    c->next = s->clients;
    if (c->next)
        c->next->prev = c;
    s->clients = c;
    s->connections++;
    return c;
}

void turn_server_adopt(turn_server *s, conn *co)
{
    client *c = add_client(s, conn_secure(co) ? TURN_TLS : TURN_TCP, conn_peer(co));
    c->c = co;
    c->path.server = *conn_local(co);
    conn_deadline(co, 0);
    conn_idle(co, IDLE_MS);
    conn_set_handler(co, &CLIENT_HANDLER, c);
}

static void on_connections(unsigned ready, void *arg)
{
    (void)ready;
    inlet *in = arg;
    turn_server *s = in->s;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        addr peer;
        int fd = sock_accept(in->fd, &peer);
        if (fd == -EAGAIN)
            return;
        if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
            /* The waiting connection keeps the socket readable: look away for a moment. */
            log_error("turn", "accept", "listener=%s why=\"%s\"", in->name, strerror(-fd));
            loop_io_want(&in->io, 0);
            loop_timer_set(s->l, &in->resume, RESUME_MS);
            return;
        }
        if (fd < 0)
            continue; /* that one is gone again */
        if (s->connections >= s->max_connections) {
            log_error("turn", "accept", "listener=%s why=\"%zu connections\"", in->name,
                      s->connections);
            close(fd);
            continue;
        }
        client *c = add_client(s, in->transport, &peer);
        c->c = conn_accept(s->l, fd, &peer, in->t, &LIMITS, &CLIENT_HANDLER, c);
    }
}

static void resume(void *arg)
{
    inlet *in = arg;
    loop_io_want(&in->io, LOOP_READ);
}

/* ---- the whole ---- */

static void sweep(void *arg)
{
    turn_server *s = arg;
    turn_expire(s->t, now_of(s));
    loop_timer_set(s->l, &s->sweep, SWEEP_MS);
}

int turn_server_parse(const char *spec, turn_transport *transport, addr *at)
{
    str text = str_of(spec);
    size_t colon = str_chr(text, ':', 0);
    for (int i = 0; i < 3 && colon < text.n; i++)
        if (str_eq(str_sub(text, 0, colon), str_of(TRANSPORTS[i]))) {
            *transport = (turn_transport)i;
            return addr_parse(at, str_sub(text, colon + 1, text.n));
        }
    return -1;
}

turn_server *turn_server_new(loop *l, const turn_options *o, size_t max_connections)
{
    turn_server *s = mem_zalloc(1, sizeof(*s));
    s->l = l;
    s->t = turn_new(o, &IO, s);
    s->peers = o->peers;
    s->max_connections = max_connections;
    s->hold_ms = (o->max_lifetime > o->lifetime ? o->max_lifetime : o->lifetime) * 1000 + IDLE_MS;
    loop_timer_init(&s->sweep, sweep, s);
    loop_timer_set(l, &s->sweep, SWEEP_MS);
    return s;
}

void turn_server_free(turn_server *s)
{
    if (!s)
        return;
    loop_timer_clear(s->l, &s->sweep);
    while (s->clients) {
        conn_close(s->clients->c);
        forget(s->clients);
    }
    turn_free(s->t);
    while (s->inlets) {
        inlet *in = s->inlets;
        s->inlets = in->next;
        loop_timer_clear(s->l, &in->resume);
        loop_io_want(&in->io, 0);
        close(in->fd);
        free(in);
    }
    free(s);
}

int turn_server_listen(turn_server *s, const char *spec, tls *t, char *name, char *err, size_t errn)
{
    addr at;
    turn_transport transport;
    char text[ADDR_TEXT];
    if (turn_server_parse(spec, &transport, &at)) {
        (void)snprintf(err, errn, "%s: not of the form udp|tcp|tls:HOST:PORT", spec);
        return -1;
    }
    if (transport == TURN_TLS && !t) {
        (void)snprintf(err, errn, "%s: needs a certificate and its key", spec);
        return -1;
    }
    addr bound;
    int fd = transport == TURN_UDP ? sock_udp(&at, &bound) : sock_listen(&at, &bound);
    if (fd < 0) {
        (void)snprintf(err, errn, "%s: %s", spec, strerror(-fd));
        return -1;
    }
    inlet *in = mem_zalloc(1, sizeof(*in));
    in->s = s;
    in->t = transport == TURN_TLS ? t : NULL;
    in->at = bound;
    in->transport = transport;
    in->fd = fd;
    (void)snprintf(in->name, sizeof(in->name), "%s:%.72s", TRANSPORTS[transport],
                   addr_print(&bound, text));
    (void)snprintf(name, TURN_SERVER_NAME, "%s", in->name);
    policy_listening(s->peers, &bound);
    loop_timer_init(&in->resume, resume, in);
    loop_io_init(&in->io, s->l, fd, transport == TURN_UDP ? on_datagrams : on_connections, in);
    loop_io_want(&in->io, LOOP_READ);
    in->next = s->inlets;
    s->inlets = in;
    log_info("turn", "listening", "listener=%s", in->name);
    return 0;
}

turn *turn_server_core(turn_server *s)
{
    return s->t;
}
