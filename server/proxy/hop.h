/* Where a URI leads without a flow of its own: transport, host and port (RFC 3263 4.1 and 4.2 as
 * far as address records go, RFC 7118 5.2 and B.1). */
#ifndef VIADUCT_PROXY_HOP_H
#define VIADUCT_PROXY_HOP_H

#include "sip/uri.h"
#include "transport/flow.h"

typedef struct hop {
    flow_kind kind; /* FLOW_UDP, FLOW_TCP or FLOW_TLS */
    sip_host host;  /* of maddr when there is one */
    uint16_t port;
} hop;

/* 0, or -1 when nobody may be dialled for this URI: it leads to a WebSocket client, whose address
 * is its connection; its host ends in .invalid; its transport is none of ours; or it is sips and
 * wants UDP. */
int hop_of_uri(const sip_uri *uri, hop *out);

/* A name below .invalid (RFC 2606), which is never looked up. */
bool hop_is_invalid(const sip_host *host);

#endif
