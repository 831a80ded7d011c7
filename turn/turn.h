/* The STUN and TURN server (RFC 8489, RFC 8656) without I/O: packets of clients and peers and the
 * time go in, packets and wishes for relay sockets come out through turn_io. What it needs of the
 * system it asks for there, so that every rule and every clock can be tested without a socket.
 *
 * Memory is held for allocations and reservations only, never for a request that has not
 * authenticated: nonces prove themselves (turn/nonce.h). Relaying a packet allocates none. */
#ifndef VIADUCT_TURN_TURN_H
#define VIADUCT_TURN_TURN_H

#include "turn/policy.h"
#include "turn/user.h"

typedef struct turn turn;

typedef enum turn_transport { TURN_UDP, TURN_TCP, TURN_TLS } turn_transport;

/* The 5-tuple of a client; via is the caller's, for to_client(). */
typedef struct turn_path {
    addr client, server;
    turn_transport transport;
    void *via;
} turn_path;

typedef struct turn_time {
    uint64_t ms;   /* monotonic, not 0 */
    uint64_t unix; /* seconds since 1970, for ephemeral names */
} turn_time;

typedef struct turn_io {
    /* One whole message or ChannelData, padded on streams. data: relayed, and lost rather than
     * queued without end. */
    void (*to_client)(const turn_path *to, str bytes, bool data, void *arg);
    /* A UDP socket bound to exactly that address. owner is what turn_peer_data() is to be called
     * with. NULL when the port is taken. */
    void *(*relay_open)(const addr *at, void *owner, void *arg);
    void (*relay_close)(void *relay, void *arg);
    void (*relay_send)(void *relay, const addr *peer, str data, bool dont_fragment, void *arg);
} turn_io;

typedef struct turn_options {
    const users *who;
    policy *peers;        /* the relay addresses are added by turn_new() */
    addr relay[2];        /* IPv4, IPv6; family 0: none. Ports are not used */
    uint16_t low, high;   /* range of relayed ports */
    const char *software; /* NULL: none is sent */
    addr alternate[2];    /* IPv4, IPv6: where Allocate is sent to by 300; family 0: nowhere */
    uint64_t lifetime, max_lifetime; /* seconds */
    uint64_t permission_lifetime, channel_lifetime, nonce_lifetime, reservation_lifetime;
    size_t user_quota, address_quota, total_quota; /* allocations; 0: no limit */
    size_t max_permissions, max_channels;          /* of an allocation */
    uint64_t bandwidth; /* bytes a second of one user, both ways; 0: no limit */
} turn_options;

void turn_defaults(turn_options *o); /* all but who, peers, relay */

/* o's pointers must outlive it. */
turn *turn_new(const turn_options *o, const turn_io *io, void *arg);
void turn_free(turn *t); /* closes the relays, tells no client */

/* What one client sent: one datagram, or one frame of a stream (stun_frame()). */
void turn_input(turn *t, const turn_path *from, str packet, turn_time now);
/* The client's connection is gone, and its allocation with it. */
void turn_closed(turn *t, const turn_path *path);
/* owner: as given to relay_open(). */
void turn_peer_data(turn *t, void *owner, const addr *peer, str data, turn_time now);
/* An ICMP error that quotes a datagram to that peer; info: next-hop MTU where there is one. */
void turn_peer_icmp(turn *t, void *owner, const addr *peer, uint8_t type, uint8_t code,
                    uint32_t info, turn_time now);
/* Frees what is over; nothing that is over is ever used, so when it is called does not matter. */
void turn_expire(turn *t, turn_time now);

size_t turn_allocations(const turn *t);
bool turn_has_allocation(turn *t, const turn_path *path);

#endif
