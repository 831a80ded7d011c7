#include "sip/uri.h"

#include "sip/charset.h"
#include "sip/header.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Byte value of the escape at s.p[at], or -1. */
static int escape(str s, size_t at)
{
    if (s.n - at < 3 || s.p[at] != '%')
        return -1;
    int high = hex(s.p[at + 1]), low = hex(s.p[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Offset of the first byte at or after at that is neither in the classes nor part of an escape. */
static size_t skip(str s, size_t at, unsigned classes)
{
    for (;;) {
        at = sip_skip(s, at, classes);
        if (at == s.n || s.p[at] != '%' || escape(s, at) < 0)
            return at;
        at += 3;
    }
}

/* ";name=value" from at to the end or to '?'. Returns the end, or 0 with *err. */
static size_t params_end(str s, size_t at, sip_error *err)
{
    str seen[SIP_PARAMS_MAX];
    size_t n = 0;
    while (at < s.n && s.p[at] == ';') {
        size_t start = ++at;
        at = skip(s, at, SIP_C_PARAM);
        if (at == start) {
            (void)sip_refuse(err, at, "URI parameter has no name");
            return 0;
        }
        const char *wrong = sip_param_once(seen, &n, (str){s.p + start, at - start});
        if (wrong) {
            (void)sip_refuse(err, start, wrong);
            return 0;
        }
        if (at < s.n && s.p[at] == '=') {
            start = ++at;
            at = skip(s, at, SIP_C_PARAM);
            if (at == start) {
                (void)sip_refuse(err, at, "URI parameter has an empty value");
                return 0;
            }
        }
    }
    return at;
}

/* "name=value&name=value" from at; the end, or 0 with *err. */
static size_t headers_end(str s, size_t at, sip_error *err)
{
    for (size_t n = 0;; n++) {
        size_t start = at;
        if (n == SIP_PARAMS_MAX) {
            (void)sip_refuse(err, at, "too many headers in a URI");
            return 0;
        }
        at = skip(s, at, SIP_C_HEADER);
        if (at == start || at == s.n || s.p[at] != '=') {
            (void)sip_refuse(err, at, "header in a URI has no name or value");
            return 0;
        }
        at = skip(s, at + 1, SIP_C_HEADER);
        if (at == s.n || s.p[at] != '&')
            return at;
        at++;
    }
}

/* "user:password" in s.p[at..end). */
static int parse_userinfo(str s, size_t at, size_t end, sip_uri *out, sip_error *err)
{
    str info = {s.p, end};
    size_t stop = skip(info, at, SIP_C_USER);
    if (stop == at)
        return sip_refuse(err, at, "user part of the URI is empty");
    out->user = (str){s.p + at, stop - at};
    if (stop < end && s.p[stop] == ':') {
        at = stop + 1;
        stop = skip(info, at, SIP_C_PASSWORD);
        out->password = (str){s.p + at, stop - at};
        out->has_password = true;
    }
    if (stop != end)
        return sip_refuse(err, stop, "byte that a user part cannot have");
    return 0;
}

static int parse_sip(str s, size_t at, sip_uri *out, sip_error *err)
{
    size_t mark = str_chr(s, '@', at);
    if (mark < s.n) {
        if (parse_userinfo(s, at, mark, out, err))
            return -1;
        at = mark + 1;
    }
    size_t n = sip_host_parse((str){s.p + at, s.n - at}, &out->host);
    if (n == 0)
        return sip_refuse(err, at, "URI has no proper host");
    at += n;
    if (at < s.n && s.p[at] == ':') {
        size_t start = ++at;
        uint32_t port = 0;
        while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9' && port <= UINT16_MAX)
            port = port * 10 + (uint32_t)(s.p[at++] - '0');
        if (at == start || port == 0 || port > UINT16_MAX)
            return sip_refuse(err, start, "port is not a number from 1 to 65535");
        out->port = (uint16_t)port;
    }
    if (at < s.n && s.p[at] == ';') {
        size_t end = params_end(s, at, err);
        if (end == 0)
            return -1;
        out->params = (str){s.p + at + 1, end - at - 1};
        at = end;
    }
    if (at < s.n && s.p[at] == '?') {
        size_t end = headers_end(s, at + 1, err);
        if (end == 0)
            return -1;
        out->headers = (str){s.p + at + 1, end - at - 1};
        at = end;
    }
    return at == s.n ? 0 : sip_refuse(err, at, "byte that cannot stand here in a URI");
}

/* telephone-subscriber (RFC 3966 3): digits with visual separators, '*' and '#' in local numbers,
 * then parameters. */
static int parse_tel(str s, size_t at, sip_uri *out, sip_error *err)
{
    size_t start = at, digits = 0;
    if (at < s.n && s.p[at] == '+')
        at++;
    for (; at < s.n && s.p[at] != ';'; at++) {
        char c = s.p[at];
        if (hex(c) >= 0 || c == '*' || c == '#')
            digits++;
        else if (c != '-' && c != '.' && c != '(' && c != ')')
            return sip_refuse(err, at, "byte that a telephone number cannot have");
    }
    if (digits == 0)
        return sip_refuse(err, start, "telephone number has no digit");
    out->opaque = (str){s.p + start, at - start};
    if (at < s.n) {
        size_t end = params_end(s, at, err);
        if (end == 0)
            return -1;
        if (end != s.n)
            return sip_refuse(err, end, "byte that cannot stand here in a URI");
        out->params = (str){s.p + at + 1, end - at - 1};
    }
    return 0;
}

/* Any byte of a URI (RFC 3986 2), so no white space, control, quote or angle bracket. */
static int parse_other(str s, size_t at, sip_uri *out, sip_error *err)
{
    if (at == s.n)
        return sip_refuse(err, at, "URI ends after its scheme");
    for (size_t i = at; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
            c == '`' || c == '{' || c == '|' || c == '}')
            return sip_refuse(err, i, "byte that a URI cannot have");
    }
    out->opaque = (str){s.p + at, s.n - at};
    return 0;
}

int sip_uri_parse(str text, sip_uri *out, sip_error *err)
{
    size_t at = 0;
    *out = (sip_uri){.text = text, .scheme = SIP_SCHEME_OTHER};
    while (at < text.n && (sip_is(text.p[at], SIP_C_TOKEN) || text.p[at] == '+') &&
           text.p[at] != '%')
        at++;
    if (at == 0 || at == text.n || text.p[at] != ':' || (text.p[0] | 0x20) < 'a' ||
        (text.p[0] | 0x20) > 'z')
        return sip_refuse(err, at, "URI has no scheme");
    out->scheme_text = (str){text.p, at};
    at++;
    if (str_ieq(out->scheme_text, STR("sip")))
        out->scheme = SIP_SCHEME_SIP;
    else if (str_ieq(out->scheme_text, STR("sips")))
        out->scheme = SIP_SCHEME_SIPS;
    else if (str_ieq(out->scheme_text, STR("tel")))
        out->scheme = SIP_SCHEME_TEL;
    if (out->scheme == SIP_SCHEME_TEL)
        return parse_tel(text, at, out, err);
    if (out->scheme == SIP_SCHEME_OTHER)
        return parse_other(text, at, out, err);
    return parse_sip(text, at, out, err);
}

/* Next "name=value" of a list with separator sep. */
static bool pair_next(str *rest, char sep, str *name, str *value)
{
    if (rest->n == 0)
        return false;
    size_t end = str_chr(*rest, sep, 0);
    str pair = {rest->p, end};
    size_t eq = str_chr(pair, '=', 0);
    *name = str_sub(pair, 0, eq);
    *value = str_sub(pair, eq + 1, end);
    *rest = str_sub(*rest, end + 1, rest->n);
    return true;
}

bool sip_uri_param(const sip_uri *u, str name, str *value)
{
    str rest = u->params, n, v;
    while (pair_next(&rest, ';', &n, &v)) {
        if (str_ieq(n, name)) {
            *value = v;
            return true;
        }
    }
    return false;
}

bool sip_uri_flag(const sip_uri *u, str name)
{
    str value;
    return sip_uri_param(u, name, &value);
}

void sip_unescape(buf *out, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        int c = escape(s, i);
        buf_byte(out, c < 0 ? s.p[i] : (char)c);
        i += c < 0 ? 0 : 2;
    }
}

/* The next character as 19.1.4 compares it: an escape of a byte that needs none is that byte, any
 * other escape is something of its own (256 and up), as reserved characters differ from theirs. */
static int folded(str s, size_t *at)
{
    int c = escape(s, *at);
    if (c < 0)
        return (unsigned char)s.p[(*at)++];
    *at += 3;
    return sip_is((char)c, SIP_C_UNRESERVED) ? c : 256 + c;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same(str a, str b, bool icase)
{
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        int x = folded(a, &i), y = folded(b, &k);
        if (x != y && !(icase && lower(x) == lower(y)))
            return false;
    }
    return i == a.n && k == b.n;
}

static bool pair_find(str list, char sep, str name, str *value)
{
    str n;
    while (pair_next(&list, sep, &n, value))
        if (same(n, name, true))
            return true;
    return false;
}

/* Parameters that matter even when just one of the URIs has them. RFC 3261 names user, ttl, method
 * and maddr, and gives transport among its examples of URIs that differ. */
static bool decisive(str name)
{
    return str_ieqz(name, "user") || str_ieqz(name, "ttl") || str_ieqz(name, "method") ||
           str_ieqz(name, "maddr") || str_ieqz(name, "transport");
}

static bool params_agree(str a, str b, bool all)
{
    str name, value, other;
    while (pair_next(&a, ';', &name, &value)) {
        if (pair_find(b, ';', name, &other)) {
            if (!same(value, other, true))
                return false;
        } else if (all || decisive(name)) {
            return false;
        }
    }
    return true;
}

static size_t count(str list, str name, str value)
{
    str n, v;
    size_t times = 0;
    while (pair_next(&list, '&', &n, &v))
        times += same(n, name, true) && same(v, value, false);
    return times;
}

/* A header may occur several times (Route, say). */
static bool headers_agree(str a, str b)
{
    str name, value, rest = a;
    while (pair_next(&rest, '&', &name, &value))
        if (count(a, name, value) != count(b, name, value))
            return false;
    return true;
}

/* Telephone digits without their separators, by case-folded value (RFC 3966 4). */
static bool same_number(str a, str b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.n && (a.p[i] == '-' || a.p[i] == '.' || a.p[i] == '(' || a.p[i] == ')'))
            i++;
        while (k < b.n && (b.p[k] == '-' || b.p[k] == '.' || b.p[k] == '(' || b.p[k] == ')'))
            k++;
        if (i == a.n || k == b.n)
            return i == a.n && k == b.n;
        if (lower(a.p[i++]) != lower(b.p[k++]))
            return false;
    }
}

