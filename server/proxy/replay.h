/* A request that was put aside, read again as it came (for a later target, or when a name has been
 * looked up). */
#ifndef VIADUCT_PROXY_REPLAY_H
#define VIADUCT_PROXY_REPLAY_H

#include "proxy/route.h"

/* Where it came from. */
typedef struct replay_source {
    uint64_t flow;
    addr remote;
    bool websocket;
} replay_source;

typedef struct replay {
    sip_message m;
    char ip[ADDR_TEXT];
    request r;
    route ro;
} replay;

replay_source replay_source_of(const proxy *p, const flow *f);

/* False when the sender's flow is gone. text must outlive *y. */
bool replay_read(proxy *p, str text, const replay_source *from, replay *y);

#endif
