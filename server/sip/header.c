#include "sip/header.h"

#include <string.h>

#include "sip/charset.h"

static const str names[SIP_HEADERS] = {
    [SIP_ACCEPT] = {"Accept", 6},
    [SIP_ACCEPT_CONTACT] = {"Accept-Contact", 14},
    [SIP_ACCEPT_ENCODING] = {"Accept-Encoding", 15},
    [SIP_ACCEPT_LANGUAGE] = {"Accept-Language", 15},
    [SIP_ALERT_INFO] = {"Alert-Info", 10},
    [SIP_ALLOW] = {"Allow", 5},
    [SIP_ALLOW_EVENTS] = {"Allow-Events", 12},
    [SIP_AUTHENTICATION_INFO] = {"Authentication-Info", 19},
    [SIP_AUTHORIZATION] = {"Authorization", 13},
    [SIP_CALL_ID] = {"Call-ID", 7},
    [SIP_CALL_INFO] = {"Call-Info", 9},
    [SIP_CONTACT] = {"Contact", 7},
    [SIP_CONTENT_DISPOSITION] = {"Content-Disposition", 19},
    [SIP_CONTENT_ENCODING] = {"Content-Encoding", 16},
    [SIP_CONTENT_LANGUAGE] = {"Content-Language", 16},
    [SIP_CONTENT_LENGTH] = {"Content-Length", 14},
    [SIP_CONTENT_TYPE] = {"Content-Type", 12},
    [SIP_CSEQ] = {"CSeq", 4},
    [SIP_DATE] = {"Date", 4},
    [SIP_ERROR_INFO] = {"Error-Info", 10},
    [SIP_EVENT] = {"Event", 5},
    [SIP_EXPIRES] = {"Expires", 7},
    [SIP_FLOW_TIMER] = {"Flow-Timer", 10},
    [SIP_FROM] = {"From", 4},
    [SIP_IDENTITY] = {"Identity", 8},
    [SIP_IN_REPLY_TO] = {"In-Reply-To", 11},
    [SIP_MAX_BREADTH] = {"Max-Breadth", 11},
    [SIP_MAX_FORWARDS] = {"Max-Forwards", 12},
    [SIP_MIME_VERSION] = {"MIME-Version", 12},
    [SIP_MIN_EXPIRES] = {"Min-Expires", 11},
    [SIP_MIN_SE] = {"Min-SE", 6},
    [SIP_ORGANIZATION] = {"Organization", 12},
    [SIP_PATH] = {"Path", 4},
    [SIP_PRIORITY] = {"Priority", 8},
    [SIP_PRIVACY] = {"Privacy", 7},
    [SIP_PROXY_AUTHENTICATE] = {"Proxy-Authenticate", 18},
    [SIP_PROXY_AUTHORIZATION] = {"Proxy-Authorization", 19},
    [SIP_PROXY_REQUIRE] = {"Proxy-Require", 13},
    [SIP_RACK] = {"RAck", 4},
    [SIP_REASON] = {"Reason", 6},
    [SIP_RECORD_ROUTE] = {"Record-Route", 12},
    [SIP_REFER_TO] = {"Refer-To", 8},
    [SIP_REFERRED_BY] = {"Referred-By", 11},
    [SIP_REJECT_CONTACT] = {"Reject-Contact", 14},
    [SIP_REPLACES] = {"Replaces", 8},
    [SIP_REPLY_TO] = {"Reply-To", 8},
    [SIP_REQUEST_DISPOSITION] = {"Request-Disposition", 19},
    [SIP_REQUIRE] = {"Require", 7},
    [SIP_RETRY_AFTER] = {"Retry-After", 11},
    [SIP_ROUTE] = {"Route", 5},
    [SIP_RSEQ] = {"RSeq", 4},
    [SIP_SERVER] = {"Server", 6},
    [SIP_SERVICE_ROUTE] = {"Service-Route", 13},
    [SIP_SESSION_EXPIRES] = {"Session-Expires", 15},
    [SIP_SUBJECT] = {"Subject", 7},
    [SIP_SUBSCRIPTION_STATE] = {"Subscription-State", 18},
    [SIP_SUPPORTED] = {"Supported", 9},
    [SIP_TIMESTAMP] = {"Timestamp", 9},
    [SIP_TO] = {"To", 2},
    [SIP_UNSUPPORTED] = {"Unsupported", 11},
    [SIP_USER_AGENT] = {"User-Agent", 10},
    [SIP_VIA] = {"Via", 3},
    [SIP_WARNING] = {"Warning", 7},
    [SIP_WWW_AUTHENTICATE] = {"WWW-Authenticate", 16},
};

