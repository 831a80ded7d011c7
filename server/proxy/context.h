/* A response context (RFC 3261 16.2, 16.7): one request, the branches it was forwarded on, and what
 * comes of them. It begins with the server transaction of the request and ends when that and all
 * client transactions have ended.
 *
 * Targets that wait for their turn are held as spares: those of lower q, those beyond Max-Breadth,
 * and other flows of an instance of which one flow is being tried (RFC 5626 section 7). */
#ifndef VIADUCT_PROXY_CONTEXT_H
#define VIADUCT_PROXY_CONTEXT_H

#include "proxy/replay.h"
#include "proxy/target.h"

typedef struct context context;
typedef struct branch branch;

/* A target with its text, kept for later. */
typedef struct spare {
    struct spare *next;
    target t;
    addr *addresses; /* of its name, those not tried yet; NULL when none */
    size_t n_addresses;
} spare;

struct branch {
    branch *next;
    context *of;
    sip_transaction *client; /* NULL before sending and after its end */
    table_node by_flow;      /* in proxy.branches until the final response */
    uint64_t flow;
    spare *self;       /* its target, when it may be tried at another address; or NULL */
    uint64_t instance; /* mark of the instance-id, 0: none */
    uint64_t binding;  /* mark of the binding */
    unsigned breadth;
    bool small;    /* UDP will do, whatever the size: TCP was tried */
    bool has_flow; /* sent over the flow that a token or binding names */
    bool done;     /* a final response came, or it failed */
};

struct context {
    proxy *p;
    context *next, *prev;    /* all of the proxy's */
    sip_transaction *server; /* NULL after its end */
    branch *branches;
    spare *spares;
    replay_source from;
    unsigned living;    /* branches without final response */
    unsigned resolving; /* names being looked up */
    unsigned breadth;   /* Max-Breadth to share out */
    unsigned best;      /* status of the best final response so far, 0: none */
    buf best_text;      /* the response as it will be sent; empty: one of our own */
    buf challenges;     /* challenge fields of all 401 and 407 */
    bool invite;
    bool bound;    /* the targets came from the location service: we are authoritative */
    bool answered; /* a final response went upstream, or never will */
    bool ended;    /* by a CANCEL or a 6xx: no new branches */
    bool cancelled;
    bool starting;     /* branches are being made: not the time to sum up */
    sip_deadline wait; /* for the 100 to a non-INVITE (RFC 4320 4.1) */
    size_t n;
    char text[]; /* the request as it came */
};

/* Forwards a request to its targets. */
void context_start(request *r, const route *ro, const target_set *targets);

/* A response for a branch. */
void context_response(branch *b, const sip_message *m);

/* Events of transactions (sip/transaction.h). */
void context_event(proxy *p, sip_transaction *tx, sip_transaction_event ev);

/* Its CANCEL came: pending branches are cancelled, and if there are none it ends with 487. lines:
 * fields for the CANCELs (Reason). */
void context_cancel(context *c, str lines);

/* The time of c->wait has come. */
void context_wait_over(context *c);

/* The branches on a flow that is over fail, at the next run of the transactions. */
void context_flow_over(proxy *p, uint64_t id);

/* Ends all contexts of a proxy that goes down, without a word. */
void context_drop_all(proxy *p);

/* For gather.c: a branch has its final response m, or failed as if with status. */
void context_branch_over(branch *b, unsigned status, const sip_message *m);
/* Cancels what is pending and forgets the spares. */
void context_cancel_branches(context *c, str lines);

#endif
