/* Classes of bytes in the grammar (RFC 3261 25.1), one table for all parsers of this folder. */
#ifndef VIADUCT_SIP_CHARSET_H
#define VIADUCT_SIP_CHARSET_H

#include "base/str.h"

enum {
    SIP_C_TOKEN = 1,      /* token */
    SIP_C_UNRESERVED = 2, /* unreserved */
    SIP_C_USER = 4,       /* user: unreserved and user-unreserved, no escapes */
    SIP_C_PASSWORD = 8,   /* password */
    SIP_C_PARAM = 16,     /* paramchar of a URI */
    SIP_C_HEADER = 32,    /* hnv-unreserved and unreserved of a URI */
    SIP_C_HOST =
        64, /* host name or IPv4 address; with the underscore, which DNS names in use have */
    SIP_C_WORD = 128, /* word, as in a Call-ID */
};

extern const uint8_t sip_charset[256];

static inline bool sip_is(char c, unsigned classes)
{
    return (sip_charset[(unsigned char)c] & classes) != 0;
}

/* White space of a header value: SP, HTAB, and the CR and LF of a fold. */
static inline bool sip_is_lws(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Offset of the first byte at or after at that is no white space. */
static inline size_t sip_skip_lws(str s, size_t at)
{
    while (at < s.n && sip_is_lws(s.p[at]))
        at++;
    return at;
}

/* Offset of the first byte at or after at that is in none of the classes. */
static inline size_t sip_skip(str s, size_t at, unsigned classes)
{
    while (at < s.n && sip_is(s.p[at], classes))
        at++;
    return at;
}

#endif
