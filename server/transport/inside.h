/* What the files of this folder share; nobody else includes it.
 *
 * A connection is first a door (door.h) and becomes a flow once it is known to speak SIP. Flows end
 * in one way only: flow_end() marks them gone, the closed callback and free() come from the loop,
 * so a flow is never freed under a caller. */
#ifndef VIADUCT_TRANSPORT_INSIDE_H
#define VIADUCT_TRANSPORT_INSIDE_H

#include "base/conn.h"
#include "transport/transport.h"
#include "ws/endpoint.h"
#include "ws/handshake.h"

typedef struct flow_ops {
    int (*send)(flow *f, str message, const char **why);
    void (*close)(flow *f, unsigned code, const char *why); /* must lead to flow_end() */
    void (*release)(flow *f); /* frees what the kind holds besides struct and connection */
} flow_ops;

typedef enum flow_state { FLOW_OPENING, FLOW_OPEN, FLOW_CLOSING, FLOW_GONE } flow_state;

/* First member of each kind's own struct. */
struct flow {
    uint64_t id;
    transport *t;
    const flow_ops *ops;
    const listener *li;
    conn *c; /* NULL on UDP, and once gone */
    void *user;
    char *why;       /* once closing or gone */
    char *host;      /* the name we verified, when we opened a TLS connection; else NULL */
    flow *next_id;   /* chain of transport.by_id */
    flow *next_peer; /* chain of transport.by_peer */
    loop_task task;
    addr local, remote;
    uint8_t kind;  /* flow_kind */
    uint8_t state; /* flow_state */
    bool accepted; /* counts in transport.connections */
    char name[20];
};

typedef struct listening {
    listener pub;
    transport *t;
    int fd;
    loop_io io;
    loop_timer resume; /* accepts again, after the process ran out of descriptors */
} listening;

typedef struct door door;
typedef struct udp_flow udp_flow;

struct transport {
    loop *l;
    transport_options o; /* defaults filled in */
    transport_handler h;
    void *arg;
    listening **listeners;
    size_t listener_count;

    flow **by_id, **by_peer; /* hash tables with chains; bucket_count is a power of 2 */
    size_t bucket_count, flow_count;
    uint64_t next_id;
    uint64_t seed;
    uint64_t numbers; /* of flow names */

    udp_flow *oldest, *newest; /* by last use */
    size_t udp_count;
    loop_timer udp_timer;

    door *doors;
    size_t connections; /* doors and accepted flows */
    conn_limits limits;
    endpoint_config ws;
    handshake_policy policy;
    str *paths;
    buf out; /* of one send: not kept over callbacks */
    bool going_down;
    transport_counts counts;
};

/* flow.c: table and life. flow_begin() fills in the common part and enters f in the tables. */
void flow_begin(flow *f, transport *t, flow_kind k, const flow_ops *ops, const listener *li,
                conn *c, const addr *local, const addr *remote);
void flow_end(flow *f, const char *why); /* no-op when gone already */
void flow_finish(flow *f);               /* reports and frees a gone flow now */
/* The open flow to that peer; li, local, host NULL: any. */
flow *flow_by_peer(const transport *t, flow_kind k, const addr *remote, const listener *li,
                   const addr *local, const char *host);
void flow_record(flow *f, const char *kind, recorder_dir dir, str data, const char *info);
void flow_record_open(flow *f, const char *kind); /* "accept" or "connect", with the TLS facts */
void flow_record_close(flow *f, const char *why, unsigned code); /* code 0: none */
/* Hands a message up, recording and counting it. */
void flow_message(flow *f, str message, const char *info);

/* udp.c */
void udp_listen(listening *li);
flow *udp_flow_to(transport *t, const listening *li, const addr *to);
void udp_forget(transport *t); /* stops the expiry timer */

/* tcp.c: SIP on TCP and TLS. adopt takes the connection over from its door. */
flow *tcp_adopt(transport *t, const listener *li, conn *c);
flow *tcp_dial(transport *t, flow_kind k, const addr *to, const char *host);

/* websocket.c. head: bytes of the request; answer: the 101, to be sent by this. */
flow *websocket_adopt(transport *t, const listener *li, conn *c, str head, str answer);

/* page.c: files below a directory. page_open() gives a descriptor of the file for a request path
 * (still percent-encoded), with size and type, or -1 when there is none. */
int page_open(const char *root, str path, uint64_t *size, const char **type);

/* mangle.c: what the faults do to bytes on their way out or in; no-ops without VIADUCT_FAULTS. */
void mangle_request(http_head *h, handshake_policy *p);
void mangle_answer(buf *out);
void mangle_frames(buf *out); /* whole frames of ours */
bool mangle_reading(void);    /* is one of the faults on that change what comes in? */
/* Appends to ready the frames that are complete in held, changed; removes them from held. */
void mangle_input(buf *held, buf *ready);

/* door.c */
void door_open(listening *li, int fd, const addr *peer);
void door_end_all(transport *t);

#endif
