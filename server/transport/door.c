/* The front door: what an accepted connection is until it is known what it speaks. TLS first, then
 * ALPN or the first bytes tell; HTTP is answered here (page, WebSocket handshake), SIP and
 * WebSocket connections are handed over to the flows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "transport/inside.h"

enum {
    REQUESTS_MAX = 100,     /* on one connection */
    PIECE = 32 * 1024,      /* of a file, read at a time */
    SENDING_MS = 60000,     /* for one file */
    ANSWER_MAX = 16 * 1024, /* a response head, or a whole refusal */
};

typedef enum door_mode { DOOR_SNIFF, DOOR_HTTP, DOOR_WEBSOCKET, DOOR_SIP } door_mode;

struct door {
    transport *t;
    const listener *li;
    conn *c;
    door *prev, *next;
    int file; /* being sent, -1: none */
    uint64_t left;
    unsigned requests;
    uint8_t mode; /* door_mode: what may come; SNIFF is decided by the first bytes */
    bool last;    /* closes after the answer being sent */
};

static void on_open(conn *c, void *arg);
static size_t on_data(conn *c, char *p, size_t n, void *arg);
static void on_drained(conn *c, void *arg);
static void on_closed(conn *c, conn_why why, const char *detail, void *arg);

static const conn_handler DOOR_HANDLER = {
    .open = on_open, .data = on_data, .drained = on_drained, .closed = on_closed};

static door_mode mode_of(listener_kind k)
{
    switch (k) {
    case LISTEN_WS:
    case LISTEN_WSS: return DOOR_WEBSOCKET;
    case LISTEN_PLAIN:
    case LISTEN_SECURE: return DOOR_SNIFF;
    default: return DOOR_SIP;
    }
}

void door_open(listening *li, int fd, const addr *peer)
{
    transport *t = li->t;
    listener_kind k = li->pub.kind;
    bool secure = k == LISTEN_TLS || k == LISTEN_WSS || k == LISTEN_SECURE;
    door *d = mem_zalloc(1, sizeof(*d));
    d->t = t;
    d->li = &li->pub;
    d->file = -1;
    d->mode = (uint8_t)mode_of(k);
    d->next = t->doors;
    if (d->next)
        d->next->prev = d;
    t->doors = d;
    t->connections++;
    t->counts.accepted++;
    d->c = conn_accept(t->l, fd, peer, secure ? t->o.server : NULL, &t->limits, &DOOR_HANDLER, d);
}

/* Frees the door, not the connection. */
static void leave(door *d)
{
    transport *t = d->t;
    if (d->prev)
        d->prev->next = d->next;
    else
        t->doors = d->next;
    if (d->next)
        d->next->prev = d->prev;
    if (d->file >= 0)
        close(d->file);
    free(d);
}

static void end(door *d, const char *why)
{
    if (log_on(LOG_INFO)) {
        char there[ADDR_TEXT];
        log_event(LOG_INFO, "door", "end", "listener=%s remote=%s why=\"%s\"", d->li->name,
                  addr_print(conn_peer(d->c), there), why);
    }
    conn_close(d->c);
    d->t->connections--;
    leave(d);
}

void door_end_all(transport *t)
{
    while (t->doors) {
        door *d = t->doors;
        conn_abort(d->c);
        t->connections--;
        leave(d);
    }
}

static void on_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    (void)c;
    (void)why;
    end(arg, detail);
}

/* ---- telling protocols apart ---- */

static void become_sip(door *d)
{
    transport *t = d->t;
    const listener *li = d->li;
    conn *c = d->c;
    leave(d);
    tcp_adopt(t, li, c);
}

static void on_open(conn *c, void *arg)
{
    door *d = arg;
    str alpn = conn_alpn(c);
    if (d->mode == DOOR_SNIFF && str_eq(alpn, STR("http/1.1")))
        d->mode = DOOR_HTTP;
    else if (d->mode == DOOR_SNIFF && (str_eq(alpn, STR("sip")) || str_eq(alpn, STR("sip/2"))))
        d->mode = DOOR_SIP;
    if (d->mode == DOOR_SIP)
        become_sip(d);
    else
        conn_deadline(c, d->t->o.setup_ms);
}

