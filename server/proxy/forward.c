#include "proxy/forward.h"

#include "proxy/side.h"
#include "sip/route.h"
#include "sip/write.h"

bool forward_records(const sip_message *m)
{
    switch (m->method) {
    case SIP_INVITE:
    case SIP_SUBSCRIBE:
    case SIP_REFER:
    case SIP_NOTIFY:
    case SIP_UPDATE:
    case SIP_METHOD_OTHER: return true;
    default: return false;
    }
}

static bool first_of(str list, sip_addr *out)
{
    str item;
    return sip_list_next(&list, &item, NULL) == 1 && !sip_addr_parse(item, out, NULL) && !out->star;
}

int forward_next(const route *ro, const target *t, sip_uri *uri)
{
    sip_addr hop;
    if (t->path.n) {
        if (!first_of(t->path, &hop))
            return -1;
        *uri = hop.uri;
        return 0;
    }
    if (ro->left) {
        *uri = ro->next.uri;
        return 0;
    }
    return sip_uri_parse(t->uri, uri, NULL);
}

/* Is the user agent on this UDP side found by its flow only, because its Contact is not where its
 * packets come from? */
static bool udp_near(const request *r)
{
    sip_addr contact;
    if (!request_first_hop(r))
        return false;
    if (!first_of(sip_message_value(r->m, SIP_CONTACT), &contact))
        return r->m->via.has_rport;
    return sip_uri_flag(&contact.uri, STR("ob")) ||
           !core_host_is(&contact.uri.host, contact.uri.port, r->p->w.remote(r->from));
}

static bool udp_far(const request *r, const target *t, const flow *to)
{
    sip_uri uri;
    if (!t->has_flow || sip_uri_parse(t->uri, &uri, NULL))
        return false;
    return !core_host_is(&uri.host, uri.port, r->p->w.remote(to));
}

/* What an own value on each side looks like. */
typedef struct sides {
    side_uri near, far;
    char near_text[SIDE_TEXT], far_text[SIDE_TEXT];
} sides;

static void look_at_sides(const request *r, const target *t, flow *to, bool sips, sides *s)
{
    const proxy *p = r->p;
    s->near = (side_uri){.f = r->from, .sips = sips};
    s->far = (side_uri){.f = to, .sips = sips};
    s->near.token = side_is_stream(p, r->from) || udp_near(r);
    s->far.token = side_is_stream(p, to) || udp_far(r, t, to);
}

/* The far side goes above the near side: the callee reads the list from the top, the caller from
 * the bottom (RFC 5658 section 5). */
static void record_route(const request *r, sip_write *w, sides *s)
{
    const proxy *p = r->p;
    sip_write_top(w, SIP_RECORD_ROUTE, side_write(p, &s->far, s->far_text));
    if (s->near.token || s->far.token || !side_same(p, s->near.f, s->far.f))
        sip_write_top(w, SIP_RECORD_ROUTE, side_write(p, &s->near, s->near_text));
}

/* A REGISTER for somebody else's registrar: that one must be able to find the user agent's flow
 * again, which only we have (RFC 5626 5.1, RFC 7118 B.2). */
static void add_path(const request *r, sip_write *w, sides *s)
{
    const proxy *p = r->p;
    bool first = request_first_hop(r);
    s->near.token = true;
    s->near.ob = first;
    s->far.token = false; /* from the registrar's side we are found by address */
    if (!side_same(p, s->near.f, s->far.f))
        sip_write_top(w, SIP_PATH, side_write(p, &s->far, s->far_text));
    sip_write_top(w, SIP_PATH, side_write(p, &s->near, s->near_text));
}

/* Route as it will be, less what route_read() took off, for the cases that need it rewritten as a
 * whole: a value restored to the Request-URI, or a strict router ahead. skip: values off the
 * front. */
static void rewrite_route(const request *r, const route *ro, str path, bool skip_first, str last,
                          buf *out)
{
    str item, rest = path;
    bool skip = skip_first;
    buf_clear(out);
    while (sip_list_next(&rest, &item, NULL) == 1) {
        if (!skip) {
            buf_str(out, out->n ? STR(", ") : STR(""));
            buf_str(out, item);
        }
        skip = false;
    }
    for (size_t i = 0; i < ro->left; i++) {
        sip_addr a;
        if (!skip && !sip_route_get(r->m, SIP_ROUTE, ro->pop + i, &a, NULL)) {
            buf_str(out, out->n ? STR(", ") : STR(""));
            buf_str(out, a.text);
        }
        skip = false;
    }
    if (last.n) {
        buf_str(out, out->n ? STR(", <") : STR("<"));
        buf_str(out, last);
        buf_byte(out, '>');
    }
}

/* Route and Request-URI (16.6 steps 2 and 6). Gives the Request-URI written. */
static str route_and_uri(const request *r, const route *ro, const target *t, str uri, sip_write *w)
{
    sip_addr hop;
    bool has_hop = t->path.n ? first_of(t->path, &hop) : ro->left > 0;
    if (has_hop && !t->path.n)
        hop = ro->next;
    bool strict = has_hop && !sip_route_is_loose(&hop);
    if (strict || ro->restore) {
        buf *b = &r->p->lines;
        rewrite_route(r, ro, t->path, strict, strict ? uri : STR(""), b);
        sip_write_remove(w, SIP_ROUTE);
        if (b->n)
            sip_write_top(w, SIP_ROUTE, buf_slice(b));
        if (strict)
            uri = hop.uri.text;
    } else {
        if (t->path.n)
            sip_write_top(w, SIP_ROUTE, t->path);
        if (ro->pop)
            sip_write_pop(w, SIP_ROUTE, ro->pop);
    }
    if (!str_eq(uri, r->m->uri_text))
        sip_write_uri(w, uri);
    return uri;
}

int forward_write(const request *r, const route *ro, const target *t, flow *to, str branch,
                  unsigned breadth)
{
    proxy *p = r->p;
    const sip_message *m = r->m;
    sip_write w;
    sides s;
    char via[SIDE_TEXT], uri_text[TARGET_URI], digits[12];
    size_t at = sizeof(digits);
    sip_write_init(&w, m);
    str uri = route_and_uri(r, ro, t, target_uri(t, &ro->uri, uri_text), &w);
    sip_write_max_forwards(&w, m->max_forwards < 0    ? 70
                               : m->max_forwards == 0 ? 0
                                                      : (unsigned)m->max_forwards - 1);
    sip_write_top(&w, SIP_VIA, side_via(p, to, branch, via));
    if (m->method == SIP_REGISTER) {
        if (sip_message_lists(m, SIP_SUPPORTED, STR("path"))) {
            look_at_sides(r, t, to, m->uri.scheme == SIP_SCHEME_SIPS, &s);
            add_path(r, &w, &s);
        }
    } else if (forward_records(m)) {
        bool sips = str_istarts(uri, STR("sips:")) ||
                    (ro->left && !t->path.n && ro->next.uri.scheme == SIP_SCHEME_SIPS);
        look_at_sides(r, t, to, sips, &s);
        record_route(r, &w, &s);
    }
    do
        digits[--at] = (char)('0' + breadth % 10);
    while ((breadth /= 10) != 0);
    sip_write_replace(&w, SIP_MAX_BREADTH, (str){digits + at, sizeof(digits) - at});
    if (side_is_stream(p, to) && p->w.kind(to) != FLOW_WS && p->w.kind(to) != FLOW_WSS)
        sip_write_length(&w);
    buf_clear(&p->out);
    return sip_write_finish(&w, &p->out);
}
