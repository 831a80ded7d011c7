#include "bridge/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conn.h"
#include "base/digest.h"
#include "base/mem.h"
#include "bridge/vantage.h"
#include "sip/framing.h"
#include "ws/endpoint.h"
#include "ws/handshake.h"

enum {
    HEAD_MAX = 64 * 1024, /* of a SIP message */
    WAITING_MAX = 4 * SIDE_MESSAGE_MAX,
    SETUP_MS = 10000,
    CLOSE_MS = 1000, /* for the peer's answer to our Close */
};

static const conn_limits limits = {
    .max_in = HTTP_HEAD_MAX, .max_out = 16 * SIDE_MESSAGE_MAX, .setup_ms = SETUP_MS};
static const char ping[] = "\r\n\r\n", pong[] = "\r\n";

typedef struct wire {
    side s;
    side_settings *set;
    const place *at; /* the listener's, or the far end */
    conn *c;
    bool client;
    bool opened;   /* connected, TLS included */
    bool ready;    /* messages can flow */
    bool detached; /* nobody listens to its events any more */
    bool dead;     /* ended; the task frees it */
    handshake_offer offer;
    sip_framing framing;
    endpoint_config config;
    endpoint ws;
    buf waiting; /* messages before ready: size_t length, bytes, and so on */
    loop_timer timer;
    loop_task task;
    unsigned own_pings; /* sent by us, not answered yet */
    vantage seen;
} wire;

static wire *of(side *s)
{
    return (wire *)s;
}

static bool is_ws(const wire *w)
{
    return place_is_websocket(w->at->kind);
}

/* ---- how it ends ---- */

static void on_task(void *arg)
{
    wire *w = arg;
    w->set->wires--;
    free(w);
}

/* The struct stays until the running callback has returned. */
static void bury(wire *w)
{
    if (w->dead)
        return;
    w->dead = w->detached = true;
    loop_timer_clear(w->set->l, &w->timer);
    sip_framing_free(&w->framing);
    endpoint_free(&w->ws);
    buf_free(&w->waiting);
    loop_task_init(&w->task, on_task, w);
    loop_post(w->set->l, &w->task);
}

/* Tells the owner, once. */
static void report(wire *w, bool orderly, const char *why)
{
    if (w->detached)
        return;
    w->detached = true;
    w->s.events->closed(&w->s, orderly, why, w->s.arg);
}

static void drop(wire *w, bool orderly, const char *why)
{
    if (w->dead)
        return;
    conn_close(w->c);
    report(w, orderly, why);
    bury(w);
}

/* Nobody waits for it any more. */
static void hang_up(wire *w)
{
    vantage_close(&w->seen, "local", 0);
    drop(w, true, "");
}

