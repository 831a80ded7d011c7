#include "proxy/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fault/fault.h"
#include "proxy/forward.h"
#include "proxy/gather.h"
#include "proxy/hop.h"
#include "proxy/side.h"

/* LARGEST_UDP: RFC 3261 18.1.1, for a path whose MTU is not known. */
enum { TRYING_MS = 3500, RESPONSE_MAX = 65535, LARGEST_UDP = 1300 };

static void settle(context *c);

/* Life */

static spare *spare_new(const target *t)
{
    spare *s = mem_zalloc(1, sizeof(*s) + t->uri.n + t->path.n + t->instance.n);
    char *at = (char *)(s + 1);
    str *texts[] = {&s->t.uri, &s->t.path, &s->t.instance};
    s->t = *t;
    for (size_t i = 0; i < 3; i++) {
        if (texts[i]->n)
            memcpy(at, texts[i]->p, texts[i]->n);
        texts[i]->p = at;
        at += texts[i]->n;
    }
    return s;
}

static void spare_free(spare *s)
{
    if (s)
        free(s->addresses);
    free(s);
}

static void drop_spares(context *c)
{
    for (spare *s = c->spares, *next; s; s = next) {
        next = s->next;
        spare_free(s);
    }
    c->spares = NULL;
}

static void context_free(context *c)
{
    for (branch *b = c->branches, *next; b; b = next) {
        next = b->next;
        if (b->by_flow.link)
            table_remove(&c->p->branches, &b->by_flow);
        spare_free(b->self);
        free(b);
    }
    drop_spares(c);
    buf_free(&c->best_text);
    buf_free(&c->challenges);
    sip_deadlines_clear(&c->p->deadlines, &c->wait);
    if (c->prev)
        c->prev->next = c->next;
    else
        c->p->first_context = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->p->contexts--;
    free(c);
}

static void release(context *c)
{
    if (c->server || c->resolving)
        return;
    for (const branch *b = c->branches; b; b = b->next)
        if (b->client)
            return;
    context_free(c);
}

static context *context_new(request *r, const target_set *targets)
{
    proxy *p = r->p;
    const sip_message *m = r->m;
    uint64_t breadth;
    context *c = mem_alloc(sizeof(*c) + m->text.n);
    *c = (context){.p = p,
                   .from = replay_source_of(p, r->from),
                   .breadth = FORWARD_BREADTH,
                   .invite = m->method == SIP_INVITE,
                   .bound = targets->n && targets->v[0].bound,
                   .n = m->text.n};
    memcpy(c->text, m->text.p, m->text.n);
    if (!str_u64(sip_message_value(m, SIP_MAX_BREADTH), FORWARD_BREADTH, &breadth))
        c->breadth = (unsigned)breadth;
    buf_init(&c->best_text, RESPONSE_MAX);
    buf_init(&c->challenges, RESPONSE_MAX);
    c->next = p->first_context;
    if (c->next)
        c->next->prev = c;
    p->first_context = c;
    p->contexts++;
    c->server = request_serve(r, c);
    return c;
}

void context_drop_all(proxy *p)
{
    while (p->first_context)
        context_free(p->first_context);
}

/* Sending */

/* Marks tell bindings and instances apart without keeping their text. */
static uint64_t binding_mark(const proxy *p, str uri, str path, str instance, uint32_t reg_id)
{
    uint64_t h = str_hash(uri, p->seed + reg_id);
    return str_ihash(instance, str_hash(path, h));
}

static uint64_t instance_mark(const proxy *p, str instance)
{
    return instance.n ? str_ihash(instance, p->seed) | 1 : 0;
}

static void send_on(branch *b, const request *r, const route *ro, const target *t, flow *f);

/* A request of this size may not go by UDP. If nobody takes it by TCP there, UDP is tried after all
 * (RFC 3261 18.1.1). */
static void send_by_stream(branch *b, const request *r, const route *ro, const target *t, flow *udp)
{
    proxy *p = b->of->p;
    addr to = *p->w.remote(udp);
    flow *tcp = p->w.reach(p->w.self, FLOW_TCP, &to, NULL, NULL, NULL);
    b->small = true;
    if (!tcp) {
        send_on(b, r, ro, t, udp);
        return;
    }
    if (!b->self)
        b->self = spare_new(t);
    b->self->addresses = mem_realloc(b->self->addresses, (b->self->n_addresses + 1) * sizeof(addr));
    memmove(b->self->addresses + 1, b->self->addresses, b->self->n_addresses++ * sizeof(addr));
    b->self->addresses[0] = to;
    send_on(b, r, ro, t, tcp);
}