bool sip_uri_eq(const sip_uri *a, const sip_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    switch (a->scheme) {
    case SIP_SCHEME_OTHER:
        return str_ieq(a->scheme_text, b->scheme_text) && str_eq(a->opaque, b->opaque);
    case SIP_SCHEME_TEL:
        return same_number(a->opaque, b->opaque) && params_agree(a->params, b->params, true) &&
               params_agree(b->params, a->params, true);
    case SIP_SCHEME_SIP:
    case SIP_SCHEME_SIPS: break;
    }
    return same(a->user, b->user, false) && a->has_password == b->has_password &&
           same(a->password, b->password, false) && sip_host_eq(&a->host, &b->host) &&
           a->port == b->port && params_agree(a->params, b->params, false) &&
           params_agree(b->params, a->params, false) && headers_agree(a->headers, b->headers) &&
           headers_agree(b->headers, a->headers);
}

void sip_uri_aor(buf *out, const sip_uri *u)
{
    static const char digits[] = "0123456789ABCDEF";
    if (u->scheme != SIP_SCHEME_SIP && u->scheme != SIP_SCHEME_SIPS) {
        buf_str(out, u->text);
        return;
    }
    buf_str(out, STR("sip:"));
    for (size_t at = 0; at < u->user.n;) {
        int c = folded(u->user, &at);
        if (c < 256) {
            buf_byte(out, (char)c);
        } else {
            buf_byte(out, '%');
            buf_byte(out, digits[(c >> 4) & 15]);
            buf_byte(out, digits[c & 15]);
        }
    }
    if (u->user.n)
        buf_byte(out, '@');
    if (u->host.kind == SIP_HOST_IPV6)
        buf_byte(out, '[');
    for (size_t i = 0; i < u->host.text.n; i++)
        buf_byte(out, (char)lower(u->host.text.p[i]));
    if (u->host.kind == SIP_HOST_IPV6)
        buf_byte(out, ']');
    if (u->port) {
        buf_byte(out, ':');
        buf_u64(out, u->port);
    }
}
