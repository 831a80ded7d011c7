/* The server of turn.h on sockets: listeners for UDP, TCP and TLS, clients' connections, relays and
 * the clock, on one loop. */
#ifndef VIADUCT_TURN_SERVER_H
#define VIADUCT_TURN_SERVER_H

#include "base/conn.h"
#include "turn/turn.h"

typedef struct turn_server turn_server;

enum { TURN_SERVER_NAME = 96 };

/* "udp:HOST:PORT", "tcp:..." or "tls:..." with a literal host. 0, or -1. */
int turn_server_parse(const char *spec, turn_transport *transport, addr *at);

/* o as for turn_new(). max_connections: of clients, at a time; further ones are closed at once. */
turn_server *turn_server_new(loop *l, const turn_options *o, size_t max_connections);
/* Ends relays and connections. The loop must not run callbacks of it afterwards. */
void turn_server_free(turn_server *s);

/* t: for tls, else unused. The name ("udp:127.0.0.1:3478", with the port that was bound) to name,
 * TURN_SERVER_NAME bytes. 0, or -1 and a reason. */
int turn_server_listen(turn_server *s, const char *spec, tls *t, char *name, char *err,
                       size_t errn);
/* Takes over an open connection that was found to speak STUN, as by a front door: from inside its
 * data(), what that call leaves unconsumed is served next. */
void turn_server_adopt(turn_server *s, conn *c);

turn *turn_server_core(turn_server *s);

#endif
