#include "proxy/hop.h"

bool hop_is_invalid(const sip_host *host)
{
    static const char suffix[] = ".invalid";
    str name = host->text;
    if (host->kind != SIP_HOST_NAME)
        return false;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    size_t n = sizeof(suffix) - 1;
    if (name.n < n)
        return str_ieq(name, STR("invalid"));
    return str_ieq(str_sub(name, name.n - n, n), str_of(suffix));
}

int hop_of_uri(const sip_uri *uri, hop *out)
{
    bool sips = uri->scheme == SIP_SCHEME_SIPS;
    str value;
    if (!sips && uri->scheme != SIP_SCHEME_SIP)
        return -1;
    out->kind = sips ? FLOW_TLS : FLOW_UDP;
    if (sip_uri_param(uri, STR("transport"), &value)) {
        if (str_ieq(value, STR("tcp")))
            out->kind = sips ? FLOW_TLS : FLOW_TCP;
        else if (str_ieq(value, STR("tls"))) /* deprecated (RFC 3261 26.2.2), but met */
            out->kind = FLOW_TLS;
        else if (!str_ieq(value, STR("udp")) || sips)
            return -1;
    }
    out->host = uri->host;
    if (sip_uri_param(uri, STR("maddr"), &value) &&
        (value.n == 0 || sip_host_parse(value, &out->host) != value.n))
        return -1;
    if (out->host.kind == SIP_HOST_NONE || hop_is_invalid(&out->host))
        return -1;
    out->port = uri->port ? uri->port : out->kind == FLOW_TLS ? 5061 : 5060;
    return 0;
}
