/* Where a request goes: to this server itself, or to a set of targets (RFC 3261 16.5, RFC 5626
 * section 7, RFC 5630 5.3). */
#ifndef VIADUCT_PROXY_TARGET_H
#define VIADUCT_PROXY_TARGET_H

#include "proxy/route.h"

typedef struct target {
    str uri;  /* Request-URI of the copy */
    str path; /* Path of the binding: goes on top of Route; or empty */
    str instance;
    uint32_t reg_id;
    unsigned q;
    bool bound;    /* from the location service */
    bool has_flow; /* sent over this flow and no other */
    bool secure;   /* sent over TLS or not at all */
    uint64_t flow;
    const listener *via; /* socket to send UDP from, or NULL */
} target;

typedef enum target_kind {
    TARGET_REFUSED,   /* status, why, lines */
    TARGET_REGISTRAR, /* a REGISTER for a domain of ours */
    TARGET_SELF,      /* for the server itself: no user in the Request-URI */
    TARGET_SET,       /* n targets, best q first, newest first among equals */
} target_kind;

enum { TARGET_URI = 1024 };

typedef struct target_set {
    target_kind kind;
    unsigned status;
    const char *why;
    str lines;
    size_t n;
    target v[LOCATION_MAX_BINDINGS];
} target_set;

/* Slices point into the request and the bindings, and stay good as long as those do. */
void target_choose(const request *r, const route *ro, target_set *out);

/* The Request-URI of the copy, into out[TARGET_URI] where it differs from t->uri: without what a
 * Request-URI must not have (header part and method, RFC 3261 19.1.1), and a sips contact that a
 * sip request calls with the scheme sip (RFC 5630 5.3). */
str target_uri(const target *t, const sip_uri *asked, char *out);

#endif
