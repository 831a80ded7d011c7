/* The proxy and registrar without its sockets and clock: messages, flow events and the time go in,
 * messages come out through the wire (RFC 3261 section 16, RFC 6026, RFC 5626 and the documents
 * around them). One proxy per loop; no globals.
 *
 * Times are milliseconds of a monotonic clock. */
#ifndef VIADUCT_PROXY_PROXY_H
#define VIADUCT_PROXY_PROXY_H

#include "base/config.h"
#include "proxy/wire.h"

typedef struct proxy proxy;

typedef struct proxy_options {
    config_list domains;      /* names and addresses that are ours beside the listeners' */
    uint64_t min_expires;     /* seconds; below it 423 (RFC 3261 10.3 step 7) */
    uint64_t max_expires;     /* longer wishes are shortened */
    uint64_t default_expires; /* when a REGISTER states none */
    size_t max_message;       /* bytes of a message that we send; 0: 65535 */
    uint64_t epoch;           /* Unix time in seconds at time 0 of the clock (for Date) */
} proxy_options;

proxy *proxy_new(const proxy_options *o,
                 const wire *w); /* both are copied, not what they point to */
void proxy_free(proxy *p);

/* One message as the transport framed it. Everything about it, bad or good, is dealt with here. */
void proxy_input(proxy *p, flow *f, str message, uint64_t now);

/* The start of a message that the transport could not frame, with place and reason; answered when
 * it names enough to answer. The flow is closed by the transport afterwards. */
void proxy_bad(proxy *p, flow *f, str head, size_t offset, const char *reason, uint64_t now);

/* The flow is over: its bindings end, what waits on it fails. */
void proxy_closed(proxy *p, flow *f, uint64_t now);

/* Datagrams on this flow do not arrive (ICMP). */
void proxy_unreachable(proxy *p, flow *f, uint64_t now);

/* When proxy_tick() wants to be called next, or UINT64_MAX. */
uint64_t proxy_next(const proxy *p);
void proxy_tick(proxy *p, uint64_t now);

typedef struct proxy_counts {
    size_t bindings;
    size_t contexts; /* requests under way */
} proxy_counts;
proxy_counts proxy_count(const proxy *p);

#endif
