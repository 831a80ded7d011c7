#include "proxy/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "fault/fault.h"
#include "proxy/ack.h"
#include "proxy/context.h"
#include "proxy/deviation.h"
#include "proxy/registrar.h"
#include "proxy/self.h"
#include "proxy/side.h"
#include "sip/write.h"

/* Requests under way at a time; each holds its text and lives for up to three minutes of ringing.
 */
enum { MOST_CONTEXTS = 200000, LARGEST_MESSAGE = 65535 };

static int tx_send(void *owner, sip_transaction *tx, uint64_t id, str bytes)
{
    proxy *p = owner;
    flow *f = p->w.find(p->w.self, id);
    (void)tx;
    return f ? core_send(p, f, bytes) : -1;
}

static void tx_event(void *owner, sip_transaction *tx, sip_transaction_event ev)
{
    context_event(owner, tx, ev);
}

static void read_domains(proxy *p)
{
    p->domains = mem_zalloc(p->o.domains.n, sizeof(*p->domains));
    for (size_t i = 0; i < p->o.domains.n; i++) {
        str text = str_of(p->o.domains.v[i]);
        if (sip_host_parse(text, &p->domains[i]) != text.n)
            p->domains[i] = (sip_host){SIP_HOST_NAME, text};
        if (p->record_name.n == 0 && p->domains[i].kind == SIP_HOST_NAME)
            p->record_name = p->domains[i].text;
    }
}

proxy *proxy_new(const proxy_options *o, const wire *w)
{
    static const sip_transaction_ops ops = {.send = tx_send, .event = tx_event};
    proxy *p = mem_zalloc(1, sizeof(*p));
    size_t max = o->max_message ? o->max_message : LARGEST_MESSAGE;
    uint64_t letters = digest_random_u64();
    p->o = *o;
    p->w = *w;
    read_domains(p);
    p->bindings = location_new();
    p->key = token_key_new();
    p->seed = digest_random_u64();
    p->tx = sip_transactions_new(&ops, p, NULL, digest_random_u64());
    table_init(&p->branches);
    for (size_t i = 0; i < CORE_COOKIE; i++, letters >>= 5)
        p->cookie[i] = "abcdefghijklmnopqrstuvwxyzABCDEF"[letters & 31];
    buf_init(&p->out, max);
    buf_init(&p->lines, max);
    buf_init(&p->altered, 2 * max);
    buf_init(&p->restored, 2 * max);
    return p;
}

void proxy_free(proxy *p)
{
    if (!p)
        return;
    sip_transactions_free(p->tx);
    context_drop_all(p);
    ack_drop_all(p);
    location_free(p->bindings);
    token_key_free(p->key);
    table_free(&p->branches);
    sip_deadlines_free(&p->deadlines);
    buf_free(&p->out);
    buf_free(&p->lines);
    buf_free(&p->altered);
    buf_free(&p->restored);
    free(p->domains);
    free(p);
}

/* Requests */

/* Have we seen this request before, with nothing changed that we decide by? RFC 5393 4.2.2. */
static bool loops(const request *r, uint32_t mark)
{
    str cookie = {r->p->cookie, CORE_COOKIE}, item;
    sip_values v = sip_values_of(r->m, SIP_VIA);
    while (sip_values_next(&v, &item) == 1) {
        sip_via via;
        if (memmem(item.p, item.n, cookie.p, cookie.n) && !sip_via_parse(item, &via, NULL) &&
            side_branch_loops(r->p, via.branch, mark))
            return true;
    }
    return false;
}

/* What a proxy must look at before it forwards (RFC 3261 16.3, RFC 5393 4.2.2). True when the
 * request was refused. */
