/* Hosts in URIs, Via and parameters: name, IPv4 or bracketed IPv6 (RFC 3261 25.1 as mended by
 * RFC 5954). */
#ifndef VIADUCT_SIP_HOST_H
#define VIADUCT_SIP_HOST_H

#include "base/buf.h"

typedef enum sip_host_kind {
    SIP_HOST_NONE,
    SIP_HOST_NAME,
    SIP_HOST_IPV4,
    SIP_HOST_IPV6
} sip_host_kind;

typedef struct sip_host {
    sip_host_kind kind;
    str text; /* as written; IPv6 without its brackets */
} sip_host;

/* Length of the host at the start of text ("a.example", "192.0.2.1", "[2001:db8::1]"), its parts in
 * *out; 0 when none starts there. What follows is not looked at. The three colons that the grammar
 * of RFC 3261 allowed before an embedded IPv4 address are taken for two (RFC 5118 4.10). */
size_t sip_host_parse(str text, sip_host *out);

/* The same host: names without case, addresses by value (19.1.4, RFC 5954 4.2). */
bool sip_host_eq(const sip_host *a, const sip_host *b);
/* Is h this literal address (IPv6 without brackets)? False for every name. */
bool sip_host_is(const sip_host *h, str ip);
/* Appends the host as a URI or Via writes it, IPv6 in brackets. */
void sip_host_write(buf *out, const sip_host *h);

#endif
