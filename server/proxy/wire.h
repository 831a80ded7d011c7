/* What the proxy needs of the world outside, as a table of functions: flows, connecting, names and
 * nothing else. The program fills it with the transport (wire_of_transport); a test fills it with
 * its own, and drives a whole proxy without sockets. The flow functions are those of flow.h. */
#ifndef VIADUCT_PROXY_WIRE_H
#define VIADUCT_PROXY_WIRE_H

#include "transport/transport.h"

/* The answer to wire.resolve: addresses in the order to try them, none when the name has no
 * address. Called once, possibly from inside resolve(). */
typedef void wire_resolved(void *arg, const addr *found, size_t count);

typedef struct wire {
    uint64_t (*id)(const flow *f);
    flow_kind (*kind)(const flow *f);
    const addr *(*local)(const flow *f);
    const addr *(*remote)(const flow *f);
    const listener *(*listener)(const flow *f);
    const char *(*name)(const flow *f);
    int (*send)(flow *f, str message, const char **why);
    void (*keep)(flow *f, uint64_t ms);
    void (*close)(flow *f, unsigned code, const char *why);

    /* self is wire.self. */
    flow *(*find)(void *self, uint64_t id);
    flow *(*reach)(void *self, flow_kind k, const addr *to, const char *host, const listener *via,
                   const char **why);
    const listener *(*listener_for)(void *self, flow_kind k, int family);
    size_t (*listeners)(void *self);
    const listener *(*listener_at)(void *self, size_t i);
    /* port goes into the addresses given back. */
    void (*resolve)(void *self, str host, uint16_t port, wire_resolved *done, void *arg);
    void *self;
} wire;

#endif