static bool refused(request *r, const route *ro, const target_set *set)
{
    static const char *const none[] = {NULL};
    const sip_message *m = r->m;
    if (ro->status) {
        request_answer(r, ro->status, str_of(ro->why), STR(""));
        return true;
    }
    /* Before the targets are looked at (16.3 step 3): also for a user whom nobody knows. */
    bool passing = set->kind == TARGET_SET || set->kind == TARGET_REFUSED;
    if (passing && m->max_forwards == 0 && !fault_on(FAULT_MAX_FORWARDS_IGNORED)) {
        request_answer(r, 483, STR(""), STR(""));
        return true;
    }
    if (set->kind == TARGET_SET && loops(r, ro->loop) && !fault_on(FAULT_LOOP_IGNORED)) {
        request_answer(r, 482, STR(""), STR(""));
        return true;
    }
    if (m->method == SIP_METHOD_OTHER && fault_on(FAULT_METHOD_REFUSED)) {
        request_answer(r, 405, STR(""), STR(""));
        return true;
    }
    if (!fault_on(FAULT_PROXY_REQUIRE_IGNORED) &&
        request_refuse_options(r, SIP_PROXY_REQUIRE, none))
        return true;
    if (set->kind == TARGET_REFUSED) {
        request_answer(r, set->status, str_of(set->why), set->lines);
        return true;
    }
    return false;
}

/* A user agent that only a flow leads to cannot be registered elsewhere without Path (RFC 3327
 * 5.2, RFC 7118 B.2). */
static bool needs_path(const request *r)
{
    return r->m->method == SIP_REGISTER && side_is_stream(r->p, r->from) && request_first_hop(r) &&
           !sip_message_lists(r->m, SIP_SUPPORTED, STR("path"));
}

static void cancel(request *r)
{
    sip_transaction *invite = sip_transaction_cancelled(r->p->tx, r->m);
    if (!invite) {
        request_answer(r, 481, STR(""), STR(""));
        return;
    }
    request_answer(r, 200, STR(""), STR(""));
    context *c = sip_transaction_user(invite);
    const sip_field *reason = sip_message_field(r->m, SIP_REASON);
    if (c)
        context_cancel(c, reason ? reason->line : STR(""));
}

static void new_request(request *r)
{
    static _Thread_local target_set set; /* large; used up before the next request */
    route ro;
    const sip_uri *uri = &r->m->uri;
    if (r->m->method == SIP_CANCEL) {
        cancel(r);
        return;
    }
    if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS) {
        if (!fault_on(FAULT_SCHEME_IGNORED))
            request_answer(r, 416, STR(""), STR(""));
        return;
    }
    route_read(r, &ro);
    if (!ro.status)
        target_choose(r, &ro, &set);
    if (r->m->method == SIP_ACK) {
        if (!ro.status && !loops(r, ro.loop))
            ack_forward(r, &ro, &set);
        return;
    }
    if (refused(r, &ro, &set))
        return;
    if (set.kind == TARGET_REGISTRAR)
        registrar_handle(r);
    else if (set.kind == TARGET_SELF)
        self_handle(r);
    else if (needs_path(r))
        request_answer(r, 421, STR(""), STR("Require: path\r\n"));
    else if (r->p->contexts >= MOST_CONTEXTS)
        request_answer(r, 503, STR(""), STR("Retry-After: 5\r\n"));
    else
        context_start(r, &ro, &set);
}

static sip_carrier carrier_of(const proxy *p, const flow *f)
{
    switch (p->w.kind(f)) {
    case FLOW_UDP: return SIP_DATAGRAM;
    case FLOW_WS:
    case FLOW_WSS: return SIP_WEBSOCKET;
    default: return SIP_STREAM;
    }
}

static void stamp(const proxy *p, const flow *f, sip_message *m, char ip[ADDR_TEXT])
{
    const addr *source = p->w.remote(f);
    addr_print_ip(source, ip);
    sip_message_stamp(m, str_of(ip), source->port, carrier_of(p, f) == SIP_WEBSOCKET);
}

/* A message that cannot be dealt with gets an answer that says why, if it names where to answer
 * to. */
static void answer_bad(proxy *p, flow *f, sip_message *m, const sip_refusal *why)
{
    char reason[120], ip[ADDR_TEXT], tag[REQUEST_TAG];
    sip_refusal_print(why, reason, sizeof(reason));
    log_info("proxy", "refused", "flow=%s status=%u reason=\"%s\"", p->w.name(f), why->status,
             reason);
    if (!why->status || !m->request || fault_on(FAULT_MALFORMED_SILENT))
        return;
    if (m->has_via)
        stamp(p, f, m, ip);
    flow *back = request_answer_flow(p, f, m);
    buf_clear(&p->out);
    if (back &&
        !sip_write_response(&p->out, m, why->status, why->status == 400 ? str_of(reason) : STR(""),
                            request_tag(p, m, tag), STR(""), STR("")))
        core_send(p, back, buf_slice(&p->out));
}