/* The ids by length of name, and within a length the frequent ones first. */
static const uint8_t by_length[] = {
    SIP_TO,
    SIP_VIA,
    SIP_FROM,
    SIP_CSEQ,
    SIP_DATE,
    SIP_PATH,
    SIP_RACK,
    SIP_RSEQ,
    SIP_ROUTE,
    SIP_ALLOW,
    SIP_EVENT,
    SIP_ACCEPT,
    SIP_MIN_SE,
    SIP_REASON,
    SIP_SERVER,
    SIP_CALL_ID,
    SIP_CONTACT,
    SIP_EXPIRES,
    SIP_PRIVACY,
    SIP_REQUIRE,
    SIP_SUBJECT,
    SIP_WARNING,
    SIP_IDENTITY,
    SIP_PRIORITY,
    SIP_REFER_TO,
    SIP_REPLACES,
    SIP_REPLY_TO,
    SIP_SUPPORTED,
    SIP_CALL_INFO,
    SIP_TIMESTAMP,
    SIP_USER_AGENT,
    SIP_ALERT_INFO,
    SIP_ERROR_INFO,
    SIP_FLOW_TIMER,
    SIP_IN_REPLY_TO,
    SIP_MAX_BREADTH,
    SIP_MIN_EXPIRES,
    SIP_REFERRED_BY,
    SIP_RETRY_AFTER,
    SIP_UNSUPPORTED,
    SIP_MAX_FORWARDS,
    SIP_CONTENT_TYPE,
    SIP_RECORD_ROUTE,
    SIP_ALLOW_EVENTS,
    SIP_MIME_VERSION,
    SIP_ORGANIZATION,
    SIP_AUTHORIZATION,
    SIP_PROXY_REQUIRE,
    SIP_SERVICE_ROUTE,
    SIP_CONTENT_LENGTH,
    SIP_ACCEPT_CONTACT,
    SIP_REJECT_CONTACT,
    SIP_ACCEPT_ENCODING,
    SIP_ACCEPT_LANGUAGE,
    SIP_SESSION_EXPIRES,
    SIP_CONTENT_ENCODING,
    SIP_CONTENT_LANGUAGE,
    SIP_WWW_AUTHENTICATE,
    SIP_PROXY_AUTHENTICATE,
    SIP_SUBSCRIPTION_STATE,
    SIP_AUTHENTICATION_INFO,
    SIP_CONTENT_DISPOSITION,
    SIP_PROXY_AUTHORIZATION,
    SIP_REQUEST_DISPOSITION,
};
/* Where a length begins in by_length; one more than the longest, for its end. */
static const uint8_t from[] = {0,  0,  0,  1,  2,  8,  11, 15, 22, 27, 30,
                               34, 40, 46, 49, 52, 55, 58, 58, 60, 64};

/* Compact forms (20; IANA's table): a letter, or 0. */
static sip_header of_letter(char c)
{
    switch (c | 0x20) {
    case 'a': return SIP_ACCEPT_CONTACT;
    case 'b': return SIP_REFERRED_BY;
    case 'c': return SIP_CONTENT_TYPE;
    case 'd': return SIP_REQUEST_DISPOSITION;
    case 'e': return SIP_CONTENT_ENCODING;
    case 'f': return SIP_FROM;
    case 'i': return SIP_CALL_ID;
    case 'j': return SIP_REJECT_CONTACT;
    case 'k': return SIP_SUPPORTED;
    case 'l': return SIP_CONTENT_LENGTH;
    case 'm': return SIP_CONTACT;
    case 'o': return SIP_EVENT;
    case 'r': return SIP_REFER_TO;
    case 's': return SIP_SUBJECT;
    case 't': return SIP_TO;
    case 'u': return SIP_ALLOW_EVENTS;
    case 'v': return SIP_VIA;
    case 'x': return SIP_SESSION_EXPIRES;
    case 'y': return SIP_IDENTITY;
    default: return SIP_OTHER;
    }
}

sip_header sip_header_of(str name)
{
    if (name.n == 1)
        return sip_is(name.p[0], SIP_C_UNRESERVED) ? of_letter(name.p[0]) : SIP_OTHER;
    if (name.n == 0 || name.n + 1 >= sizeof(from))
        return SIP_OTHER;
    /* Nearly every name comes in the RFC's own spelling; folding case is for the rest. */
    for (size_t i = from[name.n]; i < from[name.n + 1]; i++)
        if (memcmp(names[by_length[i]].p, name.p, name.n) == 0)
            return (sip_header)by_length[i];
    for (size_t i = from[name.n]; i < from[name.n + 1]; i++)
        if (str_ieq(names[by_length[i]], name))
            return (sip_header)by_length[i];
    return SIP_OTHER;
}

str sip_header_name(sip_header id)
{
    return names[id];
}

/* Offset behind the quoted string that begins at s.p[at] (a quote), or 0 when it is not closed. */
static size_t quoted_end(str s, size_t at)
{
    for (at++; at < s.n; at++) {
        if (s.p[at] == '"')
            return at + 1;
        if (s.p[at] == '\\')
            at++;
    }
    return 0;
}

