/* SIP, SIPS, tel and other absolute URIs (RFC 3261 19.1, 25.1; RFC 3966; RFC 5954 for IPv6).
 * Everything is a slice of the text given; nothing is unescaped in place. */
#ifndef VIADUCT_SIP_URI_H
#define VIADUCT_SIP_URI_H

#include "base/buf.h"
#include "sip/error.h"
#include "sip/host.h"

typedef enum sip_scheme {
    SIP_SCHEME_SIP,
    SIP_SCHEME_SIPS,
    SIP_SCHEME_TEL,
    SIP_SCHEME_OTHER, /* any other absolute URI: only the scheme's form is checked */
} sip_scheme;

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
