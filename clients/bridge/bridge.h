/* The bridge: listens for near sides and ties each to a far side of its own, so that what comes on
 * one leaves on the other, in order and unchanged. When one ends, so does the other. */
#ifndef VIADUCT_BRIDGE_BRIDGE_H
#define VIADUCT_BRIDGE_BRIDGE_H

#include "bridge/side.h"

typedef struct bridge bridge;

/* Starts to listen. NULL, or the reason in err. set and the places outlive it; listen->at becomes
 * the actual address. */
bridge *bridge_start(side_settings *set, place *listen, const place *connect, char *err,
                     size_t errn);
/* No new links, all are closed. done is called once they are, at the latest after a second or two.
 */
void bridge_stop(bridge *b, loop_fn *done, void *arg);
void bridge_free(bridge *b);

#endif
