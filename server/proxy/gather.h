/* Which response goes upstream (RFC 3261 16.7 steps 3 to 9, RFC 4320, RFC 5626 11.5). */
#ifndef VIADUCT_PROXY_GATHER_H
#define VIADUCT_PROXY_GATHER_H

#include "proxy/context.h"

/* Sends a response of a branch upstream, its top Via taken off. */
void gather_forward(context *c, const sip_message *m);

/* Weighs a final response other than 2xx, or a failure (m NULL), against the best so far. */
void gather_weigh(context *c, unsigned status, const sip_message *m);

/* All branches are done without a 2xx: sends the best response. */
void gather_finish(context *c);

/* Answers the request of the context with a response of our own. */
void gather_answer(context *c, unsigned status);

#endif