static void response(proxy *p, flow *f, const sip_message *m)
{
    sip_transaction *tx;
    /* Not from us, then: RFC 3261 18.1.2. A connection that we opened for want of a listener has
     * its own address in Via. */
    if (!core_owns(p, f, &m->via.host, m->via.port) &&
        !core_host_is(&m->via.host, m->via.port, p->w.local(f)))
        return;
    if (sip_transaction_response(p->tx, m, p->now, &tx) == SIP_TRANSACTION_NEW) {
        branch *b = sip_transaction_user(tx);
        if (b)
            context_response(b, m);
    }
}

void proxy_input(proxy *p, flow *f, str message, uint64_t now)
{
    sip_message m;
    sip_refusal why;
    char ip[ADDR_TEXT];
    p->now = now;
    deviation_in(p, &message);
    if (sip_message_parse(message, carrier_of(p, f), &m, &why)) {
        answer_bad(p, f, &m, &why);
        return;
    }
    if (!m.request) {
        response(p, f, &m);
        return;
    }
    stamp(p, f, &m, ip);
    request r = {.p = p, .from = f, .m = &m};
    sip_transaction *tx;
    switch (sip_transaction_request(p->tx, &m, now, &tx)) {
    case SIP_TRANSACTION_NEW:
    case SIP_TRANSACTION_ACK: new_request(&r); break;
    case SIP_TRANSACTION_ABSORBED:
    case SIP_TRANSACTION_STRAY: break;
    }
}

void proxy_bad(proxy *p, flow *f, str head, size_t offset, const char *reason, uint64_t now)
{
    sip_message m;
    sip_refusal why;
    p->now = now;
    log_info("proxy", "unframed", "flow=%s at=%zu reason=\"%s\"", p->w.name(f), offset, reason);
    /* As a datagram the head is whole, whatever its Content-Length says. */
    if (sip_message_parse(head, SIP_DATAGRAM, &m, &why)) {
        if (why.kind == SIP_REFUSED_LENGTH && m.content_length > (int64_t)p->out.max)
            why.status = 513;
        answer_bad(p, f, &m, &why);
        return;
    }
    why = (sip_refusal){.kind = SIP_REFUSED_LENGTH,
                        .text = reason,
                        .status = m.request && m.method != SIP_ACK ? 400 : 0};
    answer_bad(p, f, &m, &why);
}

void proxy_closed(proxy *p, flow *f, uint64_t now)
{
    p->now = now;
    uint64_t id = p->w.id(f);
    size_t ended = fault_on(FAULT_FLOW_BINDINGS_KEPT) ? 0 : location_drop_flow(p->bindings, id);
    if (ended)
        log_info("proxy", "flow-over", "flow=%s bindings=%zu", p->w.name(f), ended);
    context_flow_over(p, id);
}

void proxy_unreachable(proxy *p, flow *f, uint64_t now)
{
    proxy_closed(p, f, now); /* nothing arrives there any more: RFC 5626 section 7 */
}

uint64_t proxy_next(const proxy *p)
{
    uint64_t next = location_next_expiry(p->bindings), at;
    sip_deadline *d;
    if (sip_deadlines_first(&p->deadlines, &at, &d) && at < next)
        next = at;
    if (sip_transactions_next(p->tx, &at) && at < next)
        next = at;
    return next;
}

void proxy_tick(proxy *p, uint64_t now)
{
    p->now = now;
    location_expire(p->bindings, now);
    uint64_t at;
    sip_deadline *d;
    while (sip_deadlines_first(&p->deadlines, &at, &d) && at <= now) {
        sip_deadlines_clear(&p->deadlines, d);
        context_wait_over(TABLE_OF(d, context, wait));
    }
    sip_transactions_run(p->tx, now);
}

proxy_counts proxy_count(const proxy *p)
{
    return (proxy_counts){.bindings = location_count(p->bindings), .contexts = p->contexts};
}
