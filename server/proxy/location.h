/* The location service: which bindings an address of record has (RFC 3261 section 10, RFC 5626
 * section 6). Every operation costs the same with ten bindings or a hundred thousand, but for the
 * logarithm of the expiry queue.
 *
 * An address of record is handed in in its canonical form (registrar_aor). A binding made over a
 * flow ends with that flow (location_drop_flow). Times are milliseconds of the caller's clock. */
#ifndef VIADUCT_PROXY_LOCATION_H
#define VIADUCT_PROXY_LOCATION_H

#include "base/str.h"
#include "proxy/table.h"
#include "sip/deadline.h"

/* More contacts than this for one user is abuse, not use. */
enum { LOCATION_MAX_BINDINGS = 64, LOCATION_MAX_ABSENT = 10000 };

typedef struct location location;
typedef struct record record; /* one address of record with at least one binding */

/* What a REGISTER says of one contact. The binding holds a copy of all slices. */
typedef struct binding_facts {
    str uri;      /* contact URI as sent */
    str params;   /* header parameters of the contact as sent, without expires: ";q=0.5;reg-id=1" */
    str instance; /* instance-id (RFC 5626), empty when none */
    str call_id;
    str path;       /* Path values in received order as one list, empty when none */
    uint64_t flow;  /* the flow it was registered over; 0 when it is reached by Path or URI */
    uint64_t until; /* end of the binding */
    uint32_t cseq;
    uint32_t reg_id; /* 0: RFC 3261 binding, found by its URI */
    unsigned q;      /* thousandths */
} binding_facts;

typedef struct binding {
    binding_facts is;     /* slices point into this allocation */
    record *of;           /* the address of record */
    struct binding *next; /* of the same record, newest first */
    struct binding *prev;
    uint64_t updated;
    sip_deadline expiry;
    table_node by_flow;
} binding;

location *location_new(void);
void location_free(location *l);

record *location_find(const location *l, str aor); /* NULL when it has no binding */
/* Has it a binding, or had it one not long ago? Of users without bindings the last
 * LOCATION_MAX_ABSENT are remembered, so that they are unavailable and not unknown. */
bool location_knows(const location *l, str aor);
str record_aor(const record *r);
binding *record_first(const record *r); /* most recently updated first; then binding.next */
size_t record_count(const record *r);

/* Adds a binding, or replaces `old` (of the same AOR, or NULL) by it. */
binding *location_put(location *l, str aor, binding *old, const binding_facts *facts, uint64_t now);
void location_remove(location *l, binding *b); /* the last binding takes its record along */

/* Ends all bindings of a flow, of whatever user (RFC 5626 section 7). Returns how many. */
size_t location_drop_flow(location *l, uint64_t id);

/* Ends the bindings whose time is over. Returns how many. */
size_t location_expire(location *l, uint64_t now);
uint64_t location_next_expiry(const location *l); /* UINT64_MAX when there is none */
size_t location_count(const location *l);         /* all bindings */

#endif
