/* Address values: From, To, Contact, Route, Record-Route, Path, Service-Route, Refer-To
 * (RFC 3261 20.10, 25.1 name-addr and addr-spec, with header parameters). */
#ifndef VIADUCT_SIP_ADDR_H
#define VIADUCT_SIP_ADDR_H

#include "sip/header.h"
#include "sip/uri.h"

typedef struct sip_addr {
    str text;     /* the whole value, trimmed */
    str display;  /* as written, quotes included; empty when there is none */
    bool bracket; /* name-addr: the URI is in angle brackets */
    bool star;    /* the value is "*" (Contact of a REGISTER): no URI */
    sip_uri uri;
    str params; /* header parameters, from the first ';' on */
    str tag;    /* empty when there is none */
} sip_addr;

/* Parses one value. 0, or -1 with *err and *out undefined. Without brackets, all after ';' are
 * header parameters, and a URI with '?' or ',' is refused (20.10; RFC 4475 3.1.2.13). "*" is
 * taken: who does not want it looks at star. Parameters are checked as by sip_params_check(). */
int sip_addr_parse(str text, sip_addr *out, sip_error *err);

/* Value of a header parameter, names without case; false when absent. */
bool sip_addr_param(const sip_addr *a, str name, str *value);

#endif
