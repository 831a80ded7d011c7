#include "proxy/registrar.h"

#include <time.h>

#include "base/log.h"
#include "fault/fault.h"
#include "proxy/contact.h"
#include "proxy/hop.h"

/* One REGISTER on its way through the steps. Nothing is changed before apply(). */
typedef struct registration {
    request *r;
    buf aor;
    contact_list contacts;
    bool outbound;     /* reg-ids count: we or an edge proxy hold the flow (RFC 5626 section 6) */
    uint32_t fallback; /* seconds when a contact states none */
} registration;

static void refuse(registration *g, unsigned status, const char *reason)
{
    request_answer(g->r, status, reason ? str_of(reason) : STR(""), STR(""));
}

static void refuse_with(registration *g, unsigned status, const char *name, uint64_t value)
{
    buf *lines = &g->r->p->lines;
    buf_clear(lines);
    buf_str(lines, str_of(name));
    buf_str(lines, STR(": "));
    buf_u64(lines, value);
    buf_str(lines, STR("\r\n"));
    request_answer(g->r, status, STR(""), buf_slice(lines));
}

static int find_user(registration *g)
{
    const sip_message *m = g->r->m;
    const sip_uri *to = &m->to.uri;
    if (to->scheme != SIP_SCHEME_SIP && to->scheme != SIP_SCHEME_SIPS) {
        refuse(g, 400, "To: neither a sip nor a sips URI");
        return -1;
    }
    if (!core_owns_uri(g->r->p, g->r->from, to) || !core_aor(g->r->p, to, &g->aor)) {
        refuse(g, 404, NULL);
        return -1;
    }
    return 0;
}

/* Is outbound in force, and may the request stand? RFC 5626 section 6. */
static int check_outbound(registration *g)
{
    const sip_message *m = g->r->m;
    bool flows = false, first_hop = request_first_hop(g->r);
    size_t living = 0;
    g->outbound = first_hop;
    if (!first_hop) {
        /* The first hop's Path value stands last: the others were put above it. */
        sip_values v = sip_values_of(m, SIP_PATH);
        str item;
        sip_addr first;
        while (sip_values_next(&v, &item) == 1)
            g->outbound =
                !sip_addr_parse(item, &first, NULL) && sip_uri_flag(&first.uri, STR("ob"));
    }
    for (size_t i = 0; i < g->contacts.n; i++) {
        const contact *c = &g->contacts.v[i];
        flows = flows || c->reg_id;
        living += c->has_expires ? c->expires != 0 : g->fallback != 0;
    }
    if (!flows)
        return 0;
    if (!g->outbound && sip_message_lists(m, SIP_SUPPORTED, STR("outbound"))) {
        refuse(g, 439, NULL);
        return -1;
    }
    if (g->outbound && living > 1) {
        refuse(g, 400, "Contact: several values beside one with reg-id");
        return -1;
    }
    for (size_t i = 0; i < g->contacts.n && !g->outbound; i++)
        g->contacts.v[i].reg_id = 0;
    return 0;
}

/* A sips contact wants secure hops all the way to it (RFC 5630 5.2). */
static int check_secure(registration *g)
{
    const sip_message *m = g->r->m;
    bool sips = false, sip = m->uri.scheme != SIP_SCHEME_SIPS;
    for (size_t i = 0; i < g->contacts.n; i++) {
        bool secure = g->contacts.v[i].at.uri.scheme == SIP_SCHEME_SIPS;
        sips = sips || secure;
        sip = sip || !secure;
    }
    sip_values v = sip_values_of(m, SIP_PATH);
    str item;
    sip_addr first;
    while (sip_values_next(&v, &item) == 1) {
        if (sip_addr_parse(item, &first, NULL)) {
            refuse(g, 400, "Path: malformed value");
            return -1;
        }
        sip = sip || first.uri.scheme != SIP_SCHEME_SIPS;
    }
    if (sips && sip && !fault_on(FAULT_REGISTER_SIPS_TAKEN)) {
        refuse(g, 400, "Contact: sips among sip URIs");
        return -1;
    }
    return 0;
}

