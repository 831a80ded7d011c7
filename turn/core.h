/* The inside of turn.h, for its own files: turn.c (dispatch and tables), auth.c, answer.c,
 * allocate.c, request.c (the other requests) and data.c (relaying). */
#ifndef VIADUCT_TURN_CORE_H
#define VIADUCT_TURN_CORE_H

#include "turn/account.h"
#include "turn/channel.h"
#include "turn/nonce.h"
#include "turn/permission.h"
#include "turn/turn.h"

enum { TURN_BUCKETS = 8192, TURN_RESERVATIONS_MAX = 1024, TURN_GONE = 256, TURN_GONE_MS = 40000 };

typedef struct allocation allocation;

/* A relayed transport address: of an allocation, or held in reserve (owner NULL). */
typedef struct relayed {
    struct relayed *next; /* in its bucket */
    allocation *owner;
    void *io;
    addr at;
    uint64_t until; /* ms; of an allocation's half, or of the reservation */
} relayed;

typedef struct reservation {
    struct reservation *next;
    relayed *r;
    char token[ATTR_TOKEN];
} reservation;

/* One exists while at least one half does. */
struct allocation {
    allocation *next; /* in its bucket */
    allocation *older, *newer;
    turn_path path;
    relayed *half[2]; /* IPv4, IPv6 */
    account *user, *address;
    permissions perms;
    channels chans;
    uint8_t tid[STUN_TID]; /* of the Allocate that made it */
    char token[ATTR_TOKEN];
    bool reserved;    /* token was given out */
    uint16_t missing; /* error code of the half that could not be had, 0: none */
};

/* A Refresh that ended an allocation, so that its repetition gets the same answer. */
typedef struct gone {
    addr client, server;
    turn_transport transport;
    uint8_t tid[STUN_TID];
    uint64_t until;
} gone;

struct turn {
    turn_options o;
    turn_io io;
    void *arg;
    nonce_maker nonces;
    uint64_t seed;
    allocation *by_path[TURN_BUCKETS];
    relayed *by_address[TURN_BUCKETS];
    allocation *oldest, *newest;
    size_t count;
    reservation *reservations;
    size_t reservation_count;
    accounts users, addresses;
    gone gone[TURN_GONE];
    size_t gone_at;
    buf out;
};

typedef enum signing { UNSIGNED, SIGN_SHA1, SIGN_SHA256 } signing;

typedef struct request {
    turn *t;
    const turn_path *from;
    turn_time now;
    stun_msg m;
    bool fingerprint;
    signing sign; /* of the answer */
    integrity_key key;
    char name[USER_NAME_MAX + 1]; /* authenticated user */
    allocation *a;                /* of the 5-tuple, NULL: none */
} request;

/* turn.c */
allocation *core_find(turn *t, const turn_path *path, uint64_t now_ms);
void core_end(turn *t, allocation *a, const char *why);
void core_end_half(turn *t, allocation *a, int half); /* at least one must be left */
void core_add(turn *t, allocation *a);
relayed *core_open(turn *t, const addr *at); /* NULL: the port is taken */
void core_close(turn *t, relayed *r);
relayed *core_at(turn *t, const addr *at);
int core_half(int family); /* 0: IPv4, 1: IPv6 */

/* auth.c: 0 with key and name set, or -1 when an error was answered. */
int auth_check(request *r);

/* answer.c. A success is begun, added to in t->out and sent; an error is one call. */
void answer_begin(request *r, stun_class class);
void answer_send(request *r);
void answer_error(request *r, unsigned code, const char *why);
void answer_challenge(request *r, unsigned code, const char *why); /* 401, 438 */
void answer_unknown(request *r, const uint16_t *types, size_t n);

/* allocate.c, request.c */
void allocate_request(request *r);
uint64_t allocate_lifetime(const request *r); /* seconds, by LIFETIME and the options */
void refresh_request(request *r);
void create_permission_request(request *r);
void channel_bind_request(request *r);

/* data.c */
void data_send(turn *t, const turn_path *from, const stun_msg *m, turn_time now);
void data_channel(turn *t, const turn_path *from, uint16_t number, str data, turn_time now);

#endif
