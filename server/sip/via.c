#include "sip/via.h"

#include "sip/charset.h"

/* "SIP / 2.0 / " with its white space; the offset behind it, or 0 with *err. */
static size_t protocol_end(str s, sip_error *err)
{
    static const str parts[] = {{"SIP", 3}, {"2.0", 3}};
    size_t at = 0;
    for (size_t i = 0; i < 2; i++) {
        str token = {s.p + at, sip_skip(s, at, SIP_C_TOKEN) - at};
        if (!str_ieq(token, parts[i])) {
            (void)sip_refuse(err, at, "protocol is not SIP/2.0");
            return 0;
        }
        at = sip_skip_lws(s, at + token.n);
        if (at == s.n || s.p[at] != '/') {
            (void)sip_refuse(err, at, "protocol is not SIP/2.0/transport");
            return 0;
        }
        at = sip_skip_lws(s, at + 1);
    }
    return at;
}

static int set_rport(const sip_param *p, sip_via *out, sip_error *err, size_t at)
{
    uint64_t port = 0;
    if (p->has_value && (str_u64(p->value, UINT16_MAX, &port) || port == 0))
        return sip_refuse(err, at, "rport is not a number from 1 to 65535");
    out->has_rport = true;
    out->rport = (uint16_t)port;
    return 0;
}

static int parse_params(sip_via *out, sip_error *err)
{
    str rest = out->params, seen[SIP_PARAMS_MAX];
    const size_t base = (size_t)(out->params.p - out->text.p);
    sip_param p;
    size_t n = 0;
    int r;
    while ((r = sip_param_next(&rest, &p, err)) == 1) {
        size_t at = (size_t)(p.name.p - out->text.p);
        const char *wrong = sip_param_once(seen, &n, p.name);
        if (wrong)
            return sip_refuse(err, at, wrong);
        switch (p.name.n) {
        case 5:
            if (str_ieq(p.name, STR("rport")) && set_rport(&p, out, err, at))
                return -1;
            if (str_ieq(p.name, STR("maddr")))
                out->maddr = p.value;
            break;
        case 6:
            if (str_ieq(p.name, STR("branch"))) {
                if (!sip_is_token(p.value))
                    return sip_refuse(err, at, "branch is not a token");
                out->branch = p.value;
            }
            break;
        case 8:
            if (str_ieq(p.name, STR("received"))) {
                out->received = p.value;
                if (p.value.n > 2 && p.value.p[0] == '[' && p.value.p[p.value.n - 1] == ']')
                    out->received = str_sub(p.value, 1, p.value.n - 2);
            }
            break;
        default: break;
        }
    }
    if (r && err)
        err->at += base + out->params.n - rest.n;
    return r;
}

int sip_via_parse(str text, sip_via *out, sip_error *err)
{
    str s = str_trim(text);
    const size_t trimmed = text.n ? (size_t)(s.p - text.p) : 0;
    size_t at, start, n;
    *out = (sip_via){.text = s};
    if (str_starts(s, STR("SIP/2.0/")))
        at = 8;
    else if ((at = protocol_end(s, err)) == 0)
        goto refused;
    start = at;
    at = sip_skip(s, at, SIP_C_TOKEN);
    out->transport = (str){s.p + start, at - start};
    start = at;
    at = sip_skip_lws(s, at);
    if (out->transport.n == 0 || at == start || at == s.n) {
        (void)sip_refuse(err, start, "transport and sent-by expected");
        goto refused;
    }
    n = sip_host_parse((str){s.p + at, s.n - at}, &out->host);
    if (n == 0) {
        (void)sip_refuse(err, at, "sent-by has no proper host");
        goto refused;
    }
    at = sip_skip_lws(s, at + n);
    if (at < s.n && s.p[at] == ':') {
        uint64_t port;
        start = at = sip_skip_lws(s, at + 1);
        while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
            at++;
        if (str_u64((str){s.p + start, at - start}, UINT16_MAX, &port) || port == 0) {
            (void)sip_refuse(err, start, "port is not a number from 1 to 65535");
            goto refused;
        }
        out->port = (uint16_t)port;
        at = sip_skip_lws(s, at);
    }
    out->params = (str){s.p + at, s.n - at};
    if (parse_params(out, err) == 0)
        return 0;
refused:
    if (err)
        err->at += trimmed;
    return -1;
}

bool sip_branch_is_unique(str branch)
{
    /* The cookie compares without case, as tokens do (7.3.1). */
    return branch.n > 7 && str_istarts(branch, STR("z9hG4bK"));
}

uint16_t sip_via_default_port(str transport)
{
    if (str_ieqz(transport, "TLS"))
        return 5061;
    if (str_ieqz(transport, "WSS"))
        return 443;
    if (str_ieqz(transport, "WS"))
        return 80;
    return 5060;
}

bool sip_via_same_sender(const sip_via *a, const sip_via *b)
{
    uint16_t x = a->port ? a->port : sip_via_default_port(a->transport);
    uint16_t y = b->port ? b->port : sip_via_default_port(b->transport);
    return x == y && sip_host_eq(&a->host, &b->host);
}
