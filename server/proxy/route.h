/* Route preprocessing (RFC 3261 16.4, RFC 5626 5.3): what of the route set names this server, and
 * which flow it names.
 *
 * Our own values come in front, one or, after double record-routing, two (the near side above the
 * far side, seen from the sender). The near one names the flow that the request came on, or one
 * that its sender had before; the far one names the flow that the request is to leave on. So the
 * last own value decides. A single own value whose token names the very flow of the request marks
 * an outgoing request (RFC 5626 5.3) and decides nothing. */
#ifndef VIADUCT_PROXY_ROUTE_H
#define VIADUCT_PROXY_ROUTE_H

#include "proxy/request.h"

typedef struct route {
    unsigned status; /* 0, or what to refuse with: 400, 403 */
    const char *why; /* reason phrase with status; NULL for the usual */

    str uri_text; /* the Request-URI to go on with */
    sip_uri uri;
    size_t pop;    /* own values to take off the front of Route */
    bool restore;  /* a strict router sent it: the last Route value was the Request-URI (16.4) */
    size_t left;   /* Route values that remain after both */
    sip_addr next; /* the first of them, when left */

    bool has_flow; /* a token names the flow to leave on */
    uint64_t flow;
    bool ob;             /* that value has ob: it stems from a Path */
    const listener *out; /* the listener that an own value without token names, or NULL */
    bool ours;           /* some value of Route was ours */
    uint32_t loop;       /* of the Request-URI and Route as received (RFC 5393 4.2.1) */

    char stripped[512]; /* uri_text after a maddr was taken off */
} route;

void route_read(const request *r, route *out);

#endif