int sip_list_next(str *rest, str *item, sip_error *err)
{
    str s = *rest;
    size_t at = sip_skip_lws(s, 0), start = at, end;
    if (at == s.n)
        return 0;
    while (at < s.n && s.p[at] != ',') {
        if (s.p[at] == '"') {
            if ((end = quoted_end(s, at)) == 0)
                return sip_refuse(err, at, "quoted string is not closed");
            at = end;
        } else if (s.p[at] == '<') {
            if ((end = str_chr(s, '>', at)) == s.n)
                return sip_refuse(err, at, "angle bracket is not closed");
            at = end + 1;
        } else {
            at++;
        }
    }
    *item = str_trim(str_sub(s, start, at - start));
    *rest = str_sub(s, at + 1, s.n);
    return 1;
}

bool sip_list_has(str list, str token)
{
    str item;
    while (sip_list_next(&list, &item, NULL) == 1)
        if (str_ieq(item, token))
            return true;
    return false;
}

/* A value: quoted string, or token or host. Colons and brackets stand in hosts only, but the two
 * are not told apart: "received" may be an IPv6 address without brackets (20.42). */
static size_t value_end(str s, size_t at)
{
    if (at < s.n && s.p[at] == '"')
        return quoted_end(s, at);
    while (at < s.n &&
           (sip_is(s.p[at], SIP_C_TOKEN) || s.p[at] == ':' || s.p[at] == '[' || s.p[at] == ']'))
        at++;
    return at;
}

int sip_param_next(str *rest, sip_param *out, sip_error *err)
{
    str s = *rest;
    size_t at = sip_skip_lws(s, 0), start, end;
    if (at == s.n)
        return 0;
    if (s.p[at] != ';')
        return sip_refuse(err, at, "parameter does not begin with a semicolon");
    start = sip_skip_lws(s, at + 1);
    end = sip_skip(s, start, SIP_C_TOKEN);
    if (end == start)
        return sip_refuse(err, start, "parameter has no name");
    *out = (sip_param){{s.p + start, end - start}, {NULL, 0}, false};
    at = sip_skip_lws(s, end);
    if (at < s.n && s.p[at] == '=') {
        start = sip_skip_lws(s, at + 1);
        end = value_end(s, start);
        if (end <= start)
            return sip_refuse(err, start, "parameter has no proper value");
        out->value = (str){s.p + start, end - start};
        out->has_value = true;
        at = sip_skip_lws(s, end);
    }
    if (at < s.n && s.p[at] != ';')
        return sip_refuse(err, at, "byte that cannot follow a parameter");
    *rest = (str){s.p + at, s.n - at};
    return 1;
}

bool sip_param_get(str params, str name, str *value)
{
    sip_param p;
    while (sip_param_next(&params, &p, NULL) == 1) {
        if (str_ieq(p.name, name)) {
            *value = p.value;
            return true;
        }
    }
    return false;
}

int sip_params_check(str params, sip_error *err)
{
    str rest = params, seen[SIP_PARAMS_MAX];
    sip_param p;
    size_t n = 0;
    int r;
    while ((r = sip_param_next(&rest, &p, err)) == 1) {
        const char *wrong = sip_param_once(seen, &n, p.name);
        if (wrong)
            return sip_refuse(err, (size_t)(p.name.p - params.p), wrong);
    }
    if (r && err)
        err->at += params.n - rest.n;
    return r;
}

const char *sip_param_once(str *seen, size_t *n, str name)
{
    for (size_t i = 0; i < *n; i++)
        if (str_ieq(seen[i], name))
            return "parameter occurs twice";
    if (*n == SIP_PARAMS_MAX)
        return "too many parameters";
    seen[(*n)++] = name;
    return NULL;
}

void sip_unquote(buf *out, str value)
{
    if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"') {
        buf_str(out, value);
        return;
    }
    for (size_t i = 1; i + 1 < value.n; i++) {
        if (value.p[i] == '\\' && i + 2 < value.n)
            i++;
        buf_byte(out, value.p[i]);
    }
}

void sip_unfold(buf *out, str value)
{
    size_t from_at = 0;
    for (;;) {
        size_t lf = str_chr(value, '\n', from_at), end = lf;
        if (lf == value.n)
            break;
        while (end > from_at && sip_is_lws(value.p[end - 1]))
            end--;
        buf_str(out, str_sub(value, from_at, end - from_at));
        buf_byte(out, ' ');
        from_at = sip_skip_lws(value, lf);
    }
    buf_str(out, str_sub(value, from_at, value.n - from_at));
}

bool sip_token_byte(unsigned char c)
{
    return (sip_charset[c] & SIP_C_TOKEN) != 0;
}

bool sip_is_token(str s)
{
    return s.n && sip_skip(s, 0, SIP_C_TOKEN) == s.n;
}
