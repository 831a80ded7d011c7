/* Host names to addresses, A and AAAA, never blocking: libevent's evdns on the loop, with the
 * system's resolv.conf and hosts file, or a server given by hand. */
#ifndef VIADUCT_PROXY_RESOLVER_H
#define VIADUCT_PROXY_RESOLVER_H

#include "base/loop.h"
#include "proxy/wire.h"

typedef struct resolver resolver;

/* server: "192.0.2.1:53" to ask instead of the system's, or NULL. NULL and the reason on failure.
 */
resolver *resolver_new(loop *l, const char *server, char *err, size_t errn);
void resolver_free(resolver *r); /* questions under way are not answered any more */

/* IPv4 addresses come first, then IPv6. done is called from the loop, or at once. */
void resolver_ask(resolver *r, str host, uint16_t port, wire_resolved *done, void *arg);

#endif
