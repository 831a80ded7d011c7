#include "bridge/bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "bridge/datagram.h"
#include "bridge/wire.h"

enum { STOP_STEP_MS = 20, STOP_STEPS = 125 };

typedef struct pair {
    bridge *b;
    side *near, *far;
    struct pair *next, **prev;
} pair;

struct bridge {
    side_settings *set;
    const place *listen, *connect;
    datagram_port *port; /* of a UDP listener */
    int fd;              /* of any other, else -1 */
    loop_io io;
    pair *links;
    bool near_is_network;
    loop_timer timer; /* while stopping */
    unsigned steps;
    loop_fn *done;
    void *arg;
};

static void on_message(side *from, str message, void *arg)
{
    pair *k = arg;
    side *to = from == k->near ? k->far : k->near;
    const char *why = "";
    log_debug("bridge", "message", "from=%s to=%s bytes=%zu", from->name, to->name, message.n);
    if (side_send(to, message, &why))
        log_error("bridge", "lost", "from=%s to=%s bytes=%zu why=\"%s\"", from->name, to->name,
                  message.n, why);
}

static void untie(pair *k)
{
    *k->prev = k->next;
    if (k->next)
        k->next->prev = k->prev;
    free(k);
}

/* Who came to us and hangs up is daily business; anything else is worth a line. */
static void on_closed(side *s, bool orderly, const char *why, void *arg)
{
    pair *k = arg;
    side *other = s == k->near ? k->far : k->near;
    LOG_AT(orderly && s == k->near ? LOG_INFO : LOG_ERROR, "bridge", "closed",
           "side=%s with=%s why=\"%s\"", s->name, other->name, why);
    untie(k);
    side_close(other, why);
}

static const side_events events = {on_message, on_closed};

static void tie(bridge *b, pair *k, side *near)
{
    k->b = b;
    k->near = near;
    k->next = b->links;
    k->prev = &b->links;
    if (k->next)
        k->next->prev = &k->next;
    b->links = k;
    bool network = !b->near_is_network;
    k->far = b->connect->kind == PLACE_UDP ? datagram_connect(b->set, b->connect, &events, k)
                                           : wire_connect(b->set, b->connect, network, &events, k);
    log_info("bridge", "linked", "near=%s far=%s", k->near->name, k->far->name);
}

static void on_fresh(side *near, void *arg)
{
    pair *k = mem_zalloc(1, sizeof(*k));
    near->events = &events;
    near->arg = k;
    tie(arg, k, near);
}

static void on_accept(unsigned ready, void *arg)
{
    bridge *b = arg;
    (void)ready;
    for (;;) {
        addr peer;
        int fd = sock_accept(b->fd, &peer);
        if (fd < 0)
            return;
        pair *k = mem_zalloc(1, sizeof(*k));
        tie(b, k, wire_accept(b->set, b->listen, fd, &peer, b->near_is_network, &events, k));
    }
}

bridge *bridge_start(side_settings *set, place *listen, const place *connect, char *err,
                     size_t errn)
{
    bridge *b = mem_zalloc(1, sizeof(*b));
    char text[PLACE_TEXT], why[SIDE_WHY] = "";
    addr bound;
    b->set = set;
    b->listen = listen;
    b->connect = connect;
    b->near_is_network = !place_is_tool(listen->kind) && place_is_tool(connect->kind);
    b->fd = -1;
    if (listen->kind == PLACE_UDP) {
        b->port = datagram_listen(set, listen, &bound, on_fresh, b, why, sizeof(why));
    } else {
        b->fd = sock_listen(&listen->at, &bound);
        if (b->fd < 0)
            (void)snprintf(why, sizeof(why), "%s", strerror(-b->fd));
    }
    if (!b->port && b->fd < 0) {
        (void)snprintf(err, errn, "cannot listen on %s: %s", place_print(listen, text), why);
        free(b);
        return NULL;
    }
    listen->at = bound;
    if (b->fd >= 0) {
        loop_io_init(&b->io, set->l, b->fd, on_accept, b);
        loop_io_want(&b->io, LOOP_READ);
    }
    return b;
}

static void on_stop_step(void *arg)
{
    bridge *b = arg;
    if (b->set->wires && b->steps++ < STOP_STEPS)
        loop_timer_set(b->set->l, &b->timer, STOP_STEP_MS);
    else
        b->done(b->arg);
}

void bridge_stop(bridge *b, loop_fn *done, void *arg)
{
    if (b->done)
        return;
    b->done = done;
    b->arg = arg;
    if (b->fd >= 0) {
        loop_io_want(&b->io, 0);
        (void)close(b->fd);
        b->fd = -1;
    }
    while (b->links) {
        pair *k = b->links;
        side *near = k->near, *far = k->far;
        untie(k);
        side_close(near, "the bridge ends");
        side_close(far, "the bridge ends");
    }
    loop_timer_init(&b->timer, on_stop_step, b);
    loop_timer_set(b->set->l, &b->timer, 0);
}

void bridge_free(bridge *b)
{
    if (b->fd >= 0)
        (void)close(b->fd);
    if (b->port)
        datagram_stop(b->port);
    free(b);
}
