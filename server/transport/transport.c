#include "transport/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "transport/inside.h"

static size_t or_default(size_t value, size_t standard)
{
    return value ? value : standard;
}

transport *transport_new(loop *l, const transport_options *o, const transport_handler *h, void *arg)
{
    transport *t = mem_zalloc(1, sizeof(*t));
    t->l = l;
    t->o = *o;
    t->h = *h;
    t->arg = arg;
    t->o.max_message = or_default(o->max_message, 65535);
    t->o.max_connections = or_default(o->max_connections, 10000);
    t->o.max_queue = or_default(o->max_queue, 1 << 20);
    t->o.max_udp_flows = or_default(o->max_udp_flows, 100000);
    t->o.setup_ms = o->setup_ms ? o->setup_ms : 10000;
    t->o.udp_idle_ms = o->udp_idle_ms ? o->udp_idle_ms : 600000;

    uint64_t epoch;
    do {
        epoch = digest_random_u64() >> 40;
    } while (epoch == 0);
    t->next_id = epoch << 40 | 1;
    t->seed = digest_random_u64();
    /* What a door may leave unconsumed: half a request head, or requests behind one being answered.
     * Flows consume all they are shown. */
    t->limits = (conn_limits){.max_in = HTTP_HEAD_MAX + LOOP_SCRATCH,
                              .max_out = t->o.max_queue,
                              .setup_ms = t->o.setup_ms};
    t->ws = (endpoint_config){.client = false,
                              .report_frames = o->trace != NULL,
                              .max_message = t->o.max_message,
                              .random = digest_random};
    size_t n = 0;
    while (o->ws_paths && o->ws_paths[n])
        n++;
    t->paths = mem_zalloc(n, sizeof(*t->paths));
    for (size_t i = 0; i < n; i++)
        t->paths[i] = str_of(o->ws_paths[i]);
    t->policy = (handshake_policy){.paths = t->paths, .path_count = n, .subprotocol = STR("sip")};
    buf_init(&t->out, t->o.max_queue);
    return t;
}

static void say_goodbye(flow *f, void *arg)
{
    (void)arg;
    if (f->kind == FLOW_WS || f->kind == FLOW_WSS)
        flow_close(f, CLOSE_GOING_AWAY, "server stops");
}

void transport_shutdown(transport *t)
{
    t->going_down = true;
    for (size_t i = 0; i < t->listener_count; i++)
        if (t->listeners[i]->pub.kind != LISTEN_UDP)
            loop_io_want(&t->listeners[i]->io, 0);
    transport_each(t, say_goodbye, NULL);
}

void transport_free(transport *t)
{
    if (!t)
        return;
    transport_shutdown(t); /* WebSocket peers hear why, even if their answer is not awaited */
    for (size_t i = 0; i < t->listener_count; i++) {
        listening *li = t->listeners[i];
        loop_io_want(&li->io, 0);
        loop_timer_clear(t->l, &li->resume);
        close(li->fd);
    }
    door_end_all(t);
    for (size_t i = 0; i < t->bucket_count; i++) {
        while (t->by_id[i]) {
            flow *f = t->by_id[i];
            flow_end(f, "server stops");
            flow_finish(f);
        }
    }
    udp_forget(t);
    for (size_t i = 0; i < t->listener_count; i++)
        free(t->listeners[i]);
    free(t->listeners);
    free(t->by_id);
    free(t->by_peer);
    free(t->paths);
    buf_free(&t->out);
    free(t);
}

static const listening *udp_via(const transport *t, const addr *to, const listener *via)
{
    for (size_t i = 0; i < t->listener_count; i++) {
        const listening *li = t->listeners[i];
        if (li->pub.kind == LISTEN_UDP && li->pub.at.family == to->family &&
            (!via || via == &li->pub))
            return li;
    }
    return NULL;
}

flow *transport_reach(transport *t, flow_kind k, const addr *to, const char *host,
                      const listener *via, const char **why)
{
    const char *unused;
    if (!why)
        why = &unused;
    if (to->family == 0 || to->port == 0) {
        *why = "no address to send to";
        return NULL;
    }
    if (k == FLOW_UDP) {
        const listening *li = udp_via(t, to, via);
        if (!li)
            *why = "no UDP listener of that family";
        return li ? udp_flow_to(t, li, to) : NULL;
    }
    if (k != FLOW_TCP && k != FLOW_TLS) {
        *why = "a WebSocket client is reached only over its own connection";
        return NULL;
    }
    if (k == FLOW_TLS && !t->o.client) {
        *why = "no certificates to verify a TLS server with";
        return NULL;
    }
    char literal[ADDR_TEXT];
    if (k == FLOW_TLS && !host)
        host = addr_print_ip(to, literal);
    flow *f = flow_by_peer(t, k, to, NULL, NULL, k == FLOW_TLS ? host : NULL);
    return f ? f : tcp_dial(t, k, to, host);
}

transport_counts transport_count(const transport *t)
{
    transport_counts c = t->counts;
    c.flows = t->flow_count;
    return c;
}

void transport_record_header(transport *t, const char *note)
{
    if (!t->o.trace)
        return;
    char(*texts)[ADDR_TEXT + 8] = mem_zalloc(2 * t->listener_count, sizeof(*texts));
    const char **sut = mem_zalloc(2 * t->listener_count + 1, sizeof(*sut));
    size_t n = 0;
    for (size_t i = 0; i < t->listener_count; i++) {
        const listener *li = &t->listeners[i]->pub;
        for (int k = 0; k < FLOW_KINDS; k++) {
            if (!listener_serves(li, (flow_kind)k))
                continue;
            char text[ADDR_TEXT];
            (void)snprintf(texts[n], sizeof(texts[n]), "%s:%.72s", flow_kind_name((flow_kind)k),
                           addr_print(&li->at, text));
            sut[n] = texts[n];
            n++;
        }
    }
    recorder_header(t->o.trace, sut, note);
    free(sut);
    free(texts);
}
