/* One Via value (RFC 3261 20.42, 25.1; rport and received of RFC 3581; keep of RFC 6223).
 * "SIP/2.0/WSS a.invalid;branch=z9hG4bK1;rport". White space and folds are allowed around the
 * slashes and separators. */
#ifndef VIADUCT_SIP_VIA_H
#define VIADUCT_SIP_VIA_H

#include "sip/header.h"
#include "sip/uri.h"

typedef struct sip_via {
    str text;      /* the whole value, trimmed */
    str transport; /* as written: "UDP", "WSS", any token; compare without case */
    sip_host host; /* sent-by */
    uint16_t port; /* of sent-by; 0 when not given */
    str params;    /* from the first ';' on */
    str branch;    /* empty when there is none */
    str received;  /* without brackets (RFC 5118 4.5); empty when there is none */
    bool has_rport;
    uint16_t rport; /* 0 when it has no value */
    str maddr;      /* empty when there is none */
} sip_via;

/* Parses one value (an item of sip_list_next()). 0, or -1 with *err and *out undefined. */
int sip_via_parse(str text, sip_via *out, sip_error *err);

/* Does the branch begin with the magic cookie and go on (8.1.1.7)? The bare cookie does not make a
 * branch unique (RFC 4475 3.2.1), so it counts as RFC 2543. */
bool sip_branch_is_unique(str branch);

/* The same sent-by: host, and port with the transport's default filled in (17.2.3, 18.1.2). */
bool sip_via_same_sender(const sip_via *a, const sip_via *b);

/* 5061 for TLS, 443 for WSS, 80 for WS (RFC 7118 5.2, appendix B), else 5060. */
uint16_t sip_via_default_port(str transport);

#endif
