/* What this server writes of itself into a request for one side of it: Via, Record-Route and Path
 * (RFC 3261 16.6, RFC 5658, RFC 3327, RFC 5626 section 5, RFC 7118 5.1 and 5.2).
 *
 * The URI of a side leads back to the listener there:
 *   UDP         sip:192.0.2.1:5060;lr
 *   TCP         sip:TOKEN@192.0.2.1:5060;transport=tcp;lr
 *   WS and WSS  sip:TOKEN@192.0.2.1:443;transport=ws;lr      (wss is no value of transport)
 *   TLS         sip:TOKEN@example.com;lr
 * For TLS there is no sip URI with an address that leads to TLS (transport=tls is withdrawn), so
 * the domain's name stands there, and RFC 3263 finds TLS by it (RFC 5658 6.2, second way). Without
 * a domain name it is a sips URI. In a request for a sips URI all sides are sips (RFC 3261 16.6
 * step 4). TOKEN names the flow to the peer on that side. */
#ifndef VIADUCT_PROXY_SIDE_H
#define VIADUCT_PROXY_SIDE_H

#include "proxy/core.h"

enum { SIDE_TEXT = 400, SIDE_BRANCH = 48 };

typedef struct side_uri {
    flow *f;
    bool token; /* put the flow's token in */
    bool sips;
    bool ob;
} side_uri;

/* Whether requests of the far end must find it by its flow: on each connection. A UDP peer is found
 * by its address, unless the caller knows better. */
bool side_is_stream(const proxy *p, const flow *f);

/* Whether one Record-Route value may stand for both sides: same kind, family and listener. */
bool side_same(const proxy *p, const flow *a, const flow *b);

/* "<sip:...;lr>" into out[SIDE_TEXT]. */
str side_write(const proxy *p, const side_uri *u, char *out);

/* "SIP/2.0/WSS 192.0.2.1:443;branch=..." into out[SIDE_TEXT]. */
str side_via(const proxy *p, const flow *f, str branch, char *out);

/* A new branch: magic cookie, this process's cookie, a serial number, and the part that tells a
 * loop (RFC 5393 4.2.1). Into out[SIDE_BRANCH]. */
str side_branch(proxy *p, uint32_t mark, char *out);

/* The branch for a request that is sent on without state: a function of what came in, so that a
 * retransmission gets the same (RFC 3261 16.11). */
str side_stateless_branch(const proxy *p, const sip_message *m, uint32_t mark, char *out);

/* Is this a branch that this process made, with this very loop part? */
bool side_branch_loops(const proxy *p, str branch, uint32_t mark);

#endif
