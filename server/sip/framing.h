/* Cuts a byte stream (TCP, TLS) into SIP messages and keep-alives (RFC 3261 7.5, 18.3; RFC
 * 5626 3.5.1). Bytes in, events out, in whatever pieces the bytes come; total work is linear in
 * them.
 *
 *     str bytes = ...what was read...;
 *     sip_framing_event ev;
 *     while (sip_framing_next(&f, &bytes, &ev))
 *         switch (ev.kind) ...
 *
 * A message lying whole in the bytes is handed out from there without copy; one that comes in
 * pieces is gathered in a buffer that is released after delivery, so an idle connection holds none.
 */
#ifndef VIADUCT_SIP_FRAMING_H
#define VIADUCT_SIP_FRAMING_H

#include "base/buf.h"

typedef enum sip_framing_role {
    SIP_FRAMING_SERVER, /* the peer may ping: CRLF CRLF is a PING; a single CRLF before a message is
                           nothing */
    SIP_FRAMING_CLIENT, /* the peer answers our pings: each CRLF is a PONG */
} sip_framing_role;

typedef enum sip_framing_kind {
    SIP_FRAMING_MESSAGE, /* data: one whole message, head and body */
    SIP_FRAMING_PING,    /* data: CRLF CRLF; to be answered by one CRLF */
    SIP_FRAMING_PONG,    /* data: CRLF */
    SIP_FRAMING_ERROR,   /* the stream cannot be read on: answer if possible, then close */
} sip_framing_kind;

typedef enum sip_framing_error {
    SIP_FRAMING_OK,
    SIP_FRAMING_GARBAGE,    /* this is no start line of SIP */
    SIP_FRAMING_HEAD_SIZE,  /* the head goes on beyond the ceiling */
    SIP_FRAMING_BODY_SIZE,  /* Content-Length is beyond the ceiling (513) */
    SIP_FRAMING_NO_LENGTH,  /* no Content-Length (400) */
    SIP_FRAMING_BAD_LENGTH, /* not a number, or two that disagree (400) */
} sip_framing_error;

typedef struct sip_framing_event {
    sip_framing_kind kind;
    str data; /* valid until the next call or a change of the bytes. ERROR: the whole head, CRLF
                 CRLF included, of the last three errors, so that it can be parsed and answered;
                 else empty */
    sip_framing_error error;
    const char *text; /* ERROR: static, tells the reason */
    uint64_t at; /* offset of data, or of the wrong byte, counted from the first byte ever fed */
} sip_framing_event;

/* All fields are private. */
typedef struct sip_framing {
    sip_framing_role role;
    uint8_t crlf; /* bytes of CRLF CRLF seen between messages */
    bool release; /* the delivered buffer goes at the next call */
    bool failed;
    size_t max_head, max_body;
    uint64_t fed; /* bytes consumed ever */
    buf held;     /* the message in progress as far as it came in earlier calls */
    /* Offsets in the message in progress; begin is its own, as fed counts. */
    uint64_t begin;
    size_t line;           /* the current physical line */
    size_t field;          /* the current header field, which may be several lines; 0: start line */
    size_t seen;           /* all before is looked at */
    size_t head;           /* size of the head, 0 while it is not complete */
    uint64_t length;       /* Content-Length */
    size_t length_at;      /* offset of its value */
    sip_framing_error bad; /* what to report once the head is complete */
    bool has_length;
} sip_framing;

/* max_head and max_body in bytes. Holds no memory yet. */
void sip_framing_init(sip_framing *f, sip_framing_role role, size_t max_head, size_t max_body);
void sip_framing_free(sip_framing *f);

/* Consumes from the front of *bytes and reports the next event. True with an event: call again,
 * also when *bytes is empty; false when all bytes are consumed without one. After an ERROR it drops
 * all that follows. */
bool sip_framing_next(sip_framing *f, str *bytes, sip_framing_event *ev);

/* Is a message in progress? (A peer that closes now has cut it off; a timer may watch over this.)
 */
bool sip_framing_midway(const sip_framing *f);

/* For datagrams and WebSocket messages: is this all of it a keep-alive? 2 for CRLF CRLF, 1 for
 * CRLF, 0 if not. */
int sip_keepalive(str message);

#endif