static void send_on(branch *b, const request *r, const route *ro, const target *t, flow *f)
{
    proxy *p = r->p;
    char text[SIDE_BRANCH];
    flow_kind k = p->w.kind(f);
    if (t->secure && !flow_kind_secure(k) && !fault_on(FAULT_SIPS_DOWNGRADED)) {
        context_branch_over(b, 480, NULL); /* RFC 3261 26.2.2, RFC 7118 9.2 */
        return;
    }
    str name = side_branch(p, ro->loop, text);
    if (forward_write(r, ro, t, f, name, b->breadth)) {
        context_branch_over(b, 513, NULL);
        return;
    }
    if (k == FLOW_UDP && !t->has_flow && p->out.n > LARGEST_UDP && !b->small) {
        send_by_stream(b, r, ro, t, f);
        return;
    }
    b->flow = p->w.id(f);
    table_add(&p->branches, &b->by_flow, b->flow);
    b->client = sip_transaction_send(p->tx, buf_slice(&p->out), name, r->m->method_text, b->flow,
                                     flow_kind_reliable(k), b, p->now);
}

/* To one address; the name is what a certificate must show. */
static void send_to(branch *b, const request *r, const route *ro, const target *t, const hop *h,
                    const addr *to)
{
    proxy *p = r->p;
    char *host = h->kind == FLOW_TLS ? str_dup(h->host.text) : NULL;
    flow *f = p->w.reach(p->w.self, h->kind, to, host, t->via, NULL);
    free(host);
    if (f)
        send_on(b, r, ro, t, f);
    else
        context_branch_over(b, 503, NULL);
}

static bool read_again(context *c, replay *y)
{
    if (!replay_read(c->p, (str){c->text, c->n}, &c->from, y))
        return false; /* nobody waits for an answer any more */
    y->r.tx = c->server;
    return true;
}

static void next_address(branch *b, const request *r, const route *ro)
{
    spare *s = b->self;
    sip_uri uri;
    hop h;
    addr to = s->addresses[0];
    memmove(s->addresses, s->addresses + 1, --s->n_addresses * sizeof(addr));
    if (forward_next(ro, &s->t, &uri) || hop_of_uri(&uri, &h))
        context_branch_over(b, 480, NULL);
    else
        send_to(b, r, ro, &s->t, &h, &to);
}

static void resolved(void *arg, const addr *found, size_t count)
{
    branch *b = arg;
    context *c = b->of;
    replay y;
    c->resolving--;
    if (!b->done) {
        if (count) {
            b->self->addresses = mem_alloc(count * sizeof(addr));
            memcpy(b->self->addresses, found, count * sizeof(addr));
            b->self->n_addresses = count;
        }
        if (!count || !read_again(c, &y))
            context_branch_over(b, 503, NULL);
        else
            next_address(b, &y.r, &y.ro);
    }
    settle(c);
    release(c);
}

static branch *branch_new(context *c, const target *t, unsigned breadth)
{
    branch *b = mem_zalloc(1, sizeof(*b));
    b->of = c;
    b->next = c->branches;
    b->breadth = breadth;
    b->has_flow = t->has_flow;
    if (t->bound) {
        b->instance = instance_mark(c->p, t->instance);
        b->binding = binding_mark(c->p, t->uri, t->path, t->instance, t->reg_id);
    }
    c->branches = b;
    c->living++;
    return b;
}

/* The look-up that must never be made: of a contact whose flow is known (FAULT_RESOLVE_INVALID). */
static void nothing(void *arg, const addr *found, size_t count)
{
    (void)arg;
    (void)found;
    (void)count;
}

static void ask_for_nothing(proxy *p, const target *t)
{
    sip_uri uri;
    if (!sip_uri_parse(t->uri, &uri, NULL) && hop_is_invalid(&uri.host))
        p->w.resolve(p->w.self, uri.host.text, 5060, nothing, NULL);
}