/* What these first bytes begin. NULL with the mode set (SNIFF: more bytes needed), or the reason
 * why the connection is refused. */
static const char *sniff(door *d, str in)
{
    uint8_t first = (uint8_t)in.p[0];
    if (first <= 3) /* RFC 7983: STUN, and so a TURN client's first message */
        return "STUN is not served on this port";
    if (first == 0x16)
        return "TLS on a plain port";
    if (first == '\r' || first == '\n') {
        d->mode = DOOR_SIP; /* a keep-alive, RFC 5626 4.4.1 */
        return NULL;
    }
    int http = http_looks_like(in);
    if (http)
        d->mode = http > 0 ? DOOR_HTTP : DOOR_SIP;
    return NULL;
}

/* ---- HTTP ---- */

static void refuse(door *d, int status, const char *why, bool head_only)
{
    buf out;
    buf_init(&out, ANSWER_MAX);
    http_write_refusal(&out, status, str_of(why), head_only);
    (void)conn_write(d->c, buf_slice(&out)); /* closed next in any case */
    buf_free(&out);
    end(d, why);
}

/* Sends what the connection takes now of the file. False when the door is gone. */
static bool send_file(door *d)
{
    char piece[PIECE];
    while (d->left && conn_queued(d->c) == 0) {
        ssize_t n = read(d->file, piece, d->left < PIECE ? (size_t)d->left : PIECE);
        if (n <= 0 || conn_write(d->c, (str){piece, (size_t)n})) {
            end(d, n < 0 ? strerror(errno) : "file cut short while being sent");
            return false;
        }
        d->left -= (uint64_t)n;
    }
    if (d->left)
        return true;
    close(d->file);
    d->file = -1;
    if (d->last) {
        end(d, "page sent");
        return false;
    }
    conn_deadline(d->c, d->t->o.setup_ms);
    return true;
}

/* Answers a request for a page, file (-1: none) of that size and type. False when the door is gone.
 */
static bool send_page(door *d, const http_head *h, str path, int file, uint64_t size,
                      const char *type)
{
    d->file = file;
    bool head_only = str_eq(h->method, STR("HEAD"));
    if (!head_only && !str_eq(h->method, STR("GET"))) {
        buf out;
        buf_init(&out, ANSWER_MAX);
        http_write_status(&out, 405);
        http_write_header(&out, STR("Allow"), STR("GET, HEAD"));
        http_write_number(&out, STR("Content-Length"), 0);
        http_write_header(&out, STR("Connection"), STR("close"));
        http_write_end(&out);
        (void)conn_write(d->c, buf_slice(&out));
        buf_free(&out);
        end(d, "405 method not allowed");
        return false;
    }
    if (file < 0) {
        refuse(d, 404, "no such page", head_only);
        return false;
    }
    d->last = !http_keeps_alive(h) || ++d->requests >= REQUESTS_MAX;
    d->left = head_only ? 0 : size;
    buf out;
    buf_init(&out, ANSWER_MAX);
    http_write_status(&out, 200);
    http_write_header(&out, STR("Content-Type"), str_of(type));
    http_write_number(&out, STR("Content-Length"), size);
    http_write_header(&out, STR("Cache-Control"), STR("no-store"));
    http_write_header(&out, STR("X-Content-Type-Options"), STR("nosniff"));
    if (d->last)
        http_write_header(&out, STR("Connection"), STR("close"));
    http_write_end(&out);
    log_debug("door", "page", "path=%.*s bytes=%llu", STR_FMT(path), (unsigned long long)size);
    conn_deadline(d->c, SENDING_MS);
    (void)conn_write(d->c, buf_slice(&out)); /* the file's first piece finds a failure again */
    buf_free(&out);
    return send_file(d);
}

static void on_drained(conn *c, void *arg)
{
    door *d = arg;
    if (d->file >= 0 && send_file(d) && d->file < 0)
        conn_pause(c, false);
}

