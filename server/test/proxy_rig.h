/* A whole proxy without sockets, for tests: flows are numbers, what is sent is kept until asked
 * for, names are answered from a table, and the clock is set by hand. */
#ifndef VIADUCT_TEST_PROXY_RIG_H
#define VIADUCT_TEST_PROXY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/proxy.h"

enum { RIG_FLOWS = 32, RIG_SENT = 256, RIG_TEXT = 8192 };

struct flow {
    uint64_t id;
    flow_kind kind;
    addr local, remote;
    const listener *li;
    char name[16];
    bool open, dialled;
};

typedef struct rig {
    proxy *p;
    uint64_t now;
    flow flows[RIG_FLOWS];
    size_t n_flows;
    listener listeners[5]; /* udp, tcp, tls, ws, wss */
    struct {
        flow *to;
        char text[RIG_TEXT];
    } sent[RIG_SENT];
    size_t n_sent;
    char asked[256]; /* names looked up, each followed by a space */
    const char *name;
    addr found[4]; /* what `name` resolves to */
    size_t n_found;
    char *domains[1];
    unsigned registered; /* by rig_register() */
    char text[RIG_TEXT];
} rig;

static inline uint64_t rig_id(const flow *f)
{
    return f->id;
}

static inline flow_kind rig_kind(const flow *f)
{
    return f->kind;
}

static inline const addr *rig_local(const flow *f)
{
    return &f->local;
}

static inline const addr *rig_remote(const flow *f)
{
    return &f->remote;
}

static inline const listener *rig_listener(const flow *f)
{
    return f->li;
}

static inline const char *rig_name(const flow *f)
{
    return f->name;
}

static rig *rig_of_sending; /* the rig under test: flows do not know theirs */

static inline int rig_send(flow *f, str message, const char **why)
{
    rig *g = rig_of_sending;
    (void)why;
    if (!f->open)
        return -1;
    assert_true(g->n_sent < RIG_SENT && message.n < RIG_TEXT);
    g->sent[g->n_sent].to = f;
    memcpy(g->sent[g->n_sent].text, message.p, message.n);
    g->sent[g->n_sent++].text[message.n] = '\0';
    return 0;
}

static inline void rig_keep(flow *f, uint64_t ms)
{
    (void)f;
    (void)ms;
}

static inline void rig_close(flow *f, unsigned code, const char *why)
{
    (void)code;
    (void)why;
    f->open = false;
}

static inline flow *rig_find(void *self, uint64_t id)
{
    rig *g = self;
    for (size_t i = 0; i < g->n_flows; i++)
        if (g->flows[i].id == id && g->flows[i].open)
            return &g->flows[i];
    return NULL;
}

static inline flow *rig_flow(rig *g, flow_kind k, const char *remote)
{
    flow *f = &g->flows[g->n_flows++];
    assert_true(g->n_flows < RIG_FLOWS);
    *f = (flow){.id = 100 + g->n_flows, .kind = k, .li = &g->listeners[k], .open = true};
    f->local = g->listeners[k].at;
    assert_int_equal(addr_parse(&f->remote, str_of(remote)), 0);
    snprintf(f->name, sizeof(f->name), "%s-%zu", flow_kind_name(k), g->n_flows);
    return f;
}

static inline flow *rig_reach(void *self, flow_kind k, const addr *to, const char *host,
                              const listener *via, const char **why)
{
    rig *g = self;
    char text[ADDR_TEXT];
    (void)host;
    (void)via;
    (void)why;
    for (size_t i = 0; i < g->n_flows; i++)
        if (g->flows[i].open && g->flows[i].kind == k && addr_eq(&g->flows[i].remote, to))
            return &g->flows[i];
    flow *f = rig_flow(g, k, addr_print(to, text));
    f->dialled = true;
    if (k != FLOW_UDP)
        f->li = NULL;
    return f;
}

static inline const listener *rig_listener_for(void *self, flow_kind k, int family)
{
    rig *g = self;
    return family == AF_INET ? &g->listeners[k] : NULL;
}

static inline size_t rig_listeners(void *self)
{
    (void)self;
    return 5;
}

static inline const listener *rig_listener_at(void *self, size_t i)
{
    return &((rig *)self)->listeners[i];
}

static inline void rig_resolve(void *self, str host, uint16_t port, wire_resolved *done, void *arg)
{
    rig *g = self;
    size_t n = strlen(g->asked);
    snprintf(g->asked + n, sizeof(g->asked) - n, "%.*s ", STR_FMT(host));
    bool known = g->name && str_ieqz(host, g->name);
    for (size_t i = 0; i < g->n_found; i++)
        g->found[i].port = port;
    done(arg, g->found, known ? g->n_found : 0);
}

static inline rig *rig_new(void)
{
    static const char *const at[] = {"192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1:5061",
                                     "192.0.2.1:80", "192.0.2.1:443"};
    static const listener_kind kinds[] = {LISTEN_UDP, LISTEN_TCP, LISTEN_TLS, LISTEN_WS,
                                          LISTEN_WSS};
    rig *g = calloc(1, sizeof(*g));
    assert_non_null(g);
    g->now = 1000;
    for (size_t i = 0; i < 5; i++) {
        g->listeners[i].kind = kinds[i];
        assert_int_equal(addr_parse(&g->listeners[i].at, str_of(at[i])), 0);
    }
    static char domain[] = "example.com";
    g->domains[0] = domain;
    proxy_options o = {.domains = {g->domains, 1},
                       .min_expires = 60,
                       .max_expires = 7200,
                       .default_expires = 3600,
                       .epoch = 1700000000};
    wire w = {.id = rig_id,
              .kind = rig_kind,
              .local = rig_local,
              .remote = rig_remote,
              .listener = rig_listener,
              .name = rig_name,
              .send = rig_send,
              .keep = rig_keep,
              .close = rig_close,
              .find = rig_find,
              .reach = rig_reach,
              .listener_for = rig_listener_for,
              .listeners = rig_listeners,
              .listener_at = rig_listener_at,
              .resolve = rig_resolve,
              .self = g};
    g->p = proxy_new(&o, &w);
    rig_of_sending = g;
    return g;
}