static void start(context *c, const request *r, const route *ro, const target *t, unsigned breadth)
{
    proxy *p = c->p;
    branch *b = branch_new(c, t, breadth);
    sip_uri uri;
    hop h;
    addr to;
    flow *f = NULL;
    if (t->has_flow) {
        f = p->w.find(p->w.self, t->flow);
        if (fault_on(FAULT_RESOLVE_INVALID))
            ask_for_nothing(p, t);
    }
    if (t->has_flow && (f || !fault_on(FAULT_FLOW_DEAD_DIALLED))) {
        /* Over this flow, and never by another way: RFC 5626 5.3.1. */
        if (f)
            send_on(b, r, ro, t, f);
        else
            context_branch_over(b, fault_on(FAULT_FLOW_BINDINGS_KEPT) ? 408 : 430, NULL);
    } else if (forward_next(ro, t, &uri) || hop_of_uri(&uri, &h)) {
        context_branch_over(b, 480, NULL);
    } else if (!addr_parse_host(&to, h.host.text, h.port)) {
        send_to(b, r, ro, t, &h, &to);
    } else {
        b->self = spare_new(t);
        c->resolving++;
        p->w.resolve(p->w.self, h.host.text, h.port, resolved, b);
    }
}

/* Choosing */

static bool pending_instance(const context *c, uint64_t instance)
{
    for (const branch *b = c->branches; b && instance; b = b->next)
        if (b->instance == instance && !b->done)
            return true;
    return false;
}

/* The spares of the best q at once, as many as Max-Breadth allows, one of each instance. */
static void wave(context *c)
{
    replay y;
    unsigned best = 0, fit = 0, share;
    if (c->breadth == 0 || !read_again(c, &y)) {
        drop_spares(c);
        return;
    }
    for (const spare *s = c->spares; s; s = s->next) {
        fit = s->t.q > best ? 1 : fit + (s->t.q == best);
        best = s->t.q > best ? s->t.q : best;
    }
    fit = fit > c->breadth ? c->breadth : fit;
    share = fit ? c->breadth / fit : c->breadth;
    c->starting = true;
    for (spare **at = &c->spares; *at && fit;) {
        spare *s = *at;
        if (s->t.q != best || pending_instance(c, instance_mark(c->p, s->t.instance))) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        fit--;
        start(c, &y.r, &y.ro, &s->t, share);
        spare_free(s);
    }
    c->starting = false;
}

/* Goes on when nothing is pending: with further targets, or by answering. */
static void settle(context *c)
{
    while (!c->starting && !c->living && !c->answered) {
        if (!c->spares || c->ended) {
            gather_finish(c);
            return;
        }
        wave(c);
    }
}

static void add_spare(context *c, const target *t)
{
    spare **end = &c->spares;
    while (*end)
        end = &(*end)->next;
    *end = spare_new(t);
}

void context_start(request *r, const route *ro, const target_set *targets)
{
    context *c = context_new(r, targets);
    if (!c->server) {
        context_free(c); /* there is no way to answer */
        return;
    }
    if (c->breadth == 0) {
        gather_answer(c, 440);
        return;
    }
    if (c->invite)
        request_answer(r, 100, STR(""), STR(""));
    else if (fault_on(FAULT_TRYING_NON_INVITE))
        gather_answer(c, 100);
    else
        sip_deadlines_set(&c->p->deadlines, &c->wait, c->p->now + TRYING_MS);
    if (targets->n == 1 || fault_on(FAULT_FORK_FIRST_ONLY)) {
        c->starting = true;
        start(c, r, ro, &targets->v[0], c->breadth);
        c->starting = false;
    } else {
        for (size_t i = 0; i < targets->n; i++)
            add_spare(c, &targets->v[i]);
    }
    settle(c);
}

/* The binding that led here is of no use (RFC 5626 9.3). */
static void forget_binding(context *c, uint64_t mark)
{
    replay y;
    buf aor;
    if (!mark || !read_again(c, &y))
        return;
    buf_init(&aor, 1024);
    if (core_aor(c->p, &y.ro.uri, &aor)) {
        record *user = location_find(c->p->bindings, buf_slice(&aor));
        for (binding *b = user ? record_first(user) : NULL; b; b = b->next)
            if (binding_mark(c->p, b->is.uri, b->is.path, b->is.instance, b->is.reg_id) == mark) {
                location_remove(c->p->bindings, b);
                break;
            }
    }
    buf_free(&aor);
}

/* Another flow of the instance when this one failed; none of them when the instance has spoken
 * (RFC 5626 section 7). */
