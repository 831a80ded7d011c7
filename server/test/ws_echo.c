/* ws-echo PORT: a WebSocket echo server on 127.0.0.1, on the same layer as the SIP server, for
 * conformance suites and load tools. Any path, no subprotocol, messages of up to 64 MiB; 0 chooses
 * a free port. Prints "ws-echo ready PORT" once it listens; SIGTERM and SIGINT end it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conn.h"
#include "base/mem.h"
#include "base/sock.h"
#include "ws/endpoint.h"
#include "ws/handshake.h"

enum {
    MESSAGE_MAX = 64 * 1024 * 1024,
    QUEUE_MAX = 4 * MESSAGE_MAX,
    QUEUE_PAUSE = 1024 * 1024, /* a peer that does not read its echoes is not read either */
    SETUP_MS = 10000,
};

static const conn_limits limits = {
    .max_in = HTTP_HEAD_MAX, .max_out = QUEUE_MAX, .setup_ms = SETUP_MS};
static const endpoint_config config = {.max_message = MESSAGE_MAX};
static const handshake_policy anyone = {0};

typedef struct echo {
    endpoint e;
    bool open; /* the handshake is done */
} echo;

static void end(conn *c, echo *s)
{
    conn_close(c);
    endpoint_free(&s->e);
    free(s);
}

static size_t shake_hands(conn *c, char *p, size_t n, echo *s)
{
    http_head h;
    buf out;
    handshake_verdict v = {.status = 0};
    long used = http_request((str){p, n}, &h);
    if (used == 0)
        return 0;
    buf_init(&out, HTTP_HEAD_MAX);
    if (used < 0)
        http_write_refusal(&out, http_error_status(h.error), str_of(http_error_text(h.error)),
                           false);
    else
        handshake_answer(&h, &anyone, &out, &v);
    conn_write(c, buf_slice(&out));
    buf_free(&out);
    if (v.status != 101) {
        end(c, s);
        return n;
    }
    conn_deadline(c, 0);
    s->open = true;
    return (size_t)used;
}

static size_t on_data(conn *c, char *p, size_t n, void *arg)
{
    echo *s = arg;
    size_t all = n;
    if (!s->open) {
        size_t used = shake_hands(c, p, n, s);
        if (used == 0 || used == n)
            return used;
        p += used;
        n -= used;
    }
    endpoint_event ev;
    buf out;
    buf_init(&out, QUEUE_MAX);
    while (endpoint_next(&s->e, &p, &n, &ev)) {
        if (ev.kind == ENDPOINT_TEXT)
            (void)endpoint_text(&s->e, ev.data, &out);
        else if (ev.kind == ENDPOINT_BINARY)
            (void)endpoint_binary(&s->e, ev.data, &out);
        endpoint_answer(&s->e, &ev, &out);
    }
    if (out.n)
        conn_write(c, buf_slice(&out));
    buf_free(&out);
    if (endpoint_over(&s->e))
        end(c, s);
    else if (conn_queued(c) > QUEUE_PAUSE)
        conn_pause(c, true);
    return all;
}

static void on_open(conn *c, void *arg)
{
    (void)arg;
    conn_deadline(c, SETUP_MS);
}

static void on_drained(conn *c, void *arg)
{
    (void)arg;
    conn_pause(c, false);
}

static void on_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    echo *s = arg;
    (void)c, (void)why, (void)detail;
    endpoint_free(&s->e);
    free(s);
}

static const conn_handler handler = {on_open, on_data, on_drained, on_closed};

typedef struct listening {
    loop *l;
    int fd;
} listening;

static void on_accept(unsigned ready, void *arg)
{
    (void)ready;
    listening *li = arg;
    for (;;) {
        addr peer;
        int fd = sock_accept(li->fd, &peer);
        if (fd < 0)
            return;
        echo *s = mem_zalloc(1, sizeof(*s));
        endpoint_init(&s->e, &config);
        conn_accept(li->l, fd, &peer, NULL, &limits, &handler, s);
    }
}

static void on_signal(void *arg)
{
    loop_stop(arg);
}

int main(int argc, char **argv)
{
    uint64_t port;
    if (argc != 2 || str_u64(str_of(argv[1]), 65535, &port)) {
        fprintf(stderr, "usage: ws-echo PORT\n");
        return 2;
    }
    addr at, bound;
    (void)addr_parse_host(&at, STR("127.0.0.1"), (uint16_t)port);
    static listening li; /* static, so that what still lives at the end is no leak */
    li = (listening){loop_new(), sock_listen(&at, &bound)};
    if (li.fd < 0) {
        fprintf(stderr, "ws-echo: cannot listen on port %d\n", (int)port);
        return 1;
    }
    static loop_io io;
    loop_io_init(&io, li.l, li.fd, on_accept, &li);
    loop_io_want(&io, LOOP_READ);
    loop_signal(li.l, SIGTERM, on_signal, li.l);
    loop_signal(li.l, SIGINT, on_signal, li.l);
    printf("ws-echo ready %d\n", bound.port);
    (void)fflush(stdout);
    loop_run(li.l);
    return 0;
}
