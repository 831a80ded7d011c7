/* SIP over TCP and TLS: messages framed by Content-Length (RFC 3261 18.3), CRLF keep-alive answered
 * (RFC 5626 5.4). */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "fault/fault.h"
#include "sip/framing.h"
#include "transport/inside.h"

enum { HEAD_MAX = 32 * 1024 };

typedef struct tcp_flow {
    flow f;
    sip_framing framing;
    bool midway; /* the connection's deadline watches over the end of a message begun */
} tcp_flow;

static int tcp_send(flow *f, str message, const char **why);
static void tcp_close(flow *f, unsigned code, const char *why);
static void tcp_release(flow *f);

static const flow_ops TCP_OPS = {.send = tcp_send, .close = tcp_close, .release = tcp_release};

static void on_open(conn *c, void *arg);
static size_t on_data(conn *c, char *p, size_t n, void *arg);
static void on_closed(conn *c, conn_why why, const char *detail, void *arg);

static const conn_handler TCP_HANDLER = {.open = on_open, .data = on_data, .closed = on_closed};

static tcp_flow *make(transport *t)
{
    tcp_flow *s = mem_zalloc(1, sizeof(*s));
    size_t head = t->o.max_message < HEAD_MAX ? t->o.max_message : HEAD_MAX;
    sip_framing_init(&s->framing, SIP_FRAMING_SERVER, head, t->o.max_message);
    return s;
}

static void begin(tcp_flow *s, const char *kind)
{
    flow *f = &s->f;
    f->state = FLOW_OPEN;
    f->local = *conn_local(f->c);
    flow_record_open(f, kind);
    conn_idle(f->c, f->t->o.idle_ms);
}

flow *tcp_adopt(transport *t, const listener *li, conn *c)
{
    tcp_flow *s = make(t);
    conn_set_handler(c, &TCP_HANDLER, s);
    flow_begin(&s->f, t, conn_secure(c) ? FLOW_TLS : FLOW_TCP, &TCP_OPS, li, c, conn_local(c),
               conn_peer(c));
    s->f.accepted = true;
    s->midway = true;
    conn_deadline(c, t->o.setup_ms); /* for the first byte; then for each message begun */
    begin(s, "accept");
    if (t->h.opened)
        t->h.opened(&s->f, t->arg);
    return &s->f;
}

flow *tcp_dial(transport *t, flow_kind k, const addr *to, const char *host)
{
    tcp_flow *s = make(t);
    char literal[ADDR_TEXT];
    if (!host)
        host = addr_print_ip(to, literal);
    s->f.host = k == FLOW_TLS ? str_dup(str_of(host)) : NULL;
    conn *c = conn_connect(t->l, to, NULL, k == FLOW_TLS ? t->o.client : NULL, host, &t->limits,
                           &TCP_HANDLER, s);
    flow_begin(&s->f, t, k, &TCP_OPS, NULL, c, conn_local(c), to);
    return &s->f;
}

static void on_open(conn *c, void *arg)
{
    (void)c;
    tcp_flow *s = arg;
    transport *t = s->f.t;
    begin(s, "connect");
    if (t->h.opened)
        t->h.opened(&s->f, t->arg);
}

static void pong(tcp_flow *s, str ping)
{
    flow *f = &s->f;
    flow_record(f, "message", RECORDER_IN, ping, "{\"keepalive\":true}");
    if (fault_on(FAULT_KEEPALIVE_PONG_MISSING))
        return;
    str answer = fault_on(FAULT_KEEPALIVE_PONG_DOUBLE) ? STR("\r\n\r\n") : STR("\r\n");
    flow_record(f, "message", RECORDER_OUT, answer, "{\"keepalive\":true}");
    (void)conn_write(f->c, answer); /* a failure ends the flow by itself */
}

/* The stream cannot be read on: whoever is above may answer, then it ends. */
static void bad(tcp_flow *s, const sip_framing_event *ev)
{
    flow *f = &s->f;
    log_info("tcp", "bad-stream", "flow=%s at=%llu why=\"%s\"", f->name, (unsigned long long)ev->at,
             ev->text);
    if (f->t->h.bad)
        f->t->h.bad(f, ev->data, (size_t)ev->at, ev->text, f->t->arg);
    flow_record_close(f, "error", 0);
    flow_end(f, ev->text);
}

static size_t on_data(conn *c, char *p, size_t n, void *arg)
{
    tcp_flow *s = arg;
    flow *f = &s->f;
    str bytes = {p, n};
    sip_framing_event ev;
    while (f->state == FLOW_OPEN && sip_framing_next(&s->framing, &bytes, &ev)) {
        switch (ev.kind) {
        case SIP_FRAMING_MESSAGE:
            flow_message(f, ev.data, NULL);
            if (fault_on(FAULT_STREAM_ONE_PER_READ))
                return n;
            break;
        case SIP_FRAMING_PING: pong(s, ev.data); break;
        case SIP_FRAMING_PONG:
            flow_record(f, "message", RECORDER_IN, ev.data, "{\"keepalive\":true}");
            break;
        case SIP_FRAMING_ERROR: bad(s, &ev); break;
        }
    }
    if (f->state == FLOW_OPEN && sip_framing_midway(&s->framing) != s->midway) {
        s->midway = !s->midway;
        conn_deadline(c, s->midway ? f->t->o.setup_ms : 0);
    }
    return n;
}

static void on_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    (void)c;
    tcp_flow *s = arg;
    flow *f = &s->f;
    flow_record_close(f, why == CONN_EOF ? "eof" : why == CONN_RESET ? "reset" : "error", 0);
    f->c = NULL;
    bool slow = why == CONN_TIMEOUT && s->midway && f->state == FLOW_OPEN;
    flow_end(f, slow ? "message not completed in time" : detail);
}

static int tcp_send(flow *f, str message, const char **why)
{
    if (fault_on(FAULT_FLOW_DIALS_BACK) && f->accepted) {
        flow *other = tcp_dial(f->t, FLOW_TCP, &f->remote, NULL);
        return flow_send(other, message, why);
    }
    flow_record(f, "message", RECORDER_OUT, message, NULL);
    if (conn_write(f->c, message)) {
        *why = "connection is closing, or its output queue is full";
        return -1;
    }
    return 0;
}

static void tcp_close(flow *f, unsigned code, const char *why)
{
    (void)code;
    flow_record_close(f, "local", 0);
    flow_end(f, why);
}

static void tcp_release(flow *f)
{
    sip_framing_free(&((tcp_flow *)f)->framing);
}