static void fail(wire *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail(wire *w, const char *fmt, ...)
{
    char why[SIDE_WHY];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    vantage_close(&w->seen, "error", 0);
    drop(w, false, why);
}

/* ---- sending ---- */

static int put(wire *w, str bytes)
{
    return conn_write(w->c, bytes);
}

/* What the endpoint wrote: frames. */
static int put_frames(wire *w, buf *out)
{
    int r = 0;
    if (out->n) {
        vantage_frames_out(&w->seen, buf_slice(out), w->client);
        r = put(w, buf_slice(out));
    }
    buf_free(out);
    return r;
}

static int put_message(wire *w, str message)
{
    if (!is_ws(w)) {
        vantage_message(&w->seen, RECORDER_OUT, message, 0);
        return put(w, message);
    }
    buf out;
    buf_init(&out, SIDE_MESSAGE_MAX + FRAME_HEAD_MAX);
    bool text = !w->set->binary && utf8_valid(message);
    if (text ? endpoint_text(&w->ws, message, &out) : endpoint_binary(&w->ws, message, &out))
        return -1;
    vantage_message(&w->seen, RECORDER_OUT, message, text ? FRAME_TEXT : FRAME_BINARY);
    return put_frames(w, &out);
}

static int send_message(side *s, str message, const char **why)
{
    wire *w = of(s);
    if (w->ready) {
        if (put_message(w, message) == 0)
            return 0;
        *why = "the connection takes nothing more";
        return -1;
    }
    size_t n = message.n;
    buf_add(&w->waiting, &n, sizeof(n));
    buf_str(&w->waiting, message);
    if (!buf_failed(&w->waiting))
        return 0;
    *why = "too much is waiting for the connection to open";
    return -1;
}

static void send_waiting(wire *w)
{
    size_t at = 0, n;
    while (at < w->waiting.n) {
        memcpy(&n, w->waiting.p + at, sizeof(n));
        at += sizeof(n);
        (void)put_message(w, (str){w->waiting.p + at, n});
        at += n;
    }
    buf_free(&w->waiting);
}

/* ---- keep-alive and time ---- */

static void keep_alive(wire *w)
{
    buf out;
    buf_init(&out, FRAME_HEAD_MAX + FRAME_CONTROL_MAX);
    if (w->set->keepalive == SIDE_KEEP_PING && w->own_pings) {
        fail(w, "no Pong within %u ms", (unsigned)w->set->keepalive_ms);
        return;
    }
    w->own_pings++;
    if (w->set->keepalive == SIDE_KEEP_PING)
        (void)endpoint_ping(&w->ws, (str){NULL, 0}, &out);
    else
        (void)put_message(w, (str){ping, 4});
    (void)put_frames(w, &out);
    loop_timer_set(w->set->l, &w->timer, w->set->keepalive_ms);
}

static void on_timer(void *arg)
{
    wire *w = arg;
    if (w->detached)
        hang_up(w);
    else
        keep_alive(w);
}

static void end(side *s, const char *why);

static void become_ready(wire *w)
{
    bool pings = w->set->keepalive == SIDE_KEEP_CRLF || is_ws(w);
    w->ready = true;
    conn_deadline(w->c, 0);
    if (w->s.network && w->set->keepalive && pings)
        loop_timer_set(w->set->l, &w->timer, w->set->keepalive_ms);
    send_waiting(w);
    if (w->detached)
        end(&w->s, "");
}

/* ---- receiving ---- */

/* The far end's ping is answered here; its pong belongs to whoever pinged. */
static void arrived(wire *w, str message, int opcode)
{
    int kind = sip_keepalive(message);
    vantage_message(&w->seen, RECORDER_IN, message, opcode);
    if (w->s.network && kind == 2) {
        (void)put_message(w, (str){pong, 2});
        return;
    }
    if (w->s.network && kind == 1 && w->own_pings) {
        w->own_pings = 0;
        return;
    }
    if (!w->detached)
        w->s.events->message(&w->s, message, w->s.arg);
}

static size_t read_stream(wire *w, char *p, size_t n)
{
    str bytes = {p, n};
    sip_framing_event ev;
    while (!w->dead && sip_framing_next(&w->framing, &bytes, &ev)) {
        if (ev.kind == SIP_FRAMING_ERROR)
            fail(w, "no SIP stream: %s (at byte %llu)", ev.text, (unsigned long long)ev.at);
        else
            arrived(w, ev.data, 0);
    }
    return n;
}

static void one_event(wire *w, const endpoint_event *ev)
{
    buf out;
    buf_init(&out, 2 * (FRAME_HEAD_MAX + FRAME_CONTROL_MAX));
    if (ev->kind == ENDPOINT_FRAME)
        vantage_frame(&w->seen, RECORDER_IN, &ev->frame, ev->data);
    else if (ev->kind == ENDPOINT_PONG)
        w->own_pings = 0;
    else if (ev->kind == ENDPOINT_TEXT || ev->kind == ENDPOINT_BINARY)
        arrived(w, ev->data, ev->kind == ENDPOINT_TEXT ? FRAME_TEXT : FRAME_BINARY);
    if (w->dead)
        return;
    endpoint_answer(&w->ws, ev, &out);
    (void)put_frames(w, &out);
    if (ev->kind == ENDPOINT_ERROR) {
        fail(w, "WebSocket: %s (at byte %llu)", ev->why, (unsigned long long)ev->at);
    } else if (ev->kind == ENDPOINT_CLOSE) {
        char why[SIDE_WHY];
        (void)snprintf(why, sizeof(why), "WebSocket Close %u %.*s", ev->code, STR_FMT(ev->data));
        vantage_close(&w->seen, w->detached ? "local" : "eof", ev->code);
        drop(w, ev->code == CLOSE_NORMAL || ev->code == CLOSE_GOING_AWAY, why);
    }
}

static size_t read_websocket(wire *w, char *p, size_t n)
{
    endpoint_event ev;
    size_t all = n;
    while (!w->dead && endpoint_next(&w->ws, &p, &n, &ev))
        one_event(w, &ev);
    return all;
}

/* ---- opening handshake ---- */

static void ask_for_websocket(wire *w)
{
    buf out;
    digest_random(w->offer.key, sizeof(w->offer.key));
    w->offer.host = str_of(w->at->authority);
    w->offer.target = str_of(w->at->path);
    w->offer.subprotocol = w->set->subprotocol;
    buf_init(&out, HTTP_HEAD_MAX);
    handshake_request(&w->offer, &out);
    vantage_handshake(&w->seen, RECORDER_OUT, buf_slice(&out));
    (void)put(w, buf_slice(&out));
    buf_free(&out);
}

static size_t read_answer(wire *w, char *p, size_t n)
{
    http_head h;
    long used = http_response((str){p, n}, &h);
    if (used == 0)
        return 0;
    if (used < 0) {
        vantage_handshake(&w->seen, RECORDER_IN, (str){p, n});
        fail(w, "WebSocket handshake: answer is not HTTP: %s (at byte %zu)",
             http_error_text(h.error), h.at);
        return n;
    }
    vantage_handshake(&w->seen, RECORDER_IN, (str){p, (size_t)used});
    if (h.status >= 100 && h.status < 200 && h.status != 101)
        return (size_t)used;
    handshake_error e = handshake_check(&h, &w->offer);
    if (e == HANDSHAKE_E_STATUS)
        fail(w, "WebSocket handshake: refused with %d %.*s", h.status, STR_FMT(h.reason));
    else if (e)
        fail(w, "WebSocket handshake: %s", handshake_error_text(e));
    else
        become_ready(w);
    return (size_t)used;
}

static size_t read_request(wire *w, char *p, size_t n)
{
    http_head h;
    buf out;
    handshake_verdict v = {.status = 0};
    str path = str_of(w->at->path);
    handshake_policy policy = {
        .subprotocol = w->set->subprotocol, .paths = &path, .path_count = path.n ? 1 : 0};
    long used = http_request((str){p, n}, &h);
    if (used == 0)
        return 0;
    buf_init(&out, HTTP_HEAD_MAX);
    if (used < 0) {
        v.why = http_error_text(h.error);
        http_write_refusal(&out, http_error_status(h.error), str_of(v.why), false);
    } else {
        handshake_answer(&h, &policy, &out, &v);
    }
    vantage_handshake(&w->seen, RECORDER_IN, (str){p, used > 0 ? (size_t)used : n});
    vantage_handshake(&w->seen, RECORDER_OUT, buf_slice(&out));
    (void)put(w, buf_slice(&out));
    buf_free(&out);
    if (v.status == 101)
        become_ready(w);
    else
        fail(w, "WebSocket handshake refused: %s", v.why);
    return used > 0 ? (size_t)used : n;
}

/* ---- the connection ---- */

static size_t on_data(conn *c, char *p, size_t n, void *arg)
{
    wire *w = arg;
    size_t used = 0;
    (void)c;
    if (!is_ws(w))
        return read_stream(w, p, n);
    while (!w->dead && !w->ready) {
        size_t step =
            w->client ? read_answer(w, p + used, n - used) : read_request(w, p + used, n - used);
        used += step;
        if (step == 0 || used == n)
            return used;
    }
    return w->dead ? n : used + read_websocket(w, p + used, n - used);
}

static void on_open(conn *c, void *arg)
{
    wire *w = arg;
    w->opened = true;
    vantage_open(&w->seen, c, w->client);
    if (!is_ws(w)) {
        become_ready(w);
        return;
    }
    conn_deadline(c, SETUP_MS);
    if (w->client)
        ask_for_websocket(w);
}

static void on_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    wire *w = arg;
    (void)c;
    char text[SIDE_WHY];
    bool midway = is_ws(w) ? w->ws.in_frame || w->ws.opcode : sip_framing_midway(&w->framing);
    const char *when = !w->ready ? (is_ws(w) && w->opened ? "WebSocket handshake: " : "")
                       : midway  ? "in the middle of a message: "
                                 : "";
    (void)snprintf(text, sizeof(text), "%s%s", when, detail);
    vantage_close(&w->seen, why == CONN_EOF ? "eof" : why == CONN_RESET ? "reset" : "error", 0);
    report(w, why == CONN_EOF && w->ready && !midway, text);
    bury(w);
}

