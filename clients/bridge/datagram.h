/* Sides over UDP: one per tool, known by its source address, all on one listening socket; or one on
 * a socket of its own towards a tool. A datagram is a message. */
#ifndef VIADUCT_BRIDGE_DATAGRAM_H
#define VIADUCT_BRIDGE_DATAGRAM_H

#include "bridge/side.h"

typedef struct datagram_port datagram_port;

/* A side for a source not seen before (or seen before its side was closed); sets its events and
 * arg. The datagram itself follows as a message. */
typedef void datagram_fresh(side *s, void *arg);

/* NULL, or the socket's error in err. *bound: where it listens. */
datagram_port *datagram_listen(side_settings *set, const place *at, addr *bound,
                               datagram_fresh *fresh, void *arg, char *err, size_t errn);
/* Closes the socket; its sides must have been closed before. */
void datagram_stop(datagram_port *p);

side *datagram_connect(side_settings *set, const place *to, const side_events *events, void *arg);

#endif