static int check_times(registration *g)
{
    const proxy_options *o = &g->r->p->o;
    for (size_t i = 0; i < g->contacts.n; i++) {
        contact *c = &g->contacts.v[i];
        if (!c->has_expires || fault_on(FAULT_REGISTER_EXPIRES_IGNORED))
            c->expires = g->fallback;
        if (c->expires > 0 && c->expires < 3600 && c->expires < o->min_expires &&
            !fault_on(FAULT_REGISTER_SHORT_TAKEN)) {
            refuse_with(g, 423, "Min-Expires", o->min_expires);
            return -1;
        }
        if (c->expires > o->max_expires)
            c->expires = (uint32_t)o->max_expires;
    }
    return 0;
}

static binding *find_same(const record *user, const contact *c)
{
    for (binding *b = user ? record_first(user) : NULL; b; b = b->next) {
        sip_uri uri;
        if (c->reg_id && !fault_on(FAULT_REGISTER_STALE_KEPT)) {
            if (b->is.reg_id == c->reg_id && contact_same_instance(b->is.instance, c->instance))
                return b;
        } else if (b->is.reg_id && c->expires && !c->reg_id) {
            continue; /* a flow's binding is renewed only by its reg-id, but ended by its URI too */
        } else if (!sip_uri_parse(b->is.uri, &uri, NULL) && sip_uri_eq(&uri, &c->at.uri)) {
            return b;
        }
    }
    return NULL;
}

/* Out of order: an older request of the same Call-ID must not undo a newer one. */
static bool stale(const registration *g, const binding *b)
{
    const sip_message *m = g->r->m;
    return str_eq(b->is.call_id, m->call_id) && m->cseq <= b->is.cseq &&
           !fault_on(FAULT_REGISTER_CSEQ_IGNORED);
}

static int check_order(registration *g, record *user)
{
    size_t more = 0;
    if (g->contacts.star) {
        for (binding *b = user ? record_first(user) : NULL; b; b = b->next)
            if (stale(g, b)) {
                refuse(g, 500, "CSeq: not above that of the binding");
                return -1;
            }
        return 0;
    }
    for (size_t i = 0; i < g->contacts.n; i++) {
        contact *c = &g->contacts.v[i];
        c->same = find_same(user, c);
        if (c->same && stale(g, c->same)) {
            refuse(g, 500, "CSeq: not above that of the binding");
            return -1;
        }
        more += !c->same && c->expires;
    }
    if (more + (user ? record_count(user) : 0) > LOCATION_MAX_BINDINGS) {
        refuse(g, 403, "Too Many Contacts");
        return -1;
    }
    return 0;
}

/* Does a contact of a UDP client stand for an address of its own rather than for the flow that the
 * REGISTER came on? Only if nothing hints at a NAT between (RFC 3581) or at outbound. Everything on
 * a connection is reached over it. */
static bool reached_by_uri(const registration *g, const contact *c)
{
    const proxy *p = g->r->p;
    const sip_message *m = g->r->m;
    const addr *source = p->w.remote(g->r->from);
    str proto;
    if (p->w.kind(g->r->from) != FLOW_UDP || c->reg_id || hop_is_invalid(&c->at.uri.host))
        return false;
    if (sip_uri_param(&c->at.uri, STR("transport"), &proto) && str_ieq(proto, STR("ws")))
        return false;
    if (m->via.has_rport && !core_host_is(&m->via.host, m->via.port, source))
        return false;
    return !core_host_is(&c->at.uri.host, c->at.uri.port, source);
}

static void join_path(registration *g)
{
    buf *out = &g->r->p->out;
    sip_values v = sip_values_of(g->r->m, SIP_PATH);
    str item;
    buf_clear(out);
    while (sip_values_next(&v, &item) == 1) {
        if (out->n)
            buf_str(out, STR(", "));
        sip_unfold(out, item);
    }
}

static void apply(registration *g)
{
    proxy *p = g->r->p;
    str aor = buf_slice(&g->aor);
    record *user = location_find(p->bindings, aor);
    if (g->contacts.star) {
        while ((user = location_find(p->bindings, aor)) != NULL)
            location_remove(p->bindings, record_first(user));
        return;
    }
    join_path(g);
    bool direct = p->out.n == 0; /* with Path the edge proxy holds the flow */
    /* The first contact of a request shall come first of equals: newest first means backwards. */
    for (size_t i = g->contacts.n; i-- > 0;) {
        contact *c = &g->contacts.v[i];
        user = location_find(p->bindings, aor);
        c->same = find_same(user, c); /* again: a contact may stand twice in one request */
        if (c->expires == 0) {
            if (c->same)
                location_remove(p->bindings, c->same);
            continue;
        }
        buf_clear(&p->lines);
        contact_params(c, &p->lines);
        binding_facts facts = {.uri = c->at.uri.text,
                               .params = buf_slice(&p->lines),
                               .instance = c->instance,
                               .call_id = g->r->m->call_id,
                               .path = buf_slice(&p->out),
                               .until = p->now + (uint64_t)c->expires * 1000,
                               .cseq = g->r->m->cseq,
                               .reg_id = c->reg_id,
                               .q = c->q};
        if (direct && !reached_by_uri(g, c)) {
            facts.flow = p->w.id(g->r->from);
            p->w.keep(g->r->from, (uint64_t)c->expires * 1000);
        }
        location_put(p->bindings, aor, c->same, &facts, p->now);
    }
}

