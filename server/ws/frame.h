/* One WebSocket frame (RFC 6455 section 5.2): its head read and written, and the mask. What a
 * sequence of frames means is the endpoint's business (ws/endpoint.h). */
#ifndef VIADUCT_WS_FRAME_H
#define VIADUCT_WS_FRAME_H

#include "base/buf.h"

enum { FRAME_HEAD_MAX = 14, FRAME_CONTROL_MAX = 125 };

typedef enum frame_opcode {
    FRAME_CONTINUATION = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10,
} frame_opcode;

typedef enum frame_error {
    FRAME_OK = 0,
    FRAME_E_RESERVED, /* an RSV bit without an extension that defines it */
    FRAME_E_OPCODE,   /* opcode 3..7 or 11..15 */
    FRAME_E_FRAGMENT, /* control frame without FIN */
    FRAME_E_CONTROL,  /* control frame longer than 125 bytes */
    FRAME_E_MINIMAL,  /* length not in its shortest form */
    FRAME_E_LENGTH,   /* top bit of a 64-bit length */
    FRAME_E_UNMASKED, /* from a client, without mask */
    FRAME_E_MASKED,   /* from a server, with mask */
} frame_error;

typedef struct frame_head {
    bool fin;
    uint8_t rsv;    /* 0..7 */
    uint8_t opcode; /* frame_opcode, once valid */
    bool masked;
    uint8_t key[4];  /* when masked */
    uint64_t length; /* of the payload */
} frame_head;

/* Parses the head at the start of in. from_client tells whether a mask is demanded or forbidden.
 * Returns its size, 2..14; 0 when more bytes are needed; -1 when it is broken: *e says how, as soon
 * as the byte that breaks it is there. h is filled as far as known. */
int frame_parse(str in, bool from_client, frame_head *h, frame_error *e);
const char *frame_error_text(frame_error e);

static inline bool frame_is_control(uint8_t opcode)
{
    return opcode >= 8;
}

/* Applies or removes the mask in place. at is the offset of p within the payload. */
void frame_mask(void *p, size_t n, const uint8_t key[4], uint64_t at);

/* Appends a whole frame, its length in the shortest form. key: NULL for a server; a client's fresh
 * random key. */
void frame_write(buf *out, uint8_t opcode, bool fin, str payload, const uint8_t key[4]);

/* May this code stand in a Close frame (section 7.4; 1012-1014 as registered with IANA)? */
bool frame_close_valid(uint16_t code);

#endif
