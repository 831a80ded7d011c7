/* A SIP message as slices of the buffer it came in (RFC 3261 7, 8.1.1, 18.3, 25; RFC 7118 4 for
 * WebSocket). One pass, no memory of its own, nothing unfolded or changed. What routing and
 * transactions need is parsed and checked at once: start line, top Via, From, To, Call-ID, CSeq,
 * Max-Forwards, Content-Length. All other header fields are found by id and parsed by who needs
 * them, with header.h, via.h, addr.h and route.h. */
#ifndef VIADUCT_SIP_MESSAGE_H
#define VIADUCT_SIP_MESSAGE_H

#include "sip/addr.h"
#include "sip/header.h"
#include "sip/method.h"
#include "sip/via.h"

enum { SIP_FIELDS_MAX = 160 }; /* header fields in a message; one with more is refused */

/* What bounds the message, which decides how Content-Length is judged (18.3; RFC 7118 5.1). */
typedef enum sip_carrier {
    SIP_DATAGRAM,  /* UDP: absent means all that is left; bytes beyond it are dropped */
    SIP_WEBSOCKET, /* absent means all that is left; present, it must agree with what is there,
                      bytes beyond it are refused like missing ones: a WebSocket message holds one
                      SIP message */
    SIP_STREAM,    /* must be there (framing.h has used it already) */
} sip_carrier;

typedef struct sip_field {
    sip_header id;
    uint8_t next; /* private: index + 1 of the next field of this id */
    str name;     /* as written */
    str value;    /* trimmed; may hold folds, see sip_unfold() */
    str line;     /* the whole field, from its name to its final CRLF inclusive */
} sip_field;

typedef struct sip_message {
    str text;  /* the whole message, without what was dropped behind it */
    str start; /* the start line, without CRLF */
    bool request;
    /* request */
    sip_method method;
    str method_text;
    str uri_text;
    sip_uri uri;
    /* response */
    unsigned status; /* 100..699 */
    str reason;      /* may be empty */

    /* header: fields in their order on the wire */
    size_t n_fields;
    sip_field fields[SIP_FIELDS_MAX];
    uint8_t first[SIP_HEADERS]; /* private: index + 1 of the first field of an id */
    uint8_t last[SIP_HEADERS];  /* private */

    /* parsed and checked at once; in a refused message each may be missing: see the has_ flags and
       empty slices */
    bool has_via;
    sip_via via; /* the top one */
    bool has_from, has_to;
    sip_addr from, to;
    str call_id;
    bool has_cseq;
    uint32_t cseq;
    sip_method cseq_method;
    str cseq_method_text;
    int max_forwards;       /* -1 when absent (RFC 2543), else 0..255 */
    int64_t content_length; /* -1 when absent */
    str body;

    /* set by sip_message_stamp(): what a receiver owes to the top Via */
    str received;   /* value for received=, empty: none to add */
    uint16_t rport; /* value for rport=, 0: none to add */
} sip_message;

typedef enum sip_refusal_kind {
    SIP_REFUSED_START,    /* the start line is not one of SIP */
    SIP_REFUSED_VERSION,  /* it is, but of another version than 2.0 (505) */
    SIP_REFUSED_HEADER,   /* a header field is malformed, contradictory or missing */
    SIP_REFUSED_LENGTH,   /* Content-Length and the bytes there disagree */
    SIP_REFUSED_TOO_MANY, /* more than SIP_FIELDS_MAX fields */
} sip_refusal_kind;

typedef struct sip_refusal {
    sip_refusal_kind kind;
    size_t at;        /* offset in the bytes given; for a missing header the end of the head */
    str header;       /* the header field concerned, full name; empty for start line and body */
    const char *text; /* static: "port is not a number" */
    unsigned status; /* what to answer: 400 or 505. 0: nothing can be answered, drop it (a response,
                        an ACK, or there is no top Via to send an answer to) */
} sip_refusal;

/* Parses all of bytes. 0, or -1 with *why filled. After -1 with why->status set, *m holds all that
 * a response needs (sip_write_response() works on it), though fields may be missing; with status 0
 * only what was read before. The slices are of bytes, which must outlive *m. Empty lines before the
 * start line are skipped (7.5). *m needs no initialisation and holds no memory. */
int sip_message_parse(str bytes, sip_carrier carrier, sip_message *m, sip_refusal *why);

/* "Via: port is not a number": fit for a reason phrase (with 400) or a log line; NUL-terminated,
 * cut at n. */
void sip_refusal_print(const sip_refusal *why, char *out, size_t n);

/* First field of an id, or NULL; the next one with the same id, or NULL. */
const sip_field *sip_message_field(const sip_message *m, sip_header id);
const sip_field *sip_message_next(const sip_message *m, const sip_field *f);
/* First field with that name, without case; for those without an id. */
const sip_field *sip_message_named(const sip_message *m, str name);
/* Value of the first field of an id; empty when there is none. */
str sip_message_value(const sip_message *m, sip_header id);

/* Walks the values of all fields of an id, across lines and commas, in order: Via, Route,
 * Contact...
 *
 *     sip_values v = sip_values_of(m, SIP_ROUTE);
 *     while (sip_values_next(&v, &item) == 1) ...
 *
 * 1: an item (never empty), with v.field the field it lies in; 0: the end; -1: a list is malformed.
 */
typedef struct sip_values {
    const sip_message *m;
    const sip_field *field;
    str rest;
} sip_values;
sip_values sip_values_of(const sip_message *m, sip_header id);
int sip_values_next(sip_values *v, str *item);

/* Is token in the comma-separated values of all fields of the id (Supported, Require...)? */
bool sip_message_lists(const sip_message *m, sip_header id, str token);

/* Notes on a request where it came from, once, right after parsing: the source address (IPv6
 * without brackets) and port. What RFC 3261 18.2.1 and RFC 3581 section 4 oblige a receiver to is
 * decided here and stored in m->received and m->rport, and every writer that copies the top Via of
 * m honours it. websocket: received is added only along with rport, since RFC 7118 5.3 frees from
 * it otherwise. ip must outlive *m. */
void sip_message_stamp(sip_message *m, str ip, uint16_t port, bool websocket);

#endif
