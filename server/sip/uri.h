/* SIP, SIPS, tel and other absolute URIs (RFC 3261 19.1, 25.1; RFC 3966; RFC 5954 for IPv6).
 * Everything is a slice of the text given; nothing is unescaped in place. */
#ifndef VIADUCT_SIP_URI_H
#define VIADUCT_SIP_URI_H

#include "base/buf.h"
#include "sip/error.h"

typedef enum sip_scheme {
    SIP_SCHEME_SIP,
    SIP_SCHEME_SIPS,
    SIP_SCHEME_TEL,
    SIP_SCHEME_OTHER, /* any other absolute URI: only the scheme's form is checked */
} sip_scheme;

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

typedef struct sip_uri {
    str text; /* all of it */
    sip_scheme scheme;
    str scheme_text; /* as written, without the colon */
    /* sip and sips; all empty for other schemes */
    str user; /* as written, escapes included; empty when there is none */
    str password;
    bool has_password; /* "user:@host" has an empty one */
    sip_host host;
    uint16_t port; /* 0 when not given */
    str params;    /* after the first ';', without it: "transport=ws;lr"; also for tel */
    str headers;   /* after '?', without it */
    /* tel: the number; other schemes: all after the colon */
    str opaque;
} sip_uri;

/* Parses all of text. 0, or -1 with *err (may be NULL) and *out undefined. Parameters are checked
 * for form, and a name occurring twice is refused (19.1.1). */
int sip_uri_parse(str text, sip_uri *out, sip_error *err);

/* Length of the host at the start of text ("a.example", "192.0.2.1", "[2001:db8::1]"), its parts in
 * *out; 0 when none starts there. What follows is not looked at. */
size_t sip_host_parse(str text, sip_host *out);

/* The same host: names without case, addresses by value (19.1.4, RFC 5954 4.2). */
bool sip_host_eq(const sip_host *a, const sip_host *b);
/* Is h this literal address (IPv6 without brackets)? False for every name. */
bool sip_host_is(const sip_host *h, str ip);
/* Appends the host as a URI or Via writes it, IPv6 in brackets. */
void sip_host_write(buf *out, const sip_host *h);

/* Value of a parameter, names without case. False when absent; a parameter without value gives the
 * empty slice. */
bool sip_uri_param(const sip_uri *u, str name, str *value);
bool sip_uri_flag(const sip_uri *u, str name); /* is the parameter there, with or without value */

/* Equality by 19.1.4: escapes folded, user by case, absent port unlike its default, parameters and
 * headers by name. tel by RFC 3966 section 4, other schemes by their text. */
bool sip_uri_eq(const sip_uri *a, const sip_uri *b);

/* Appends s with %-escapes replaced by their bytes; a '%' without two hex digits stays as it is. */
void sip_unescape(buf *out, str s);

/* Appends a canonical address-of-record for use as a key (10.3 step 5): "sip:user@host[:port]",
 * escapes that need not be dropped, host in lower case, no password, parameters or headers. sip and
 * sips give the same key. For other schemes the text. */
void sip_uri_aor(buf *out, const sip_uri *u);

#endif
