/* SIP over WebSocket, the server's side: one SIP message per WebSocket message, text or binary (RFC
 * 7118 4.2 and 5), CRLF keep-alive and Ping (RFC 7118 6), closing handshake (RFC 6455 7). */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "fault/fault.h"
#include "sip/framing.h"
#include "transport/inside.h"
#include "ws/utf8.h"

enum { CLOSE_MS = 3000 }; /* for the peer's Close after ours */

typedef struct websocket {
    flow f;
    endpoint e;
    loop_timer ping;
    bool heard; /* something came since the last Ping */
    buf held;   /* only when faults change the input */
} websocket;

static int ws_send(flow *f, str message, const char **why);
static void ws_close(flow *f, unsigned code, const char *why);
static void ws_release(flow *f);

static const flow_ops WS_OPS = {.send = ws_send, .close = ws_close, .release = ws_release};

static void on_open(conn *c, void *arg);
static size_t on_data(conn *c, char *p, size_t n, void *arg);
static void on_closed(conn *c, conn_why why, const char *detail, void *arg);

static const conn_handler WS_HANDLER = {.open = on_open, .data = on_data, .closed = on_closed};

static void on_open(conn *c, void *arg)
{
    (void)c; /* it was open when its door handed it over */
    (void)arg;
}

/* ---- records ---- */

static void record_frame(flow *f, recorder_dir dir, const frame_head *h, str payload)
{
    char info[160], close[24] = "";
    if (h->opcode == FRAME_CLOSE && payload.n >= 2)
        (void)snprintf(close, sizeof(close), ",\"close\":%u",
                       (unsigned)((uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1]));
    (void)snprintf(info, sizeof(info),
                   "{\"fin\":%s,\"rsv\":%u,\"opcode\":%u,\"masked\":%s,\"length\":%llu%s}",
                   h->fin ? "true" : "false", h->rsv, h->opcode, h->masked ? "true" : "false",
                   (unsigned long long)h->length, close);
    flow_record(f, "frame", dir, payload.p ? payload : STR(""), info);
}

/* The frames that are about to be written, unmasked for the record. */
static void record_output(flow *f, str out)
{
    while (f->t->o.trace && out.n) {
        frame_head h = {0};
        frame_error e;
        int size = frame_parse(out, false, &h, &e);
        if (size <= 0 || h.length > out.n - (size_t)size) {
            /* Broken on purpose by a fault: shown as it is. */
            flow_record(f, "frame", RECORDER_OUT, out, "{\"broken\":true}");
            return;
        }
        record_frame(f, RECORDER_OUT, &h, str_sub(out, (size_t)size, (size_t)h.length));
        out = str_sub(out, (size_t)size + (size_t)h.length, out.n);
    }
}

static const char *message_info(bool text, bool keepalive)
{
    if (keepalive)
        return text ? "{\"opcode\":1,\"keepalive\":true}" : "{\"opcode\":2,\"keepalive\":true}";
    return text ? "{\"opcode\":1}" : "{\"opcode\":2}";
}

/* ---- output ---- */

/* Writes frames; a failure ends the flow by the connection's own report. */
static int put(websocket *w, buf *out)
{
    if (out->n == 0)
        return 0;
    mangle_frames(out);
    record_output(&w->f, buf_slice(out));
    return conn_write(w->f.c, buf_slice(out));
}

static int ws_send_one(websocket *w, str message, const char **why)
{
    flow *f = &w->f;
    buf *out = &f->t->out;
    bool text = utf8_valid(message) || fault_on(FAULT_WS_TEXT_ALWAYS);
    buf_clear(out);
    int refused = text ? endpoint_text(&w->e, message, out) : endpoint_binary(&w->e, message, out);
    if (refused || buf_failed(out)) {
        *why = refused ? "WebSocket is closing" : "message longer than the output queue";
        return -1;
    }
    flow_record(f, "message", RECORDER_OUT, message, message_info(text, sip_keepalive(message)));
    if (put(w, out)) {
        *why = "connection is closing, or its output queue is full";
        return -1;
    }
    return 0;
}

static int ws_send(flow *f, str message, const char **why)
{
    websocket *w = (websocket *)f;
    if (fault_on(FAULT_WS_MESSAGE_SPLIT) && message.n > 1) {
        size_t half = message.n / 2;
        return ws_send_one(w, str_sub(message, 0, half), why) ||
                       ws_send_one(w, str_sub(message, half, message.n), why)
                   ? -1
                   : 0;
    }
    return ws_send_one(w, message, why);
}

static void give_up(void *arg)
{
    websocket *w = arg;
    flow_record_close(&w->f, "local", 0);
    flow_end(&w->f, "the peer did not answer our Close");
}

/* Keeps the first reason, which is the one to report once the connection is gone. */
static void keep_why(flow *f, const char *why)
{
    if (!f->why)
        f->why = str_dup(str_of(why));
}

static void ws_close(flow *f, unsigned code, const char *why)
{
    websocket *w = (websocket *)f;
    buf out;
    buf_init(&out, FRAME_HEAD_MAX + FRAME_CONTROL_MAX);
    endpoint_close(&w->e, (uint16_t)code, str_of(why), &out);
    (void)put(w, &out);
    buf_free(&out);
    f->state = FLOW_CLOSING;
    keep_why(f, why);
    w->ping.fn = give_up;
    loop_timer_set(f->t->l, &w->ping, CLOSE_MS);
}

static void send_ping(void *arg)
{
    websocket *w = arg;
    flow *f = &w->f;
    if (!w->heard) {
        flow_record_close(f, "error", 0);
        flow_end(f, "no answer to Ping");
        return;
    }
    w->heard = false;
    buf out;
    buf_init(&out, FRAME_HEAD_MAX + FRAME_CONTROL_MAX);
    (void)endpoint_ping(&w->e, (str){NULL, 0}, &out);
    (void)put(w, &out);
    buf_free(&out);
    loop_timer_set(f->t->l, &w->ping, f->t->o.ws_ping_ms);
}

