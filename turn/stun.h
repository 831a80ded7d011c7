/* STUN messages as such, and ChannelData beside them: header, framing, and telling the two apart
 * (RFC 8489 5, RFC 8656 12.4 to 12.6, RFC 7983 7). Attributes are in turn/attr.h. Sans I/O. */
#ifndef VIADUCT_TURN_STUN_H
#define VIADUCT_TURN_STUN_H

#include "base/buf.h"

enum {
    STUN_HEADER = 20,
    STUN_TID = 12, /* bytes of a transaction ID */
    STUN_MAX = STUN_HEADER + 65532,
    STUN_CHANNEL_HEADER = 4,
};
#define STUN_COOKIE 0x2112A442u

typedef enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR } stun_class;

typedef enum stun_method {
    STUN_BINDING = 0x001,
    STUN_ALLOCATE = 0x003,
    STUN_REFRESH = 0x004,
    STUN_SEND = 0x006,
    STUN_DATA = 0x007,
    STUN_CREATE_PERMISSION = 0x008,
    STUN_CHANNEL_BIND = 0x009,
} stun_method;

typedef struct stun_msg {
    str all;            /* header and attributes, nothing behind them */
    const uint8_t *tid; /* STUN_TID bytes, inside all */
    uint16_t method;    /* of stun_method or any other 12 bits */
    stun_class class;
} stun_msg;

/* What a packet is by its first byte (RFC 7983 7; RFC 8656 12 for the channels). */
typedef enum stun_kind { STUN_OTHER, STUN_MESSAGE, STUN_CHANNEL } stun_kind;
stun_kind stun_kind_of(str packet);

/* The header of one whole message. 0, or -1 when it is none: top bits, cookie, a length that is no
 * multiple of 4 or not that of the bytes given. Attributes are not looked at. m borrows. */
int stun_parse(str message, stun_msg *m);
/* One ChannelData of a datagram; bytes behind the counted ones are padding. 0, or -1 when the
 * datagram is shorter than its length field says, or the number is not 0x4000..0x4FFF. */
int stun_channel_data(str packet, uint16_t *number, str *data);
/* The size of what begins a stream, with the padding of ChannelData: > 0 when it is all there, 0
 * when more bytes are needed, -1 when the bytes begin neither message nor ChannelData, so that the
 * stream has lost its framing. */
long stun_frame(str in);

/* Writes a header with length 0 to the empty buffer; attr_add() keeps the length right. tid NULL: a
 * random one. */
void stun_begin(buf *to, stun_class class, stun_method method, const uint8_t *tid);
void stun_set_length(buf *message, size_t attributes);
/* One ChannelData. On a stream (padded) zero bytes fill it up to a multiple of 4. */
void stun_channel_write(buf *to, uint16_t number, str data, bool padded);
const char *stun_method_name(uint16_t method); /* "Allocate"; "unknown" */

uint16_t stun_u16(const char *p); /* network order */
uint32_t stun_u32(const char *p);

#endif
