/* A flow: the connection, or the UDP 5-tuple, over which SIP messages come and go (RFC 5626 2).
 * Everything above addresses peers by flow: "send on THIS flow". Flows belong to a transport
 * (transport.h); a handle is valid until the closed callback for it has returned. Whoever keeps one
 * longer keeps the id and looks it up with transport_find(). */
#ifndef VIADUCT_TRANSPORT_FLOW_H
#define VIADUCT_TRANSPORT_FLOW_H

#include "base/addr.h"

typedef struct flow flow;
struct listener;

typedef enum flow_kind { FLOW_UDP, FLOW_TCP, FLOW_TLS, FLOW_WS, FLOW_WSS, FLOW_KINDS } flow_kind;

const char *flow_kind_name(flow_kind k); /* "udp", "tcp", "tls", "ws", "wss" */
const char *flow_kind_via(flow_kind k);  /* "UDP", "TCP", "TLS", "WS", "WSS": the Via token */
bool flow_kind_reliable(flow_kind k);    /* all but UDP */
bool flow_kind_secure(flow_kind k);      /* TLS and WSS */

/* Never reused: 24 random bits per process, then a counter. Never 0. */
uint64_t flow_id(const flow *f);
const char *flow_name(const flow *f); /* "wss-3": for logs and traces, unique in the process */
flow_kind flow_kind_of(const flow *f);
const addr *flow_local(const flow *f);
const addr *flow_remote(const flow *f);
/* The listener that accepted it; for UDP the one whose socket it uses; NULL for a connection that
 * we opened. */
const struct listener *flow_listener(const flow *f);
bool flow_is_open(const flow *f); /* false while connecting, and once closing */

/* One complete SIP message (or keep-alive). 0: handed to the system or queued (also while still
 * connecting). -1: refused, *why (may be NULL) then tells: flow closing, queue full, datagram too
 * long. Over WS it is one text message when valid UTF-8, else a binary one (RFC 7118 4.2). */
int flow_send(flow *f, str message, const char **why);

/* Ends the flow from our side: queued output is flushed; on WS and WSS a Close frame with the code
 * (1000 normal, 1001 going away, 1002 protocol error, 1008 policy; ignored elsewhere) is exchanged.
 * The closed callback follows from the loop. */
void flow_close(flow *f, unsigned code, const char *why);

/* A UDP flow without traffic is forgotten after transport_options.udp_idle_ms; this keeps it for
 * at least ms from now (a registration's lifetime). No-op for connections. */
void flow_keep(flow *f, uint64_t ms);

/* A pointer of the user's own; NULL at first. The closed callback is the place to release it. */
void flow_set_user(flow *f, void *user);
void *flow_user(const flow *f);

#endif
