/* ACKs that belong to no transaction here: those to a 2xx, and those that come after its end. Sent
 * on without state and never answered (RFC 3261 13.2.2.4, 16.11, RFC 6026 7.1). */
#ifndef VIADUCT_PROXY_ACK_H
#define VIADUCT_PROXY_ACK_H

#include "proxy/target.h"

void ack_forward(request *r, const route *ro, const target_set *set);

/* Forgets those whose next hop is still being looked up. */
void ack_drop_all(proxy *p);

#endif
