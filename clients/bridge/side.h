/* One side of a bridged connection: takes and gives whole SIP messages, unchanged, whatever carries
 * them. Sides are made by wire.h (TCP, TLS, WS, WSS) and datagram.h (UDP) and tied in pairs by
 * bridge.h. A keep-alive is a message too: CRLF CRLF (ping) or CRLF (pong). */
#ifndef VIADUCT_BRIDGE_SIDE_H
#define VIADUCT_BRIDGE_SIDE_H

#include "base/loop.h"
#include "base/tls.h"
#include "bridge/place.h"
#include "transport/recorder.h"

enum { SIDE_MESSAGE_MAX = 1 << 20, SIDE_WHY = 256 };

typedef enum side_keepalive { SIDE_KEEP_NONE, SIDE_KEEP_CRLF, SIDE_KEEP_PING } side_keepalive;

/* What all sides of one run share. */
typedef struct side_settings {
    loop *l;
    tls *client;              /* for TLS and WSS that we open */
    tls *server;              /* for TLS and WSS that we accept */
    str subprotocol;          /* of WebSocket; empty: none */
    bool binary;              /* every WebSocket message is binary */
    side_keepalive keepalive; /* on the network side, while it is open */
    uint64_t keepalive_ms;
    recorder *trace; /* of the network side, or NULL */
    unsigned wires;  /* TCP connections alive: counted by wire.c */
    unsigned flows;  /* names given so far */
} side_settings;

typedef struct side side;

typedef struct side_events {
    /* One message or keep-alive, valid during the call. */
    void (*message)(side *s, str message, void *arg);
    /* The side has ended, and why; not called after side_close(). It is gone once this returns.
     * orderly: as ends go when all is well, by FIN between messages or a normal WebSocket Close. */
    void (*closed)(side *s, bool orderly, const char *why, void *arg);
} side_events;

struct side {
    const side_events *events;
    void *arg;
    bool network; /* the far end is what is tested, not the tool */
    char name[24];
    int (*send)(side *s, str message, const char **why);
    void (*close)(side *s, const char *why);
};

/* 0: sent, or queued until the connection is open. -1: refused, *why tells. */
int side_send(side *s, str message, const char **why);
/* Ends it; what was sent before still goes out. The handle is invalid at once. */
void side_close(side *s, const char *why);

#endif
