/* Transactions: the four machines of RFC 3261 section 17 as corrected by RFC 6026 (states Accepted,
 * timers L and M), with timer C of section 16 and the CANCEL of section 9.1. Sans I/O: messages and
 * the time come in by calls; bytes to send, time-outs and ends go out by two callbacks.
 *
 * Time is any monotonic clock in milliseconds. The owner keeps ONE timer:
 *
 *     after each call:  if (sip_transactions_next(t, &at)) arm the timer for at; else disarm it
 *     when it fires:    sip_transactions_run(t, now)
 *
 * A server, for each request:
 *
 *     switch (sip_transaction_request(t, m, now, &tx)) {
 *     case SIP_TRANSACTION_NEW:       // tx is NULL: create one (but not for an ACK)
 *         tx = sip_transaction_serve(t, m, flow, reliable, user, now);
 *         ... sip_transaction_respond(tx, bytes, 200, now) ...
 *     case SIP_TRANSACTION_ACK:       // tx: the INVITE's, which a 2xx had answered
 *     case SIP_TRANSACTION_ABSORBED:  // dealt with
 *
 * A client: tx = sip_transaction_send(...); and for each response:
 *
 *     switch (sip_transaction_response(t, m, now, &tx)) {
 *     case SIP_TRANSACTION_NEW:       // for the core: tx is the one that sent the request
 *     case SIP_TRANSACTION_ABSORBED:  // dealt with
 *     case SIP_TRANSACTION_STRAY:     // matches nothing: drop it (RFC 6026 7.3)
 *
 * Ownership: the table owns its transactions. A handle is valid from its creation until the event
 * SIP_TRANSACTION_ENDED for it has returned. That event comes for each, once, and only from
 * sip_transactions_run(). */
#ifndef VIADUCT_SIP_TRANSACTION_H
#define VIADUCT_SIP_TRANSACTION_H

#include "sip/message.h"

typedef struct sip_transactions sip_transactions; /* the table */
typedef struct sip_transaction sip_transaction;

typedef enum sip_transaction_event {
    SIP_TRANSACTION_TIMEOUT, /* client: no final response in time (B, F; 64*T1 after CANCEL): act as
                                on a 408. server: no ACK came for a non-2xx (H) */
    SIP_TRANSACTION_UNREACHABLE, /* client: send failed: act as on a 503 (8.1.3.1). server: a
                                    response could not be sent; the transaction lives on (RFC
                                    6026 7.1) */
    SIP_TRANSACTION_TIMER_C, /* INVITE client: ringing for too long: cancel it (16.8). Comes again
                                after a further timer C when nothing is done */
    SIP_TRANSACTION_ENDED,   /* the last event: the handle is void once this returns */
} sip_transaction_event;

typedef struct sip_transaction_ops {
    /* Puts bytes on the flow of tx (requests, ACKs, responses, retransmissions). 0, or -1 when it
     * failed at once. Must not call back into the table. */
    int (*send)(void *owner, sip_transaction *tx, uint64_t flow, str bytes);
    /* Comes only from sip_transactions_run(). May call anything but _run() and _free(). */
    void (*event)(void *owner, sip_transaction *tx, sip_transaction_event ev);
} sip_transaction_ops;

typedef struct sip_transaction_timers { /* milliseconds; a 0 means the RFC's value */
    uint32_t t1, t2, t4;                /* 500, 4000, 5000 */
    uint32_t d;                         /* 32000: client INVITE, after a non-2xx, unreliable */
    uint32_t c;                         /* 181000 */
} sip_transaction_timers;

/* timers may be NULL. seed: unpredictable, against crafted hash collisions. */
sip_transactions *sip_transactions_new(const sip_transaction_ops *ops, void *owner,
                                       const sip_transaction_timers *timers, uint64_t seed);
void sip_transactions_free(sip_transactions *t); /* without events */

/* When sip_transactions_run() is to be called next; false when there is nothing to wait for. */
bool sip_transactions_next(const sip_transactions *t, uint64_t *at);
void sip_transactions_run(sip_transactions *t, uint64_t now);
size_t sip_transactions_count(const sip_transactions *t); /* living ones, for statistics */

typedef enum sip_transaction_input {
    SIP_TRANSACTION_NEW,
    SIP_TRANSACTION_ABSORBED,
    SIP_TRANSACTION_ACK,
    SIP_TRANSACTION_STRAY,
} sip_transaction_input;

/* A request came in. Matching by branch, sent-by and method (17.2.3), or for an RFC 2543 client by
 * its other fields. NEW: no transaction (*tx is NULL). ABSORBED: a retransmission (answered again
 * if there is an answer) or the ACK to a non-2xx. ACK: the ACK matches an INVITE transaction that
 * is accepted: for the core. An ACK to a 2xx with a branch of its own is NEW. */
sip_transaction_input sip_transaction_request(sip_transactions *t, const sip_message *m,
                                              uint64_t now, sip_transaction **tx);

/* A server transaction for a NEW request other than ACK. flow: opaque, given back to send().
 * reliable: no retransmissions on this flow (all but UDP). m is used during the call only. */
sip_transaction *sip_transaction_serve(sip_transactions *t, const sip_message *m, uint64_t flow,
                                       bool reliable, void *user, uint64_t now);

/* Sends a response by a server transaction and keeps it for retransmission as long as that may be
 * needed. 0, or -1 when its state no longer takes it (a final response has been sent; further 2xx
 * to an INVITE are taken). */
int sip_transaction_respond(sip_transaction *tx, str response, unsigned status, uint64_t now);

/* Ends a server transaction that will never be answered (RFC 4320 4.2: no 408 to a non-INVITE). */
void sip_transaction_abandon(sip_transaction *tx, uint64_t now);

/* The INVITE server transaction that this CANCEL is meant for (9.2), or NULL. */
sip_transaction *sip_transaction_cancelled(sip_transactions *t, const sip_message *cancel);

/* Sends a request other than ACK by a client transaction of its own. request: as written, its top
 * Via carries branch; it is copied. method: of the request, as in CSeq. */
sip_transaction *sip_transaction_send(sip_transactions *t, str request, str branch, str method,
                                      uint64_t flow, bool reliable, void *user, uint64_t now);

/* A response came in (17.1.3). NEW: for the core, *tx is its transaction. The ACK to a non-2xx is
 * sent before it returns. */
sip_transaction_input sip_transaction_response(sip_transactions *t, const sip_message *m,
                                               uint64_t now, sip_transaction **tx);

/* Cancels an INVITE client transaction (9.1): sends CANCEL on its flow now, or as soon as a
 * provisional response came; nothing when a final one is there or it was done before. The CANCEL's
 * own transaction is invisible. 64*T1 later without final response the INVITE's ends with TIMEOUT.
 * lines: further fields for the CANCEL, "Reason: ...\r\n", or empty; copied when it must wait. */
void sip_transaction_cancel(sip_transaction *tx, str lines, uint64_t now);

/* The flow of tx turned out dead after send() had taken the bytes. The event comes from the next
 * run. */
void sip_transaction_failed(sip_transaction *tx, uint64_t now);

/* The user pointer may be changed at any time, to NULL too when the core has lost interest. */
void sip_transaction_set_user(sip_transaction *tx, void *user);
void *sip_transaction_user(const sip_transaction *tx);
uint64_t sip_transaction_flow(const sip_transaction *tx);
bool sip_transaction_is_invite(const sip_transaction *tx);
bool sip_transaction_is_server(const sip_transaction *tx);
/* Has a final response been passed (server: sent; client: received)? */
bool sip_transaction_is_final(const sip_transaction *tx);

#endif
