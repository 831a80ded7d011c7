/* Messages out of messages: a forwarded copy with edits, byte for byte the original elsewhere;
 * responses to a request; ACK and CANCEL for an INVITE (RFC 3261 8.2.6, 9.1, 16.6, 16.7, 17.1.1.3).
 *
 * An edited copy is a list of splices on the original, emitted in one go:
 *
 *     sip_write w;
 *     sip_write_init(&w, m);                          // m: a parsed message, stamped when a
 * request sip_write_uri(&w, STR("sip:bob@192.0.2.4")); sip_write_top(&w, SIP_VIA, via); //
 * "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK77" sip_write_top(&w, SIP_RECORD_ROUTE, rr);
 *     sip_write_max_forwards(&w, 69);
 *     if (sip_write_finish(&w, &out)) ...
 *
 * All slices given to an edit must live until sip_write_finish(); nothing is copied before. A
 * sip_write must not be moved. */
#ifndef VIADUCT_SIP_WRITE_H
#define VIADUCT_SIP_WRITE_H

#include "base/buf.h"
#include "sip/message.h"
#include "sip/reason.h"

enum { SIP_SPLICES_MAX = 48 }; /* edits of one copy; more fail */

/* All fields are private. */
typedef struct sip_splice {
    size_t at;    /* offset in the original */
    size_t cut;   /* bytes of it left out */
    str piece[4]; /* put in, in this order */
} sip_splice;

typedef struct sip_write {
    const sip_message *m;
    bool failed;   /* too many edits, or one that the message does not allow */
    char rport[8]; /* digits of numbers that edits put in */
    char hops[12];
    char length[24];
    size_t n;
    sip_splice splices[SIP_SPLICES_MAX]; /* in the order of the calls until sip_write_finish() */
} sip_write;

/* A copy of m. If m was stamped (sip_message_stamp()), its top Via gets received and rport. */
void sip_write_init(sip_write *w, const sip_message *m);

/* Puts a new field "Name: value" above the first one of that id; without one, below the Via fields
 * (for Via: above all). Of several calls with one id, the first stays on top. */
void sip_write_top(sip_write *w, sip_header id, str value);
/* A new field at the end of the header. name: its full name. */
void sip_write_add(sip_write *w, str name, str value);
/* Several whole fields ("Name: value\r\n" each, possibly none) at the end of the header. */
void sip_write_lines(sip_write *w, str lines);

/* Removes the first count values of an id, across lines and commas; a field left without value goes
 * altogether. sip_write_remove() removes all fields of the id. Absent ones are no error. */
void sip_write_pop(sip_write *w, sip_header id, size_t count);
void sip_write_remove(sip_write *w, sip_header id);
/* Removes this very field of m. */
void sip_write_remove_field(sip_write *w, const sip_field *f);
/* Replaces the value of the first field of the id and removes the others; adds it when there is
 * none. */
void sip_write_replace(sip_write *w, sip_header id, str value);

/* Each at most once for a copy: another Request-URI; Max-Forwards set, or added when absent. */
void sip_write_uri(sip_write *w, str uri);
void sip_write_max_forwards(sip_write *w, unsigned n);
/* Sees to it that there is a Content-Length with the body's true size: for stream legs. */
void sip_write_length(sip_write *w);

/* Emits head and body. 0, or -1 when an edit failed or out is at its ceiling (out is then useless).
 */
int sip_write_finish(sip_write *w, buf *out);

/* A response to a request, refused or not (8.2.6): Via (top one stamped), From, To, Call-ID, CSeq
 * and for 100 the Timestamp, as far as they are there. tag: added to To unless it has one already
 * or tag is empty (it is left out for 100 by giving the empty one). reason: empty for the usual
 * phrase of the status (reason.h). lines: whole further fields, "Name: value\r\n" each, or empty; a
 * Content-Type belongs there when there is a body. Content-Length is always written. 0, or -1 when
 * out is at its ceiling. */
int sip_write_response(buf *out, const sip_message *request, unsigned status, str reason, str tag,
                       str lines, str body);

/* ACK for a non-2xx final response (17.1.1.3). invite: as it was sent. 0 or -1. */
int sip_write_ack(buf *out, const sip_message *invite, const sip_message *response);

/* CANCEL for an INVITE as it was sent (9.1). lines: further fields (Reason, RFC 3326), or empty. 0
 * or -1. */
int sip_write_cancel(buf *out, const sip_message *invite, str lines);

#endif