/* A refused handshake never becomes a flow, but its trace looks like one. */
static void record_refusal(door *d, str head, str answer)
{
    transport *t = d->t;
    if (!t->o.trace)
        return;
    bool secure = conn_secure(d->c);
    char name[32];
    (void)snprintf(name, sizeof(name), "%s-%llu", secure ? "wss" : "ws",
                   (unsigned long long)++t->numbers);
    recorder_event e = {.kind = "accept",
                        .flow = name,
                        .transport = secure ? "wss" : "ws",
                        .local = conn_local(d->c),
                        .remote = conn_peer(d->c)};
    recorder_add(t->o.trace, &e);
    e.kind = "handshake";
    e.dir = RECORDER_IN;
    e.data = head;
    recorder_add(t->o.trace, &e);
    e.dir = RECORDER_OUT;
    e.data = answer;
    recorder_add(t->o.trace, &e);
    e.kind = "close";
    e.dir = RECORDER_NONE;
    e.data = (str){NULL, 0};
    e.info = "{\"why\":\"local\"}";
    recorder_add(t->o.trace, &e);
}

/* Answers a WebSocket handshake; the door is gone then. */
static void shake(door *d, http_head *h, str head)
{
    transport *t = d->t;
    handshake_policy policy = t->policy;
    handshake_verdict v;
    mangle_request(h, &policy);
    buf out;
    buf_init(&out, ANSWER_MAX);
    int status = handshake_answer(h, &policy, &out, &v);
    mangle_answer(&out);
    if (status == 101) {
        conn *c = d->c;
        const listener *li = d->li;
        leave(d);
        websocket_adopt(t, li, c, head, buf_slice(&out));
    } else {
        record_refusal(d, head, buf_slice(&out));
        log_info("door", "handshake-refused", "status=%d why=\"%s\"", status, v.why);
        (void)conn_write(d->c, buf_slice(&out)); /* closed next in any case */
        end(d, v.why);
    }
    buf_free(&out);
}

/* One request from the front of in. Returns its size; 0 when more bytes are needed, or when the
 * door is gone (*gone): then nothing may touch it. */
static size_t request(door *d, str in, bool *gone)
{
    http_head h;
    long size = http_request(in, &h);
    if (size == 0)
        return 0;
    *gone = true;
    if (size < 0) {
        refuse(d, http_error_status(h.error), http_error_text(h.error), false);
        return 0;
    }
    str head = str_sub(in, 0, (size_t)size);
    http_target target;
    uint64_t body = 0;
    bool head_only = str_eq(h.method, STR("HEAD"));
    if (http_body_length(&h, &body)) {
        refuse(d, 400, "body length is not clear", head_only);
    } else if (http_target_of(&h, &target)) {
        refuse(d, 400, "request target or Host is malformed", head_only);
    } else {
        uint64_t length = 0;
        const char *type = "";
        int file = page_open(d->t->o.www, target.path, &length, &type);
        bool websocket =
            d->mode == DOOR_WEBSOCKET || handshake_wanted(&h, &d->t->policy, file >= 0);
        if (file >= 0 && (websocket || body))
            close(file);
        if (websocket)
            shake(d, &h, head);
        else if (body)
            refuse(d, 400, "no request with a body is served", head_only);
        else
            *gone = !send_page(d, &h, target.path, file, length, type);
    }
    return (size_t)size;
}

static size_t on_data(conn *c, char *p, size_t n, void *arg)
{
    door *d = arg;
    str in = {p, n};
    if (d->mode == DOOR_SNIFF) {
        const char *why = sniff(d, in);
        if (why) {
            end(d, why);
            return n;
        }
        if (d->mode == DOOR_SNIFF)
            return 0;
    }
    if (d->mode == DOOR_SIP) {
        become_sip(d);
        return 0;
    }
    size_t used = 0;
    bool gone = false;
    while (used < n && !gone && d->file < 0) {
        size_t size = request(d, str_sub(in, used, n), &gone);
        if (size == 0)
            break;
        used += size;
    }
    if (!gone && d->file >= 0)
        conn_pause(c, true);
    return used;
}
