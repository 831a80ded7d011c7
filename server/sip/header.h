/* Header fields by id (RFC 3261 7.3, 20 and the IANA registry) and the forms that their values
 * share: comma-separated lists, parameters, folded lines (25.1). */
#ifndef VIADUCT_SIP_HEADER_H
#define VIADUCT_SIP_HEADER_H

#include "base/buf.h"
#include "sip/error.h"

typedef enum sip_header {
    SIP_OTHER, /* a name that is not in this table */
    SIP_ACCEPT,
    SIP_ACCEPT_CONTACT,
    SIP_ACCEPT_ENCODING,
    SIP_ACCEPT_LANGUAGE,
    SIP_ALERT_INFO,
    SIP_ALLOW,
    SIP_ALLOW_EVENTS,
    SIP_AUTHENTICATION_INFO,
    SIP_AUTHORIZATION,
    SIP_CALL_ID,
    SIP_CALL_INFO,
    SIP_CONTACT,
    SIP_CONTENT_DISPOSITION,
    SIP_CONTENT_ENCODING,
    SIP_CONTENT_LANGUAGE,
    SIP_CONTENT_LENGTH,
    SIP_CONTENT_TYPE,
    SIP_CSEQ,
    SIP_DATE,
    SIP_ERROR_INFO,
    SIP_EVENT,
    SIP_EXPIRES,
    SIP_FLOW_TIMER,
    SIP_FROM,
    SIP_IDENTITY,
    SIP_IN_REPLY_TO,
    SIP_MAX_BREADTH,
    SIP_MAX_FORWARDS,
    SIP_MIME_VERSION,
    SIP_MIN_EXPIRES,
    SIP_MIN_SE,
    SIP_ORGANIZATION,
    SIP_PATH,
    SIP_PRIORITY,
    SIP_PRIVACY,
    SIP_PROXY_AUTHENTICATE,
    SIP_PROXY_AUTHORIZATION,
    SIP_PROXY_REQUIRE,
    SIP_RACK,
    SIP_REASON,
    SIP_RECORD_ROUTE,
    SIP_REFER_TO,
    SIP_REFERRED_BY,
    SIP_REJECT_CONTACT,
    SIP_REPLACES,
    SIP_REPLY_TO,
    SIP_REQUEST_DISPOSITION,
    SIP_REQUIRE,
    SIP_RETRY_AFTER,
    SIP_ROUTE,
    SIP_RSEQ,
    SIP_SERVER,
    SIP_SERVICE_ROUTE,
    SIP_SESSION_EXPIRES,
    SIP_SUBJECT,
    SIP_SUBSCRIPTION_STATE,
    SIP_SUPPORTED,
    SIP_TIMESTAMP,
    SIP_TO,
    SIP_UNSUPPORTED,
    SIP_USER_AGENT,
    SIP_VIA,
    SIP_WARNING,
    SIP_WWW_AUTHENTICATE,
    SIP_HEADERS, /* how many there are */
} sip_header;

/* By full or compact name, without case; SIP_OTHER when unknown. */
sip_header sip_header_of(str name);
/* The full name as RFCs write it, "Record-Route"; empty for SIP_OTHER. */
str sip_header_name(sip_header id);

/* Takes the next value off a comma-separated list; commas in quoted strings and angle brackets do
 * not separate. *item is without surrounding white space, and empty for an empty
 * element. 1: an item; 0: the list is at its end; -1: a quote or bracket is not closed (*err, its
 * offset counted in the *rest given).
 *
 *     str rest = field->value, item;
 *     while (sip_list_next(&rest, &item, NULL) == 1) ... */
int sip_list_next(str *rest, str *item, sip_error *err);

/* Is token (without case) an element of this comma-separated list? For Supported, Require, Allow.
 */
bool sip_list_has(str list, str token);

typedef struct sip_param {
    str name;
    str value;      /* as written, quotes included; empty when there is none */
    bool has_value; /* there was an '=' */
} sip_param;

/* Takes the next ";name[=value]" off header parameters; *rest begins with ';' or white space before
 * one, or is empty. A value is a token, a quoted string or a host ([IPv6]). 1: a parameter; 0: the
 * end; -1: malformed, *err as in sip_list_next(). */
int sip_param_next(str *rest, sip_param *out, sip_error *err);

/* First parameter of that name, without case. False when there is none. */
bool sip_param_get(str params, str name, str *value);

/* Checks all of the parameters for form, and that no name occurs twice (7.3.1). 0 or -1. */
int sip_params_check(str params, sip_error *err);

/* For parsers that walk parameters themselves: notes a name in seen (room for SIP_PARAMS_MAX, *n of
 * them used) and returns NULL, or says what is wrong: it was there before, or there are too many.
 */
enum { SIP_PARAMS_MAX = 32 };
const char *sip_param_once(str *seen, size_t *n, str name);

/* Without the quotes of a quoted string and the backslashes of its escapes; others as they are. */
void sip_unquote(buf *out, str value);

/* Appends a value with each fold (CRLF and the white space around it) as one space (7.3.1). */
void sip_unfold(buf *out, str value);

/* Bytes of a token (25.1). */
bool sip_is_token(str s);
bool sip_token_byte(unsigned char c);

#endif
