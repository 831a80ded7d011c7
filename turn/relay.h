/* The sockets towards peers: one UDP socket for each relayed address, on a loop. */
#ifndef VIADUCT_TURN_RELAY_H
#define VIADUCT_TURN_RELAY_H

#include "base/loop.h"
#include "turn/turn.h"

typedef struct relay relay;

/* Where what comes in goes; the functions of turn.h with the time added by the owner. */
typedef struct relay_handler {
    void (*data)(void *owner, const addr *peer, str bytes, void *arg);
    void (*icmp)(void *owner, const addr *peer, uint8_t type, uint8_t code, uint32_t info,
                 void *arg);
} relay_handler;

/* Bound to exactly that address. NULL when the system refuses. h is kept by reference. */
relay *relay_open(loop *l, const addr *at, void *owner, const relay_handler *h, void *arg);
void relay_close(relay *r);
/* An error, as that of an unreachable peer, loses this datagram and nothing else. dont_fragment
 * sets DF on IPv4; without it DF is 0 (RFC 8656 14). */
void relay_send(relay *r, const addr *peer, str data, bool dont_fragment);

#endif
