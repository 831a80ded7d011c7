/* A request being dealt with, and the answers that this server gives of its own (RFC 3261 8.2.6,
 * 16.3, 18.2). Lives on the stack of proxy_input(). */
#ifndef VIADUCT_PROXY_REQUEST_H
#define VIADUCT_PROXY_REQUEST_H

#include "proxy/core.h"

typedef struct request {
    proxy *p;
    flow *from;
    const sip_message *m; /* parsed and stamped */
    sip_transaction *tx;  /* its server transaction, NULL while it has none */
} request;

enum { REQUEST_TAG = 16 };

/* The flow that responses to a request go to: the one it came on, save for a UDP client that did
 * not ask for rport and names another port, or maddr (RFC 3261 18.2.2, RFC 3581 section 4). NULL
 * when there is no way. */
flow *request_answer_flow(proxy *p, flow *from, const sip_message *m);

/* The To tag of our own responses to a request: the same for each of them. */
str request_tag(const proxy *p, const sip_message *m, char out[REQUEST_TAG]);

/* Its server transaction, created at the first call. NULL when no response could be sent anyway. */
sip_transaction *request_serve(request *r, void *user);

/* Answers: final, or 100. reason: empty for the usual one. lines: whole header fields, or empty;
 * may be p->lines. A response to a non-INVITE over a reliable transport needs no transaction and
 * gets none. */
void request_answer(request *r, unsigned status, str reason, str lines);

/* Common answers: 420 naming the option tags of the header that are not in known[], true when there
 * were any. */
bool request_refuse_options(request *r, sip_header id, const char *const *known);

/* Whether the request came straight from the user agent: one Via (RFC 5626 5.1). */
bool request_first_hop(const request *r);

#endif