static inline void rig_free(rig *g)
{
    proxy_free(g->p);
    free(g);
}

/* A message comes in on a flow; "\n" in it stands for CRLF. */
__attribute__((format(printf, 3, 4))) static inline void rig_say(rig *g, flow *f, const char *fmt,
                                                                 ...)
{
    char lines[RIG_TEXT];
    size_t n = 0;
    va_list args;
    va_start(args, fmt);
    vsnprintf(lines, sizeof(lines), fmt, args);
    va_end(args);
    for (const char *c = lines; *c && n + 2 < RIG_TEXT; c++) {
        if (*c == '\n')
            g->text[n++] = '\r';
        g->text[n++] = *c;
    }
    /* An exact copy in memory of its own, so that reading beyond its end is noticed. */
    char *exact = malloc(n);
    assert_non_null(exact);
    memcpy(exact, g->text, n);
    proxy_input(g->p, f, (str){exact, n}, g->now);
    free(exact);
}

/* The oldest message sent and not yet asked for, which must have gone to this flow; its text is
 * good until the next call. */
static inline const char *rig_heard(rig *g, const flow *f)
{
    static char text[RIG_TEXT];
    if (g->n_sent == 0)
        fail_msg("nothing was sent");
    if (f && g->sent[0].to != f)
        fail_msg("sent to %s and not to %s: %s", g->sent[0].to->name, f->name, g->sent[0].text);
    memcpy(text, g->sent[0].text, RIG_TEXT);
    memmove(&g->sent[0], &g->sent[1], --g->n_sent * sizeof(g->sent[0]));
    return text;
}

static inline const char *rig_expect(rig *g, const flow *f, const char *start)
{
    const char *text = rig_heard(g, f);
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("expected %s but got: %s", start, text);
    return text;
}

static inline void rig_silence(const rig *g)
{
    if (g->n_sent)
        fail_msg("unexpected, to %s: %s", g->sent[0].to->name, g->sent[0].text);
}

static inline void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in: %s", part, text);
}

static inline void hasnt(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" in: %s", part, text);
}

/* Time passes, in steps that the proxy asks for. */
static inline void rig_wait(rig *g, uint64_t ms)
{
    uint64_t end = g->now + ms;
    for (uint64_t next; (next = proxy_next(g->p)) <= end;) {
        g->now = next > g->now ? next : g->now;
        proxy_tick(g->p, g->now);
    }
    g->now = end;
}

static inline void rig_end_flow(rig *g, flow *f)
{
    f->open = false;
    proxy_closed(g->p, f, g->now);
}

/* Registers a user with the contact given ("<sip:...>;params"); extra: further fields. */
static inline const char *rig_register(rig *g, flow *f, const char *user, const char *contact,
                                       const char *extra)
{
    unsigned n = ++g->registered;
    rig_say(g, f,
            "REGISTER sip:example.com SIP/2.0\n"
            "Via: SIP/2.0/%s host.invalid;branch=z9hG4bKreg%u;rport\n"
            "Max-Forwards: 70\nFrom: <sip:%s@example.com>;tag=r%u\nTo: <sip:%s@example.com>\n"
            "Call-ID: reg%u\nCSeq: %u REGISTER\nContact: %s\n%sContent-Length: 0\n\n",
            flow_kind_via(f->kind), n, user, n, user, n, n, contact, extra);
    return rig_heard(g, NULL);
}

/* The value of the first field of that name in text, up to its line's end. */
static inline const char *rig_field(const char *text, const char *name)
{
    static char values[4][1024];
    static unsigned turn;
    char *value = values[turn++ % 4], start[64];
    snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *at = strstr(text, start);
    if (!at)
        fail_msg("no %s in: %s", name, text);
    else
        snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at + strlen(start), "\r"),
                 at + strlen(start));
    return value;
}

/* All lines of a name, each with its CRLF, for the answer to a request. */
static inline void rig_lines(const char *text, const char *name, char *out, size_t n)
{
    char start[64];
    size_t at = 0;
    snprintf(start, sizeof(start), "\r\n%s: ", name);
    out[0] = '\0';
    for (const char *hit = text; (hit = strstr(hit, start)) != NULL; hit += 2) {
        int length = (int)strcspn(hit + 2, "\r");
        at += (size_t)snprintf(out + at, n - at, "%.*s\n", length, hit + 2);
    }
}

/* Answers a request that was heard on f. */
static inline void rig_answer(rig *g, flow *f, const char *request, const char *status,
                              const char *extra)
{
    char via[RIG_TEXT / 2], rr[RIG_TEXT / 4], copy[RIG_TEXT];
    snprintf(copy, sizeof(copy), "%s", request);
    rig_lines(copy, "Via", via, sizeof(via));
    rig_lines(copy, "Record-Route", rr, sizeof(rr));
    const char *to = rig_field(copy, "To");
    rig_say(g, f,
            "SIP/2.0 %s\n%s%sFrom: %s\nTo: %s%s\nCall-ID: %s\nCSeq: %s\n%sContent-Length: 0\n\n",
            status, via, rr, rig_field(copy, "From"), to, strstr(to, ";tag=") ? "" : ";tag=uas",
            rig_field(copy, "Call-ID"), rig_field(copy, "CSeq"), extra);
}

#endif
