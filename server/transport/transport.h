/* All of the server's sockets: listeners on UDP, TCP, TLS, WS and WSS, the front door, connections
 * that we open, and the flows on them. Gives complete SIP messages and takes complete ones.
 *
 * RFC 3261 18 (framing by Content-Length on streams), RFC 5626 4.4.1 and 5.4 (CRLF keep-alive is
 * answered here and not reported), RFC 6455 and RFC 7118 4 and 5 (handshake with subprotocol "sip",
 * one SIP message per WebSocket message, Ping), RFC 3261 7.5 (leading CRLF ignored).
 *
 * One transport per loop; no globals. */
#ifndef VIADUCT_TRANSPORT_TRANSPORT_H
#define VIADUCT_TRANSPORT_TRANSPORT_H

#include "base/loop.h"
#include "base/tls.h"
#include "transport/flow.h"
#include "transport/recorder.h"

typedef struct transport transport;

/* What a listener serves. PLAIN and SECURE are front doors: after accept (and TLS handshake) ALPN
 * or the first bytes tell HTTP page, WebSocket and SIP apart. */
typedef enum listener_kind {
    LISTEN_UDP,
    LISTEN_TCP,
    LISTEN_TLS,
    LISTEN_WS,
    LISTEN_WSS,
    LISTEN_PLAIN,
    LISTEN_SECURE,
} listener_kind;

typedef struct listener {
    listener_kind kind;
    addr at;                  /* actual address: never port 0 */
    char name[ADDR_TEXT + 8]; /* "wss:127.0.0.1:40005": of the ready line and traces */
} listener;

typedef struct transport_handler {
    /* One SIP message: message spans it exactly, starting at its start line, body included; valid
     * during the call. On UDP and WS the whole datagram resp. WebSocket message (octets beyond
     * Content-Length are the parser's to drop, RFC 3261 18.3). Not yet parsed. */
    void (*message)(flow *f, str message, void *arg);
    /* The bytes cannot be framed: no or bad Content-Length on a stream, header section too long, a
     * message beyond max_message. head: what was received of it (bounded), offset and reason: where
     * and why. A 400 or 413 may be sent in this call; the flow is closed after it. May be NULL. */
    void (*bad)(flow *f, str head, size_t offset, const char *reason, void *arg);
    /* An outgoing connection is ready, or a connection was accepted (for WS: after the handshake).
     * Not called for UDP. May be NULL. */
    void (*opened)(flow *f, void *arg);
    /* The flow is gone (peer, error, time-out, flow_close(), expiry of UDP). Called once for each
     * flow, also when an outgoing connection never opened. f is valid until this returns. */
    void (*closed)(flow *f, const char *why, void *arg);
    /* An ICMP error says that datagrams do not arrive (RFC 3261 18.4); the flow stays. May be NULL.
     */
    void (*unreachable)(flow *f, const char *why, void *arg);
} transport_handler;

typedef struct transport_options {
    size_t max_message;          /* bytes of a SIP message, 0: 65535 */
    size_t max_connections;      /* accepted ones at a time, 0: 10000; more are closed at once */
    size_t max_queue;            /* unsent bytes per connection, 0: 1 MiB */
    size_t max_udp_flows;        /* 0: 100000; the longest unused one makes room */
    unsigned setup_ms;           /* TLS handshake, HTTP request head, first SIP byte; 0: 10000 */
    unsigned idle_ms;            /* a connection without input this long is closed; 0: never */
    unsigned udp_idle_ms;        /* 0: 600000 */
    unsigned ws_ping_ms;         /* Ping on idle WebSocket flows; 0: none */
    const char *const *ws_paths; /* NULL-terminated; NULL: every path is a WebSocket path */
    const char *www;             /* directory of the page, NULL: 404 for all */
    tls *server;                 /* for TLS, WSS and SECURE listeners; not owned */
    tls *client;                 /* for outgoing TLS; not owned; NULL: outgoing TLS fails */
    recorder *trace;             /* or NULL; not owned */
} transport_options;

/* o and h are copied (what they point to is not). */
transport *transport_new(loop *l, const transport_options *o, const transport_handler *h,
                         void *arg);
void transport_free(transport *t); /* closes everything at once; closed() is called for each flow */

/* "udp:127.0.0.1:5060", "secure:[::1]:443". The listener, owned by the transport, or NULL and the
 * reason in err. */
const listener *transport_listen(transport *t, const char *spec, char *err, size_t errn);
/* Reason why spec is no listener specification, or NULL: for config_option.check. */
const char *listener_check(const char *spec);
int listener_parse(const char *spec, listener_kind *kind, addr *at); /* 0, or -1 */
size_t transport_listeners(const transport *t);
const listener *transport_listener(const transport *t, size_t i); /* in order of listening */
/* A listener through which a peer of that kind and family can reach us (for Via sent-by,
 * Record-Route and Path on a flow that we opened), or NULL. Front doors count for their kinds. */
const listener *transport_listener_for(const transport *t, flow_kind k, int family);
bool listener_serves(const listener *li, flow_kind k);

flow *transport_find(const transport *t, uint64_t id); /* NULL when it is gone */

/* The flow to a peer: the open (or opening) one to that address and kind if there is one (RFC 3261
 * 18.1.1), else a new one. UDP goes out of via's socket, or of the first UDP listener of the
 * family. host: the name to verify for TLS (NULL: the literal). Only UDP, TCP and TLS; NULL and
 * *why otherwise. Connecting is not awaited: send at once; failure comes by closed(). */
flow *transport_reach(transport *t, flow_kind k, const addr *to, const char *host,
                      const listener *via, const char **why);

/* Going down: no new connections; WebSocket flows get Close 1001. */
void transport_shutdown(transport *t);

/* Writes the header of the trace, with all listeners as the system under test: once all listen. */
void transport_record_header(transport *t, const char *note);

/* Calls fn for every flow; fn must not close flows. */
void transport_each(transport *t, void (*fn)(flow *f, void *arg), void *arg);

typedef struct transport_counts {
    uint64_t flows;       /* open now */
    uint64_t accepted;    /* since the start */
    uint64_t messages_in; /* SIP messages */
    uint64_t messages_out;
    uint64_t refused; /* connections beyond max_connections */
} transport_counts;
transport_counts transport_count(const transport *t);

#endif
