/* Listener specifications, and listening sockets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "transport/inside.h"

enum { ACCEPTS_PER_EVENT = 64, RESUME_MS = 100 };

static const char *const KINDS[] = {"udp", "tcp", "tls", "ws", "wss", "plain", "secure"};

int listener_parse(const char *spec, listener_kind *kind, addr *at)
{
    str text = str_of(spec);
    size_t colon = str_chr(text, ':', 0);
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (str_eq(str_sub(text, 0, colon), str_of(KINDS[i])) && colon < text.n) {
            *kind = (listener_kind)i;
            return addr_parse(at, str_sub(text, colon + 1, text.n));
        }
    }
    return -1;
}

const char *listener_check(const char *spec)
{
    listener_kind kind;
    addr at;
    if (listener_parse(spec, &kind, &at))
        return "not of the form PROTO:HOST:PORT with PROTO udp, tcp, tls, ws, wss, plain or secure "
               "and HOST an IPv4 or [IPv6] address";
    return NULL;
}

bool listener_serves(const listener *li, flow_kind k)
{
    switch (li->kind) {
    case LISTEN_UDP: return k == FLOW_UDP;
    case LISTEN_TCP: return k == FLOW_TCP;
    case LISTEN_TLS: return k == FLOW_TLS;
    case LISTEN_WS: return k == FLOW_WS;
    case LISTEN_WSS: return k == FLOW_WSS;
    case LISTEN_PLAIN: return k == FLOW_TCP || k == FLOW_WS;
    case LISTEN_SECURE: return k == FLOW_TLS || k == FLOW_WSS;
    }
    return false;
}

static void on_ready(unsigned ready, void *arg)
{
    (void)ready;
    listening *li = arg;
    transport *t = li->t;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        addr peer;
        int fd = sock_accept(li->fd, &peer);
        if (fd == -EAGAIN)
            return;
        if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
            /* The waiting connection keeps the socket readable: look away for a moment. */
            log_error("listener", "accept", "listener=%s why=\"%s\"", li->pub.name, strerror(-fd));
            loop_io_want(&li->io, 0);
            loop_timer_set(t->l, &li->resume, RESUME_MS);
            return;
        }
        if (fd < 0)
            continue; /* that one is gone again */
        if (t->connections >= t->o.max_connections) {
            t->counts.refused++;
            char there[ADDR_TEXT];
            log_error("listener", "refused", "listener=%s remote=%s why=\"%zu connections\"",
                      li->pub.name, addr_print(&peer, there), t->connections);
            close(fd);
            continue;
        }
        door_open(li, fd, &peer);
    }
}

static void resume(void *arg)
{
    listening *li = arg;
    if (!li->t->going_down)
        loop_io_want(&li->io, LOOP_READ);
}

const listener *transport_listen(transport *t, const char *spec, char *err, size_t errn)
{
    listening *li = mem_zalloc(1, sizeof(*li));
    addr at;
    li->t = t;
    const char *wrong = listener_check(spec);
    if (wrong) {
        (void)snprintf(err, errn, "%s: %s", spec, wrong);
        free(li);
        return NULL;
    }
    (void)listener_parse(spec, &li->pub.kind, &at);
    listener_kind k = li->pub.kind;
    if ((k == LISTEN_TLS || k == LISTEN_WSS || k == LISTEN_SECURE) && !t->o.server) {
        (void)snprintf(err, errn, "%s: needs a certificate and its key", spec);
        free(li);
        return NULL;
    }
    li->fd = k == LISTEN_UDP ? sock_udp(&at, &li->pub.at) : sock_listen(&at, &li->pub.at);
    if (li->fd < 0) {
        (void)snprintf(err, errn, "%s: %s", spec, strerror(-li->fd));
        free(li);
        return NULL;
    }
    char text[ADDR_TEXT];
    (void)snprintf(li->pub.name, sizeof(li->pub.name), "%s:%.72s", KINDS[k],
                   addr_print(&li->pub.at, text));
    loop_timer_init(&li->resume, resume, li);
    if (k == LISTEN_UDP) {
        udp_listen(li);
    } else {
        loop_io_init(&li->io, t->l, li->fd, on_ready, li);
        loop_io_want(&li->io, LOOP_READ);
    }
    t->listeners = mem_realloc(t->listeners, (t->listener_count + 1) * sizeof(*t->listeners));
    t->listeners[t->listener_count++] = li;
    log_info("listener", "open", "listener=%s", li->pub.name);
    return &li->pub;
}

size_t transport_listeners(const transport *t)
{
    return t->listener_count;
}

const listener *transport_listener(const transport *t, size_t i)
{
    return i < t->listener_count ? &t->listeners[i]->pub : NULL;
}

const listener *transport_listener_for(const transport *t, flow_kind k, int family)
{
    for (size_t i = 0; i < t->listener_count; i++) {
        const listener *li = &t->listeners[i]->pub;
        if (listener_serves(li, k) && li->at.family == family)
            return li;
    }
    return NULL;
}
