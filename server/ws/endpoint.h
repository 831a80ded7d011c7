/* One end of an open WebSocket connection, from the 101 on (RFC 6455 sections 5 to 8): bytes in,
 * events out; fragments joined, text checked, control frames answered, the closing handshake kept.
 * Sans I/O. Extensions: none.
 *
 * The loop of a user:
 *
 *     endpoint_event ev;
 *     while (endpoint_next(e, &p, &n, &ev)) {
 *         if (ev.kind == ENDPOINT_TEXT || ev.kind == ENDPOINT_BINARY)
 *             ... ev.data ...
 *         endpoint_answer(e, &ev, &out);
 *     }
 *     write out; when endpoint_over(e), close the connection behind it
 *
 * Closing "behind it" means: write out to the end, shut down the sending side, then read and drop
 * until the peer closes or a short timer ends; closing a socket with unread bytes resets it, and
 * the peer would lose our Close frame.
 *
 * An idle endpoint holds no memory but its struct: a message that lies whole in the input is
 * delivered from there, others are gathered in a buffer that is released after delivery. */
#ifndef VIADUCT_WS_ENDPOINT_H
#define VIADUCT_WS_ENDPOINT_H

#include "base/buf.h"
#include "ws/frame.h"
#include "ws/utf8.h"

/* Close codes we may send or report (section 7.4.1). */
enum {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL = 1002,
    CLOSE_UNSUPPORTED = 1003,
    CLOSE_NONE = 1005, /* reported only: the peer's Close has no code */
    CLOSE_INVALID = 1007,
    CLOSE_POLICY = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_INTERNAL = 1011,
};

/* Shared by many endpoints; outlives them. */
typedef struct endpoint_config {
    bool client;        /* our role: a client masks and forbids masks, a server the reverse */
    bool report_frames; /* also report each frame (ENDPOINT_FRAME), for a recorder */
    size_t max_message; /* bytes of a joined message; more fails with 1009 */
    void (*random)(void *p, size_t n); /* unpredictable bytes for masks; a client needs it */
} endpoint_config;

typedef enum endpoint_kind {
    ENDPOINT_FRAME,  /* frame: complete and valid by itself; data its unmasked payload. Comes
                        before the event that the frame causes. Only with report_frames */
    ENDPOINT_TEXT,   /* data: a whole message, valid UTF-8 */
    ENDPOINT_BINARY, /* data: a whole message */
    ENDPOINT_PING,   /* data: to be repeated by the Pong */
    ENDPOINT_PONG,   /* data: whatever the peer put there */
    ENDPOINT_CLOSE,  /* the peer closes: code (CLOSE_NONE without one), data its reason */
    ENDPOINT_ERROR,  /* the peer broke a rule: code to close with, why, at */
} endpoint_kind;

typedef struct endpoint_event {
    endpoint_kind kind;
    str data;        /* valid until the next call with this endpoint or a change of the input */
    uint16_t code;   /* CLOSE, ERROR */
    const char *why; /* ERROR: static text, short enough for a Close reason */
    uint64_t at;     /* ERROR: offset of the bad frame or text byte, from the first byte ever fed */
    frame_head frame; /* FRAME */
} endpoint_event;

/* All fields are private. */
typedef struct endpoint {
    const endpoint_config *config;
    uint64_t fed;                 /* bytes consumed so far */
    uint64_t at;                  /* payload bytes of the current frame consumed */
    frame_head frame;             /* the current one, when in_frame */
    uint8_t head[FRAME_HEAD_MAX]; /* its head while still incomplete */
    uint8_t head_size;
    uint8_t opcode; /* of the message in progress, 0 when none */
    utf8 text;      /* state of the text in progress */
    bool in_frame;
    bool pending;   /* the frame is reported, its event comes next */
    bool release;   /* the delivered buffer goes at the next call */
    bool peer_done; /* Close received, or failed: nothing is processed any more */
    bool failed;
    bool close_sent;
    buf message; /* what came of a message that is not whole in the input */
    buf control; /* the same of a control frame */
    str whole;   /* payload lying in the input, while pending */
} endpoint;

void endpoint_init(endpoint *e, const endpoint_config *config); /* holds no memory yet */
void endpoint_free(endpoint *e);

/* Consumes input and reports the next event. *p and *n are moved past what was consumed; the bytes
 * are unmasked in place. Returns true with an event, to be called again even when *n is 0 then;
 * false when all bytes are consumed without one. After CLOSE or ERROR it drops what follows. */
bool endpoint_next(endpoint *e, char **p, size_t *n, endpoint_event *ev);

/* Appends what the protocol demands as answer to an event: the Pong to a Ping, the Close to a Close
 * or an error unless we sent one before; nothing for the others. Call it for every event, in
 * order. */
void endpoint_answer(endpoint *e, const endpoint_event *ev, buf *out);

/* Append one frame with a whole message, or a Ping (payload of at most 125 bytes). Return 0, or -1
 * and append nothing once a Close was sent or received. Text must be valid UTF-8: the caller knows,
 * or asks utf8_valid(). */
int endpoint_text(endpoint *e, str data, buf *out);
int endpoint_binary(endpoint *e, str data, buf *out);
int endpoint_ping(endpoint *e, str data, buf *out);

/* Starts the closing handshake, once; later calls append nothing. code: one that
 * frame_close_valid() allows, or CLOSE_NONE for a Close without code; reason: UTF-8, cut at 123
 * bytes. The peer's ENDPOINT_CLOSE then ends the connection; the caller sets a timer for a peer
 * that never answers. */
void endpoint_close(endpoint *e, uint16_t code, str reason, buf *out);

/* Is the connection to be closed, once everything written is sent? True after Close both ways and
 * after an error. (A client in the normal case gives the server a moment to close first, section
 * 7.1.1.) */
bool endpoint_over(const endpoint *e);

bool endpoint_closing(const endpoint *e); /* Close sent or received: no more messages from us */

#endif
