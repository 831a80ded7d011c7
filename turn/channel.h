/* The channels of one allocation (RFC 8656 12): number and peer, bound one to one, each with its
 * time. Initialise with zeroes, end with channels_free(). */
#ifndef VIADUCT_TURN_CHANNEL_H
#define VIADUCT_TURN_CHANNEL_H

#include "base/addr.h"

enum { CHANNEL_FIRST = 0x4000, CHANNEL_LAST = 0x4FFF };

typedef struct channel {
    addr peer;
    uint64_t until; /* ms */
    uint16_t number;
} channel;

typedef struct channels {
    channel *v;
    size_t n;
} channels;

typedef enum channel_result {
    CHANNEL_OK,
    CHANNEL_TAKEN, /* the number has another peer, or the peer another number */
    CHANNEL_FULL,
} channel_result;

void channels_free(channels *c);
/* NULL when there is none or its time is over. */
const channel *channels_by_number(const channels *c, uint16_t number, uint64_t now_ms);
const channel *channels_by_peer(const channels *c, const addr *peer, uint64_t now_ms);
/* What channels_bind() would say. */
channel_result channels_check(const channels *c, uint16_t number, const addr *peer, size_t max,
                              uint64_t now_ms);
channel_result channels_bind(channels *c, uint16_t number, const addr *peer, uint64_t until,
                             size_t max, uint64_t now_ms);
void channels_drop(channels *c, int family);

#endif