static bool another_flow(context *c, const branch *b, bool failed)
{
    if (!b->instance)
        return false;
    for (spare **at = &c->spares; *at;) {
        spare *s = *at;
        if (instance_mark(c->p, s->t.instance) != b->instance) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        replay y;
        bool go = failed && !c->ended && read_again(c, &y);
        if (go) {
            c->starting = true;
            start(c, &y.r, &y.ro, &s->t, b->breadth);
            c->starting = false;
        }
        spare_free(s);
        if (go)
            return true;
    }
    return false;
}

/* The next address of the name, by a transaction of its own (RFC 3263 4.3). */
static bool another_address(context *c, branch *b)
{
    replay y;
    if (!b->self || !b->self->n_addresses || c->ended || !read_again(c, &y))
        return false;
    branch *next = branch_new(c, &b->self->t, b->breadth);
    next->small = b->small;
    next->self = b->self;
    b->self = NULL;
    next_address(next, &y.r, &y.ro);
    return true;
}

void context_branch_over(branch *b, unsigned status, const sip_message *m)
{
    context *c = b->of;
    if (b->done)
        return;
    b->done = true;
    c->living--;
    if (b->by_flow.link)
        table_remove(&c->p->branches, &b->by_flow);
    if (c->answered)
        return;
    if (status == 430)
        forget_binding(c, b->binding);
    bool nobody = status == 503 || (status == 408 && !m);
    if ((nobody && another_address(c, b)) || another_flow(c, b, status == 430 || status == 408))
        return;
    gather_weigh(c, status, m);
    if (status >= 600) {
        c->ended = true;
        context_cancel_branches(c, STR(""));
    }
}

/* What comes in */

void context_response(branch *b, const sip_message *m)
{
    context *c = b->of;
    if (m->status < 200) {
        /* 100 is for this hop; other provisional ones do not belong to a non-INVITE (RFC 4320). */
        bool wanted = c->invite || fault_on(FAULT_PROVISIONAL_NON_INVITE);
        bool here = m->status == 100 && !fault_on(FAULT_TRYING_FORWARDED);
        if (!here && wanted && !c->answered)
            gather_forward(c, m);
        return;
    }
    if (m->status >= 300) {
        context_branch_over(b, m->status, m);
        settle(c);
        return;
    }
    if (!b->done) {
        b->done = true;
        c->living--;
        if (b->by_flow.link)
            table_remove(&c->p->branches, &b->by_flow);
    }
    if (c->invite || !c->answered)
        gather_forward(c, m); /* each 2xx to an INVITE, also a repeated one (RFC 6026) */
    c->ended = true;
    if (!fault_on(FAULT_FORK_NO_CANCEL))
        context_cancel_branches(c, STR(""));
}

void context_cancel_branches(context *c, str lines)
{
    drop_spares(c);
    for (branch *b = c->branches; b; b = b->next) {
        if (b->done)
            continue;
        if (b->client && c->invite) {
            sip_transaction_cancel(b->client, lines, c->p->now);
        } else if (!b->client) { /* its name is still looked up */
            b->done = true;
            c->living--;
        }
    }
}

void context_cancel(context *c, str lines)
{
    if (c->answered)
        return;
    c->ended = true;
    c->cancelled = true;
    context_cancel_branches(c, lines);
    settle(c);
}

void context_event(proxy *p, sip_transaction *tx, sip_transaction_event ev)
{
    (void)p;
    if (sip_transaction_is_server(tx)) {
        context *c = sip_transaction_user(tx);
        if (ev == SIP_TRANSACTION_ENDED && c) {
            c->server = NULL;
            release(c);
        }
        return;
    }
    branch *b = sip_transaction_user(tx);
    if (!b)
        return;
    switch (ev) {
    case SIP_TRANSACTION_TIMEOUT:
        context_branch_over(b, 408, NULL);
        settle(b->of);
        break;
    case SIP_TRANSACTION_UNREACHABLE:
        context_branch_over(b, b->has_flow ? 430 : 503, NULL);
        settle(b->of);
        break;
    case SIP_TRANSACTION_TIMER_C: sip_transaction_cancel(tx, STR(""), p->now); break;
    case SIP_TRANSACTION_ENDED:
        b->client = NULL;
        release(b->of);
        break;
    }
}

void context_wait_over(context *c)
{
    if (!c->answered)
        gather_answer(c, 100);
}

void context_flow_over(proxy *p, uint64_t id)
{
    for (table_node *n = table_find(&p->branches, id); n; n = table_next(n)) {
        branch *b = TABLE_OF(n, branch, by_flow);
        if (b->client)
            sip_transaction_failed(b->client, p->now);
    }
}
