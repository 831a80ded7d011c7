/* Where one side of the bridge is: protocol, address, and for WebSocket the path. Text forms are
 * "PROTO:HOST:PORT" and "PROTO://HOST[:PORT][/PATH]" with udp, tcp, tls, ws or wss. */
#ifndef VIADUCT_BRIDGE_PLACE_H
#define VIADUCT_BRIDGE_PLACE_H

#include "base/addr.h"

typedef enum place_kind { PLACE_UDP, PLACE_TCP, PLACE_TLS, PLACE_WS, PLACE_WSS } place_kind;

enum { PLACE_HOST = 256, PLACE_PATH = 1024, PLACE_TEXT = PLACE_HOST + PLACE_PATH + 32 };

typedef struct place {
    place_kind kind;
    addr at;
    char host[PLACE_HOST];           /* name or literal without brackets: what TLS verifies */
    char authority[PLACE_HOST + 16]; /* for Host: with brackets, port unless it is the default */
    char path[PLACE_PATH];           /* "/..." with its query; "" when none was given */
} place;

const char *place_kind_name(place_kind k); /* "wss" */
bool place_is_websocket(place_kind k);
bool place_is_secure(place_kind k);
bool place_is_tool(place_kind k); /* UDP and TCP: what a tool without TLS and WebSocket speaks */

/* 0, or -1 and the reason in err. A name is resolved, once and now, unless literal is set: then
 * only an address will do, and a port must be given. */
int place_parse(place *p, const char *text, bool literal, char *err, size_t errn);

/* "wss://127.0.0.1:443/ws", NUL-terminated, at most PLACE_TEXT bytes. Returns out. */
char *place_print(const place *p, char *out);

#endif
