#include "proxy/route.h"

#include <string.h>

#include "sip/route.h"

static void refuse(route *out, unsigned status, const char *why)
{
    out->status = status;
    out->why = why;
}

/* The listener that a URI of ours names, for the socket to send from. */
static const listener *listener_of(const proxy *p, const sip_uri *uri)
{
    size_t n = p->w.listeners(p->w.self);
    for (size_t i = 0; i < n; i++) {
        const listener *li = p->w.listener_at(p->w.self, i);
        if (li->kind == LISTEN_UDP && core_host_is(&uri->host, uri->port, &li->at))
            return li;
    }
    return NULL;
}

/* Nobody else can make a token, so whatever the host beside it, it is ours: a listener on all
 * addresses does not know them all. */
static bool is_token(const proxy *p, const sip_uri *uri, uint64_t *id)
{
    return uri->user.n && !token_read(p->key, uri->user, id);
}

/* Is the Request-URI something we put into a Record-Route? Then a strict router (RFC 2543) has put
 * it there. */
static bool was_recorded(const request *r, const sip_uri *uri)
{
    uint64_t id;
    if (is_token(r->p, uri, &id))
        return true;
    return core_owns_uri(r->p, r->from, uri) && sip_uri_flag(uri, STR("lr"));
}

static void restore_uri(const request *r, route *out, size_t count)
{
    sip_addr last;
    if (count == 0 || !was_recorded(r, &out->uri))
        return;
    if (sip_route_get(r->m, SIP_ROUTE, count - 1, &last, NULL)) {
        refuse(out, 400, "Route: malformed value");
        return;
    }
    out->restore = true;
    out->uri = last.uri;
    out->uri_text = last.uri.text;
}

/* A maddr that names us has done its work when the request came to the port and transport of the
 * URI: it goes, with port and transport (16.4). */
static void strip_maddr(const request *r, route *out)
{
    const proxy *p = r->p;
    str maddr, proto = STR("udp");
    sip_host host;
    if (!sip_uri_param(&out->uri, STR("maddr"), &maddr) ||
        sip_host_parse(maddr, &host) != maddr.n || !core_owns(p, r->from, &host, out->uri.port))
        return;
    flow_kind k = p->w.kind(r->from);
    bool named = sip_uri_param(&out->uri, STR("transport"), &proto);
    uint16_t port = out->uri.port ? out->uri.port : flow_kind_secure(k) ? 5061 : 5060;
    bool same = str_ieqz(proto, flow_kind_name(k)) ||
                (str_ieq(proto, STR("tcp")) && k == FLOW_TLS) ||
                (str_ieq(proto, STR("ws")) && k == FLOW_WSS) || (!named && k == FLOW_TLS);
    if (!same || p->w.local(r->from)->port != port)
        return;
    buf b;
    buf_init(&b, sizeof(out->stripped));
    buf_str(&b, out->uri.scheme_text);
    buf_byte(&b, ':');
    if (out->uri.user.n) {
        buf_str(&b, out->uri.user);
        buf_byte(&b, '@');
    }
    sip_host_write(&b, &out->uri.host);
    char params[sizeof(out->stripped)];
    size_t n = 0;
    if (out->uri.params.n < sizeof(params)) {
        params[n++] = ';';
        memcpy(params + n, out->uri.params.p, out->uri.params.n);
        n += out->uri.params.n;
    }
    str rest = {params, n};
    sip_param one;
    while (sip_param_next(&rest, &one, NULL) == 1) {
        if (str_ieq(one.name, STR("maddr")) || str_ieq(one.name, STR("transport")))
            continue;
        buf_byte(&b, ';');
        buf_str(&b, one.name);
        if (one.has_value) {
            buf_byte(&b, '=');
            buf_str(&b, one.value);
        }
    }
    if (!buf_failed(&b) && b.n <= sizeof(out->stripped)) {
        memcpy(out->stripped, b.p, b.n);
        str text = {out->stripped, b.n};
        if (!sip_uri_parse(text, &out->uri, NULL))
            out->uri_text = text;
    }
    buf_free(&b);
}

static bool readable(const sip_message *m)
{
    sip_values v = sip_values_of(m, SIP_ROUTE);
    str item;
    int got;
    while ((got = sip_values_next(&v, &item)) == 1)
        ;
    return got == 0;
}

/* Takes our values off the front and learns the flow from them. */
static void pop_own(const request *r, route *out, size_t count)
{
    const proxy *p = r->p;
    while (out->pop < count) {
        sip_addr a;
        uint64_t id = 0;
        if (sip_route_get(r->m, SIP_ROUTE, out->pop, &a, NULL) || a.star) {
            refuse(out, 400, "Route: malformed value");
            return;
        }
        bool token = is_token(p, &a.uri, &id);
        if (!token && !core_owns_uri(p, r->from, &a.uri)) {
            out->next = a;
            break;
        }
        out->has_flow = false;
        out->ob = false;
        out->out = NULL;
        out->ours = true;
        out->pop++;
        if (a.uri.user.n == 0) {
            out->out = listener_of(p, &a.uri);
            continue;
        }
        if (!token) {
            refuse(out, 403, "Flow Token Not Valid");
            return;
        }
        out->ob = sip_uri_flag(&a.uri, STR("ob"));
        if (out->pop > 1 || id != p->w.id(r->from)) {
            out->has_flow = true;
            out->flow = id;
        }
    }
    out->left = count - out->pop;
    if (!readable(r->m))
        refuse(out, 400, "Route: malformed list");
}

void route_read(const request *r, route *out)
{
    const sip_message *m = r->m;
    uint64_t h = str_hash(m->uri_text, 0);
    *out = (route){.uri_text = m->uri_text, .uri = m->uri};
    for (const sip_field *f = sip_message_field(m, SIP_ROUTE); f; f = sip_message_next(m, f))
        h = str_hash(f->value, h);
    out->loop = (uint32_t)(h ^ h >> 32);
    size_t count = sip_route_count(m, SIP_ROUTE);
    restore_uri(r, out, count);
    if (!out->status)
        strip_maddr(r, out);
    if (!out->status)
        pop_own(r, out, count - out->restore);
}