/* ---- input ---- */

static void pong(websocket *w, bool text, str ping)
{
    flow_record(&w->f, "message", RECORDER_IN, ping, message_info(text, true));
    if (ping.n < 4 || fault_on(FAULT_KEEPALIVE_PONG_MISSING_WS))
        return;
    const char *unused;
    str answer = fault_on(FAULT_KEEPALIVE_PONG_DOUBLE) ? STR("\r\n\r\n") : STR("\r\n");
    (void)ws_send_one(w, answer, &unused); /* a failure ends the flow by itself */
}

static void on_message(websocket *w, bool text, str data)
{
    flow *f = &w->f;
    if (!text && fault_on(FAULT_WS_BINARY_DROPPED))
        return;
    if (sip_keepalive(data))
        pong(w, text, data);
    else if (data.n && f->state == FLOW_OPEN)
        flow_message(f, data, message_info(text, false));
}

/* What the layer answers to an event; faults leave it out or change it. */
static void answer(websocket *w, endpoint_event *ev, buf *out)
{
    if (ev->kind == ENDPOINT_PING && fault_on(FAULT_WS_PONG_MISSING))
        return;
    if (ev->kind == ENDPOINT_CLOSE && fault_on(FAULT_WS_CLOSE_MISSING))
        return;
    if (ev->kind == ENDPOINT_PING && fault_on(FAULT_WS_PONG_EMPTY))
        ev->data = (str){NULL, 0};
    endpoint_answer(&w->e, ev, out);
}

static void on_event(websocket *w, endpoint_event *ev)
{
    flow *f = &w->f;
    switch (ev->kind) {
    case ENDPOINT_FRAME: record_frame(f, RECORDER_IN, &ev->frame, ev->data); break;
    case ENDPOINT_TEXT:
    case ENDPOINT_BINARY: on_message(w, ev->kind == ENDPOINT_TEXT, ev->data); break;
    case ENDPOINT_PING:
    case ENDPOINT_PONG: break;
    case ENDPOINT_CLOSE:
        flow_record_close(f, f->state == FLOW_CLOSING ? "local" : "eof", ev->code);
        if (f->state == FLOW_OPEN)
            keep_why(f, "WebSocket closed by the peer");
        break;
    case ENDPOINT_ERROR:
        log_info("ws", "error", "flow=%s at=%llu code=%u why=\"%s\"", f->name,
                 (unsigned long long)ev->at, ev->code, ev->why);
        flow_record_close(f, "error", ev->code);
        keep_why(f, ev->why);
        break;
    }
}

static void read_frames(websocket *w, char *p, size_t n)
{
    flow *f = &w->f;
    endpoint_event ev;
    buf out;
    buf_init(&out, f->t->o.max_queue);
    while (f->state != FLOW_GONE && endpoint_next(&w->e, &p, &n, &ev)) {
        on_event(w, &ev);
        if (f->state == FLOW_GONE)
            break;
        answer(w, &ev, &out);
    }
    if (f->state != FLOW_GONE) {
        (void)put(w, &out);
        if (endpoint_over(&w->e) || (fault_on(FAULT_WS_CLOSE_MISSING) && endpoint_closing(&w->e))) {
            flow_end(f, "WebSocket closed");
        }
    }
    buf_free(&out);
}

static size_t on_data(conn *c, char *p, size_t n, void *arg)
{
    (void)c;
    websocket *w = arg;
    w->heard = true;
    if (mangle_reading()) {
        buf ready;
        buf_init(&ready, w->held.max + n);
        buf_add(&w->held, p, n);
        mangle_input(&w->held, &ready);
        read_frames(w, ready.p, ready.n);
        buf_free(&ready);
    } else {
        read_frames(w, p, n);
    }
    return n;
}

static void on_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    (void)c;
    websocket *w = arg;
    flow *f = &w->f;
    flow_record_close(f, why == CONN_EOF ? "eof" : why == CONN_RESET ? "reset" : "error", 0);
    f->c = NULL;
    flow_end(f, detail);
}

static void ws_release(flow *f)
{
    websocket *w = (websocket *)f;
    loop_timer_clear(f->t->l, &w->ping);
    endpoint_free(&w->e);
    buf_free(&w->held);
}

flow *websocket_adopt(transport *t, const listener *li, conn *c, str head, str answer_head)
{
    websocket *w = mem_zalloc(1, sizeof(*w));
    flow *f = &w->f;
    conn_set_handler(c, &WS_HANDLER, w);
    endpoint_init(&w->e, &t->ws);
    buf_init(&w->held, t->o.max_message + LOOP_SCRATCH);
    flow_begin(f, t, conn_secure(c) ? FLOW_WSS : FLOW_WS, &WS_OPS, li, c, conn_local(c),
               conn_peer(c));
    f->accepted = true;
    f->state = FLOW_OPEN;
    flow_record_open(f, "accept");
    flow_record(f, "handshake", RECORDER_IN, head, NULL);
    flow_record(f, "handshake", RECORDER_OUT, answer_head, NULL);
    (void)conn_write(c, answer_head); /* a failure ends the flow by itself */
    conn_deadline(c, 0);
    conn_idle(c, t->o.idle_ms);
    loop_timer_init(&w->ping, send_ping, w);
    w->heard = true;
    if (t->o.ws_ping_ms)
        loop_timer_set(t->l, &w->ping, t->o.ws_ping_ms);
    if (t->h.opened)
        t->h.opened(f, t->arg);
    return f;
}
