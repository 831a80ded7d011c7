/* A whole proxy under a script: the input is a list of steps, each ended by the byte 0xFF.
 *   '0'..'4' message   it comes in on the flow to that peer (UDP, TCP, TLS, WS, WSS); LF means CRLF
 *   'r' xyz            the newest request that left is answered with status xyz by who got it
 *   't' number         so many milliseconds pass
 *   'c' digit          that peer's flow ends
 * Whatever comes, nothing breaks, and when all is over nothing is left. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/proxy.h"
#include "sip/write.h"

enum { PEERS = 5, DIALLED = 8, LAST = 16384 };

struct flow {
    uint64_t id;
    flow_kind kind;
    addr local, remote;
    const listener *li;
    bool open;
};

static struct world {
    listener listeners[PEERS];
    flow flows[PEERS + DIALLED];
    size_t n;
    uint64_t next_id, now;
    flow *to;
    char last[LAST];
    size_t last_n;
    proxy *p;
} world;

static uint64_t id_of(const flow *f)
{
    return f->id;
}

static flow_kind kind_of(const flow *f)
{
    return f->kind;
}

static const addr *local_of(const flow *f)
{
    return &f->local;
}

static const addr *remote_of(const flow *f)
{
    return &f->remote;
}

static const listener *listener_of(const flow *f)
{
    return f->li;
}

static const char *name_of(const flow *f)
{
    (void)f;
    return "flow";
}

static int send_on(flow *f, str message, const char **why)
{
    (void)why;
    if (!f->open)
        return -1;
    if (!str_starts(message, STR("SIP/2.0 ")) && message.n <= LAST) {
        memcpy(world.last, message.p, message.n);
        world.last_n = message.n;
        world.to = f;
    }
    return 0;
}

static void keep(flow *f, uint64_t ms)
{
    (void)f;
    (void)ms;
}

static void end(flow *f, unsigned code, const char *why)
{
    (void)code;
    (void)why;
    f->open = false;
}

static flow *find(void *self, uint64_t id)
{
    (void)self;
    for (size_t i = 0; i < world.n; i++)
        if (world.flows[i].id == id && world.flows[i].open)
            return &world.flows[i];
    return NULL;
}

static flow *open_flow(flow *f, flow_kind k, const addr *to, bool accepted)
{
    *f = (flow){.id = ++world.next_id, .kind = k, .remote = *to, .open = true};
    f->local = world.listeners[k].at;
    f->li = accepted || k == FLOW_UDP ? &world.listeners[k] : NULL;
    return f;
}

static flow *reach(void *self, flow_kind k, const addr *to, const char *host, const listener *via,
                   const char **why)
{
    (void)self;
    (void)host;
    (void)via;
    (void)why;
    for (size_t i = 0; i < world.n; i++)
        if (world.flows[i].open && world.flows[i].kind == k && addr_eq(&world.flows[i].remote, to))
            return &world.flows[i];
    if (world.n == PEERS + DIALLED)
        return NULL;
    return open_flow(&world.flows[world.n++], k, to, false);
}

static const listener *listener_for(void *self, flow_kind k, int family)
{
    (void)self;
    (void)family;
    return &world.listeners[k];
}

static size_t listeners(void *self)
{
    (void)self;
    return PEERS;
}

static const listener *listener_at(void *self, size_t i)
{
    (void)self;
    return &world.listeners[i];
}

static void resolve(void *self, str host, uint16_t port, wire_resolved *done, void *arg)
{
    addr two[2] = {world.flows[1].remote, world.flows[2].remote};
    (void)self;
    two[0].port = two[1].port = port;
    done(arg, two, host.n % 3);
}

static void start(void)
{
    static char domain[] = "example.com";
    static char *domains[] = {domain};
    static const char *const at[] = {"192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1:5061",
                                     "192.0.2.1:80", "192.0.2.1:443"};
    static const listener_kind kinds[] = {LISTEN_UDP, LISTEN_TCP, LISTEN_TLS, LISTEN_WS,
                                          LISTEN_WSS};
    proxy_options o = {
        .domains = {domains, 1}, .min_expires = 60, .max_expires = 7200, .default_expires = 3600};
    wire w = {.id = id_of,
              .kind = kind_of,
              .local = local_of,
              .remote = remote_of,
              .listener = listener_of,
              .name = name_of,
              .send = send_on,
              .keep = keep,
              .close = end,
              .find = find,
              .reach = reach,
              .listener_for = listener_for,
              .listeners = listeners,
              .listener_at = listener_at,
              .resolve = resolve};
    memset(&world, 0, sizeof(world));
    world.now = 1000;
    for (size_t i = 0; i < PEERS; i++) {
        addr peer;
        world.listeners[i].kind = kinds[i];
        (void)addr_parse(&world.listeners[i].at, str_of(at[i]));
        (void)addr_parse(&peer, STR("192.0.2.7:5060"));
        peer.port = (uint16_t)(5060 + i);
        open_flow(&world.flows[world.n++], (flow_kind)i, &peer, true);
    }
    world.p = proxy_new(&o, &w);
}

static void say(flow *f, str text)
{
    char *bytes = mem_alloc(2 * text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n')
            bytes[n++] = '\r';
        bytes[n++] = text.p[i];
    }
    char *exact = mem_alloc(n); /* so that reading beyond the end is noticed */
    memcpy(exact, bytes, n);
    free(bytes);
    if (f->open)
        proxy_input(world.p, f, (str){exact, n}, world.now);
    free(exact);
}

static void answer(str status)
{
    static sip_message m;
    uint64_t code;
    buf out;
    flow *f = world.to;
    if (!f || str_u64(str_sub(status, 0, 3), 699, &code) || code < 100 ||
        sip_message_parse((str){world.last, world.last_n}, SIP_DATAGRAM, &m, NULL))
        return;
    buf_init(&out, LAST * 2);
    if (!sip_write_response(&out, &m, (unsigned)code, STR(""), STR("uas"), STR(""), STR("")) &&
        f->open)
        proxy_input(world.p, f, buf_slice(&out), world.now);
    buf_free(&out);
}

static void pass(uint64_t ms)
{
    uint64_t until = world.now + ms;
    for (uint64_t next; (next = proxy_next(world.p)) <= until;) {
        world.now = next > world.now ? next : world.now;
        proxy_tick(world.p, world.now);
    }
    world.now = until;
}

static void step(str s)
{
    uint64_t v;
    str rest = str_sub(s, 1, s.n);
    if (s.n == 0)
        return;
    if (s.p[0] >= '0' && s.p[0] < '0' + PEERS)
        say(&world.flows[s.p[0] - '0'], rest);
    else if (s.p[0] == 'r')
        answer(rest);
    else if (s.p[0] == 't' && !str_u64(rest, 600000, &v))
        pass(v);
    else if (s.p[0] == 'c' && !str_u64(rest, PEERS - 1, &v) && world.flows[v].open) {
        world.flows[v].open = false;
        proxy_closed(world.p, &world.flows[v], world.now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = {(const char *)data, size};
    start();
    while (rest.n) {
        size_t n = str_chr(rest, '\xff', 0);
        step(str_sub(rest, 0, n));
        rest = str_sub(rest, n + 1, rest.n);
    }
    pass(800000); /* beyond every timer of a transaction */
    if (proxy_count(world.p).contexts)
        abort();
    proxy_free(world.p);
    return 0;
}
