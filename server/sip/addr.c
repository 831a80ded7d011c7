#include "sip/addr.h"

#include "sip/charset.h"

/* Offset of the '<' when s begins with a display name (or at once with '<'); s.n when it does not,
 * or s.n + 1 with *err when there is one that is malformed. */
static size_t bracket_at(str s, sip_error *err)
{
    size_t at = 0;
    if (s.p[0] == '"') {
        for (at = 1; at < s.n && s.p[at] != '"'; at++)
            if (s.p[at] == '\\')
                at++;
        if (at >= s.n) {
            (void)sip_refuse(err, 0, "quoted string is not closed");
            return s.n + 1;
        }
        at = sip_skip_lws(s, at + 1);
        if (at < s.n && s.p[at] == '<')
            return at;
        (void)sip_refuse(err, at, "no angle bracket after a display name");
        return s.n + 1;
    }
    while (at < s.n && (sip_is(s.p[at], SIP_C_TOKEN) || sip_is_lws(s.p[at])))
        at++;
    if (at < s.n && s.p[at] == '<')
        return at;
    /* A URI has its colon right behind its scheme; anything else was meant as a display name. */
    if (at < s.n && s.p[at] == ':')
        return s.n;
    (void)sip_refuse(err, at, "neither a URI nor a display name");
    return s.n + 1;
}

static int parse_params(sip_addr *out, sip_error *err)
{
    str rest = out->params, seen[SIP_PARAMS_MAX];
    sip_param p;
    size_t n = 0;
    int r;
    while ((r = sip_param_next(&rest, &p, err)) == 1) {
        const size_t at = (size_t)(p.name.p - out->text.p);
        const char *wrong = sip_param_once(seen, &n, p.name);
        if (wrong)
            return sip_refuse(err, at, wrong);
        if (str_ieq(p.name, STR("tag"))) {
            if (!sip_is_token(p.value))
                return sip_refuse(err, at, "tag is not a token");
            out->tag = p.value;
        }
    }
    if (r && err)
        err->at += out->text.n - rest.n;
    return r;
}

/* name-addr from its '<' on. */
static int parse_bracketed(sip_addr *out, size_t open, sip_error *err)
{
    const str s = out->text;
    size_t close = str_chr(s, '>', open);
    if (close == s.n)
        return sip_refuse(err, open, "angle bracket is not closed");
    out->display = str_trim((str){s.p, open});
    out->bracket = true;
    if (sip_uri_parse((str){s.p + open + 1, close - open - 1}, &out->uri, err)) {
        if (err)
            err->at += open + 1;
        return -1;
    }
    out->params = (str){s.p + close + 1, s.n - close - 1};
    return parse_params(out, err);
}

/* addr-spec: the URI ends at the first ';', which begins the header parameters (20.10). */
static int parse_bare(sip_addr *out, sip_error *err)
{
    const str s = out->text;
    size_t end = 0;
    while (end < s.n && s.p[end] != ';' && !sip_is_lws(s.p[end])) {
        if (s.p[end] == '?' || s.p[end] == ',')
            return sip_refuse(err, end, "URI with '?' or ',' needs angle brackets");
        end++;
    }
    if (sip_uri_parse((str){s.p, end}, &out->uri, err))
        return -1;
    out->params = (str){s.p + end, s.n - end};
    return parse_params(out, err);
}

int sip_addr_parse(str text, sip_addr *out, sip_error *err)
{
    str s = str_trim(text);
    *out = (sip_addr){.text = s};
    if (s.n == 0)
        return sip_refuse(err, 0, "empty");
    if (s.n == 1 && s.p[0] == '*') {
        out->star = true;
        return 0;
    }
    size_t open = bracket_at(s, err);
    if (open <= s.n && (open < s.n ? parse_bracketed(out, open, err) : parse_bare(out, err)) == 0)
        return 0;
    if (err)
        err->at += (size_t)(s.p - text.p);
    return -1;
}

bool sip_addr_param(const sip_addr *a, str name, str *value)
{
    return sip_param_get(a->params, name, value);
}
