/* The copy of a request that goes to one target (RFC 3261 16.6 steps 1 to 10 but for the sending,
 * RFC 5658, RFC 3327 5.2, RFC 5626 5.1 and 5.3, RFC 5393). */
#ifndef VIADUCT_PROXY_FORWARD_H
#define VIADUCT_PROXY_FORWARD_H

#include "proxy/target.h"

/* Max-Breadth of a request that comes without, and the most that is taken (RFC 5393 5.3.3). */
enum { FORWARD_BREADTH = 60 };

/* The URI that the next hop is found by when no flow is given: the first Route value that the copy
 * will have, else its Request-URI. 0, or -1 when it is malformed. uri keeps slices of ro and t. */
int forward_next(const route *ro, const target *t, sip_uri *uri);

/* Writes the copy to p->out. branch: of our Via; breadth: value of Max-Breadth. 0, or -1 when it
 * does not fit. */
int forward_write(const request *r, const route *ro, const target *t, flow *to, str branch,
                  unsigned breadth);

/* Does a dialog begun or refreshed by this method need us on its route? Unknown methods may (16.6
 * step 4). */
bool forward_records(const sip_message *m);

#endif
