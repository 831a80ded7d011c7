#include "proxy/core.h"

#include "proxy/deviation.h"

/* Is port what a listener's URIs may leave out? */
static bool default_port(listener_kind k, uint16_t port)
{
    switch (k) {
    case LISTEN_UDP:
    case LISTEN_TCP: return port == 5060;
    case LISTEN_TLS: return port == 5061;
    case LISTEN_WS: return port == 80;
    case LISTEN_WSS: return port == 443;
    case LISTEN_PLAIN: return port == 5060 || port == 80;
    case LISTEN_SECURE: return port == 5061 || port == 443;
    }
    return false;
}

static bool literal(const sip_host *host)
{
    return host->kind == SIP_HOST_IPV4 || host->kind == SIP_HOST_IPV6;
}

static bool owns_address(const proxy *p, const flow *f, const sip_host *host, uint16_t port)
{
    addr a;
    if (addr_parse_host(&a, host->text, port))
        return false;
    size_t n = p->w.listeners(p->w.self);
    for (size_t i = 0; i < n; i++) {
        const listener *li = p->w.listener_at(p->w.self, i);
        if (port ? port != li->at.port : !default_port(li->kind, li->at.port))
            continue;
        if (addr_same_ip(&a, &li->at))
            return true;
        if (f && addr_is_any(&li->at) && addr_same_ip(&a, p->w.local(f)))
            return true;
    }
    return false;
}

static const sip_host *domain_of(const proxy *p, const sip_host *host)
{
    for (size_t i = 0; i < p->o.domains.n; i++)
        if (sip_host_eq(&p->domains[i], host))
            return &p->domains[i];
    return NULL;
}

static bool listens_on(const proxy *p, uint16_t port)
{
    size_t n = p->w.listeners(p->w.self);
    for (size_t i = 0; i < n; i++)
        if (p->w.listener_at(p->w.self, i)->at.port == port)
            return true;
    return false;
}

bool core_owns(const proxy *p, const flow *f, const sip_host *host, uint16_t port)
{
    if (!literal(host))
        return domain_of(p, host) != NULL;
    /* An address is shared with others on the machine: the port tells whom it means. */
    if (domain_of(p, host) && (port == 0 || listens_on(p, port)))
        return true;
    return owns_address(p, f, host, port);
}

bool core_owns_uri(const proxy *p, const flow *f, const sip_uri *uri)
{
    if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
        return false;
    return core_owns(p, f, &uri->host, uri->port);
}

bool core_aor(const proxy *p, const sip_uri *uri, buf *out)
{
    if (uri->user.n == 0)
        return false;
    sip_unescape(out, uri->user);
    buf_byte(out, '@');
    const sip_host *domain = domain_of(p, &uri->host);
    if (!domain && p->o.domains.n)
        domain = &p->domains[0];
    if (domain)
        buf_str(out, domain->text);
    return true;
}

addr core_point(const proxy *p, const flow *f)
{
    flow_kind k = p->w.kind(f);
    const addr *local = p->w.local(f);
    if (k == FLOW_UDP || p->w.listener(f))
        return *local;
    /* We opened this connection: its own port is of no use to others. */
    const listener *li = p->w.listener_for(p->w.self, k, local->family);
    if (!li)
        return *local;
    addr point = addr_is_any(&li->at) ? *local : li->at;
    point.port = li->at.port;
    return point;
}

bool core_host_is(const sip_host *host, uint16_t port, const addr *a)
{
    addr b;
    if (!literal(host) || addr_parse_host(&b, host->text, port ? port : 5060))
        return false;
    return addr_eq(&b, a);
}

int core_send(proxy *p, flow *f, str message)
{
    if (!deviation_out(p, f, &message))
        return 0;
    return p->w.send(f, message, NULL);
}
