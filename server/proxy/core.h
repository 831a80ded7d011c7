/* What the parts of the proxy share. Private to this folder. */
#ifndef VIADUCT_PROXY_CORE_H
#define VIADUCT_PROXY_CORE_H

#include "base/buf.h"
#include "proxy/location.h"
#include "proxy/proxy.h"
#include "proxy/token.h"
#include "sip/message.h"
#include "sip/transaction.h"

enum { CORE_COOKIE = 6 };

struct proxy {
    wire w;
    proxy_options o;
    sip_host *domains; /* o.domains, parsed */
    str record_name;   /* first domain that is a name, for URIs that must lead to TLS; or empty */
    location *bindings;
    token_key *key;
    sip_transactions *tx;
    table branches;          /* by flow */
    sip_deadlines deadlines; /* of contexts */
    struct context *first_context;
    struct ack *first_ack; /* whose next hop is looked up */
    size_t contexts;
    uint64_t now;             /* time of the call in progress, for callbacks */
    char cookie[CORE_COOKIE]; /* marks the branches of this process */
    uint64_t serial;          /* of branches */
    uint64_t seed;            /* of To tags */
    buf out;                  /* the message being written */
    buf altered;              /* a message as a fault wants it (deviation.h) */
    buf restored;             /* a response with our own branch again; lives while it is handled */
    buf lines;                /* header fields being written for it */
};

/* Every message leaves through here. 0, or -1 when it did not. */
int core_send(proxy *p, flow *f, str message);

/* Names and addresses */

/* Does this host (and port, 0 when not given) name this server? f: the flow that a message with it
 * came on; tells the address behind a listener on all addresses. */
bool core_owns(const proxy *p, const flow *f, const sip_host *host, uint16_t port);
bool core_owns_uri(const proxy *p, const flow *f, const sip_uri *uri);

/* Appends the canonical address of record of a URI that core_owns_uri(): user, unescaped, "@", and
 * the domain. A listener's address stands for the first domain. sip and sips are the same (RFC 5630
 * 5.2). False when it has no user. */
bool core_aor(const proxy *p, const sip_uri *uri, buf *out);

/* The address by which the far end of f reaches us: sent-by and host of Record-Route. */
addr core_point(const proxy *p, const flow *f);

/* The same end of the world: does a literal host with port (0: 5060) name this address? */
bool core_host_is(const sip_host *host, uint16_t port, const addr *a);

#endif
