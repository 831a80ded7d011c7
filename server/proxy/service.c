#include "proxy/service.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/resolver.h"

struct service {
    loop *l;
    transport *t;
    resolver *names;
    proxy *p;
    loop_timer timer;
    uint64_t armed; /* time the timer is set for, UINT64_MAX when it is not */
};

/* Sets the timer to what the proxy waits for. A timer that is too early only wakes us once more,
 * so it is moved only when it would be late: most messages then cost no timer work. */
static void arm(service *s)
{
    uint64_t next = proxy_next(s->p);
    if (next >= s->armed)
        return;
    uint64_t now = loop_now(s->l);
    s->armed = next;
    loop_timer_set(s->l, &s->timer, next > now ? next - now : 0);
}

static void tick(void *arg)
{
    service *s = arg;
    s->armed = UINT64_MAX;
    proxy_tick(s->p, loop_now(s->l));
    arm(s);
}

static void message(flow *f, str bytes, void *arg)
{
    service *s = arg;
    proxy_input(s->p, f, bytes, loop_now(s->l));
    arm(s);
}

static void bad(flow *f, str head, size_t offset, const char *reason, void *arg)
{
    service *s = arg;
    proxy_bad(s->p, f, head, offset, reason, loop_now(s->l));
}

static void closed(flow *f, const char *why, void *arg)
{
    service *s = arg;
    (void)why; /* the transport has logged it */
    proxy_closed(s->p, f, loop_now(s->l));
    arm(s);
}

static void unreachable(flow *f, const char *why, void *arg)
{
    service *s = arg;
    (void)why;
    proxy_unreachable(s->p, f, loop_now(s->l));
    arm(s);
}

static flow *wire_find(void *self, uint64_t id)
{
    return transport_find(((service *)self)->t, id);
}

static flow *wire_reach(void *self, flow_kind k, const addr *to, const char *host,
                        const listener *via, const char **why)
{
    return transport_reach(((service *)self)->t, k, to, host, via, why);
}

static const listener *wire_listener_for(void *self, flow_kind k, int family)
{
    return transport_listener_for(((service *)self)->t, k, family);
}

static size_t wire_listeners(void *self)
{
    return transport_listeners(((service *)self)->t);
}

static const listener *wire_listener_at(void *self, size_t i)
{
    return transport_listener(((service *)self)->t, i);
}

static void wire_resolve(void *self, str host, uint16_t port, wire_resolved *done, void *arg)
{
    resolver_ask(((service *)self)->names, host, port, done, arg);
}

service *service_new(loop *l, const service_options *o, char *err, size_t errn)
{
    static const transport_handler handler = {
        .message = message, .bad = bad, .closed = closed, .unreachable = unreachable};
    service *s = mem_zalloc(1, sizeof(*s));
    s->l = l;
    s->armed = UINT64_MAX;
    loop_timer_init(&s->timer, tick, s);
    s->names = resolver_new(l, o->dns, err, errn);
    if (!s->names) {
        free(s);
        return NULL;
    }
    wire w = {.id = flow_id,
              .kind = flow_kind_of,
              .local = flow_local,
              .remote = flow_remote,
              .listener = flow_listener,
              .name = flow_name,
              .send = flow_send,
              .keep = flow_keep,
              .close = flow_close,
              .find = wire_find,
              .reach = wire_reach,
              .listener_for = wire_listener_for,
              .listeners = wire_listeners,
              .listener_at = wire_listener_at,
              .resolve = wire_resolve,
              .self = s};
    proxy_options po = o->proxy;
    po.epoch = (uint64_t)time(NULL) - loop_now(l) / 1000;
    s->p = proxy_new(&po, &w);
    s->t = transport_new(l, &o->transport, &handler, s);
    return s;
}

transport *service_transport(service *s)
{
    return s->t;
}

void service_free(service *s)
{
    proxy_counts left = proxy_count(s->p);
    log_info("service", "stop", "bindings=%zu contexts=%zu", left.bindings, left.contexts);
    resolver_free(s->names); /* first: the loop turns once more in it */
    transport_free(s->t);    /* tells the proxy of every flow's end */
    proxy_free(s->p);
    loop_timer_clear(s->l, &s->timer);
    free(s);
}
