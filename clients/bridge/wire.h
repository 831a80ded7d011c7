/* A side over a connection: TCP, TLS, WS or WSS, opened by us or accepted. SIP is cut out of
 * streams by Content-Length (RFC 3261 section 18.3) and out of WebSocket by its messages (RFC
 * 7118). What is sent before the connection (and the handshake) is ready waits for it. */
#ifndef VIADUCT_BRIDGE_WIRE_H
#define VIADUCT_BRIDGE_WIRE_H

#include "bridge/side.h"

/* Never NULL: a failure comes by closed(). network: keep-alives are sent and the trace is written
 * on this side. */
side *wire_connect(side_settings *set, const place *to, bool network, const side_events *events,
                   void *arg);
side *wire_accept(side_settings *set, const place *at, int fd, const addr *peer, bool network,
                  const side_events *events, void *arg);

#endif