static void write_date(const proxy *p, buf *lines)
{
    char text[40];
    time_t now = (time_t)(p->o.epoch + p->now / 1000);
    struct tm utc;
    if (gmtime_r(&now, &utc) &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0) {
        buf_str(lines, STR("Date: "));
        buf_str(lines, str_of(text));
        buf_str(lines, STR("\r\n"));
    }
}

static void write_contacts(const proxy *p, const record *user, buf *lines)
{
    for (const binding *b = user ? record_first(user) : NULL; b; b = b->next) {
        buf_str(lines, STR("Contact: <"));
        buf_str(lines, b->is.uri);
        buf_byte(lines, '>');
        buf_str(lines, b->is.params);
        buf_str(lines, STR(";expires="));
        buf_u64(lines, (b->is.until - p->now + 999) / 1000);
        buf_str(lines, STR("\r\n"));
    }
}

static void answer(registration *g)
{
    proxy *p = g->r->p;
    buf *lines = &p->lines;
    bool applied = false;
    record *user = location_find(p->bindings, buf_slice(&g->aor));
    for (size_t i = 0; i < g->contacts.n; i++)
        applied = applied || g->contacts.v[i].reg_id;
    buf_clear(lines);
    write_contacts(p, user, lines);
    /* The Path of this request, not of the other bindings (RFC 3327 5.3, RFC 5626 9.2). */
    for (const sip_field *f = sip_message_field(g->r->m, SIP_PATH); f;
         f = sip_message_next(g->r->m, f)) {
        buf_str(lines, STR("Path: "));
        sip_unfold(lines, f->value);
        buf_str(lines, STR("\r\n"));
    }
    if (applied && sip_message_lists(g->r->m, SIP_SUPPORTED, STR("outbound")))
        buf_str(lines, STR("Require: outbound\r\n"));
    buf_str(lines, STR("Supported: path, outbound\r\n"));
    write_date(p, lines);
    log_info("registrar", "register", "aor=%.*s bindings=%zu", STR_FMT(buf_slice(&g->aor)),
             user ? record_count(user) : 0);
    request_answer(g->r, 200, STR(""), buf_slice(lines));
}

static int check(registration *g)
{
    static const char *const known[] = {"path", "outbound", NULL};
    request *r = g->r;
    const char *why;
    if (request_refuse_options(r, SIP_REQUIRE, known) || find_user(g))
        return -1;
    if (contact_parse(r->m, &g->contacts, &why)) {
        refuse(g, 400, why);
        return -1;
    }
    const sip_field *expires = sip_message_field(r->m, SIP_EXPIRES);
    g->fallback = expires ? contact_seconds(expires->value) : (uint32_t)r->p->o.default_expires;
    if (g->contacts.star && (!expires || !str_eq(expires->value, STR("0")))) {
        refuse(g, 400, "Contact: * without Expires: 0");
        return -1;
    }
    if (sip_message_field(r->m, SIP_PATH) && !sip_message_lists(r->m, SIP_SUPPORTED, STR("path"))) {
        request_answer(r, 420, STR(""), STR("Unsupported: path\r\n"));
        return -1;
    }
    if (g->contacts.star)
        return 0;
    if (check_outbound(g) || check_secure(g) || check_times(g))
        return -1;
    return 0;
}

void registrar_handle(request *r)
{
    registration g = {.r = r};
    buf_init(&g.aor, 1024);
    if (!check(&g)) {
        if (buf_failed(&g.aor))
            refuse(&g, 400, "To: too long");
        else if (!check_order(&g, location_find(r->p->bindings, buf_slice(&g.aor)))) {
            apply(&g);
            answer(&g);
        }
    }
    buf_free(&g.aor);
}