static const conn_handler handler = {on_open, on_data, NULL, on_closed};

static void end(side *s, const char *why)
{
    wire *w = of(s);
    buf out;
    (void)why;
    w->detached = true;
    if (!w->ready && w->waiting.n) { /* become_ready() sends it and comes back here */
        loop_timer_set(w->set->l, &w->timer, CLOSE_MS);
        return;
    }
    if (!w->ready || !is_ws(w) || endpoint_closing(&w->ws)) {
        hang_up(w);
        return;
    }
    buf_init(&out, FRAME_HEAD_MAX + FRAME_CONTROL_MAX);
    endpoint_close(&w->ws, CLOSE_NORMAL, (str){NULL, 0}, &out);
    (void)put_frames(w, &out);
    loop_timer_set(w->set->l, &w->timer, CLOSE_MS);
}

static wire *make(side_settings *set, const place *at, bool network, bool client,
                  const side_events *events, void *arg)
{
    wire *w = mem_zalloc(1, sizeof(*w));
    w->config = (endpoint_config){.client = client,
                                  .report_frames = network && set->trace,
                                  .max_message = SIDE_MESSAGE_MAX,
                                  .random = digest_random};
    w->s = (side){
        .events = events, .arg = arg, .network = network, .send = send_message, .close = end};
    w->set = set;
    w->at = at;
    w->client = client;
    (void)snprintf(w->s.name, sizeof(w->s.name), "%s-%u", place_kind_name(at->kind), ++set->flows);
    w->seen = (vantage){.trace = network ? set->trace : NULL,
                        .flow = w->s.name,
                        .transport = place_kind_name(at->kind)};
    sip_framing_init(&w->framing, client ? SIP_FRAMING_CLIENT : SIP_FRAMING_SERVER, HEAD_MAX,
                     SIDE_MESSAGE_MAX);
    endpoint_init(&w->ws, &w->config);
    buf_init(&w->waiting, WAITING_MAX);
    loop_timer_init(&w->timer, on_timer, w);
    set->wires++;
    return w;
}

side *wire_connect(side_settings *set, const place *to, bool network, const side_events *events,
                   void *arg)
{
    wire *w = make(set, to, network, true, events, arg);
    tls *t = place_is_secure(to->kind) ? set->client : NULL;
    w->c = conn_connect(set->l, &to->at, NULL, t, to->host, &limits, &handler, w);
    return &w->s;
}

side *wire_accept(side_settings *set, const place *at, int fd, const addr *peer, bool network,
                  const side_events *events, void *arg)
{
    wire *w = make(set, at, network, false, events, arg);
    tls *t = place_is_secure(at->kind) ? set->server : NULL;
    w->c = conn_accept(set->l, fd, peer, t, &limits, &handler, w);
    return &w->s;
}
