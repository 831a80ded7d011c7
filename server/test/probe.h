/* For tests of connections: a listening socket, and a probe, the near end under test, which counts
 * and can act inside its callbacks. The far end is a peer (test/peer.h), or a bare socket where its
 * exact behaviour matters. */
#ifndef VIADUCT_TEST_PROBE_H
#define VIADUCT_TEST_PROBE_H

#include "test/peer.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sock.h"
#include "test/certificate.h"

typedef struct fixture {
    certificate files;
    loop *l;
    tls *server, *client;
    addr at;
    int listening;
    loop_io io;
    int accepted; /* descriptor, until a probe takes it */
} fixture;

typedef enum act { NOTHING, CLOSE, ABORT, WRITE, OVERFILL, HAND_OVER, PAUSE } act;

typedef struct probe {
    conn *c;
    loop *l;
    buf got; /* consumed */
    unsigned opens, datas, drains, closes;
    conn_why why;
    char detail[160];
    size_t at_once; /* consume only blocks of so many bytes; 0: all */
    act on_open, on_data, on_closed;
    struct probe *heir;
} probe;

static const conn_handler PROBE;

static inline void do_act(probe *p, act a)
{
    conn *c = p->c;
    switch (a) {
    case NOTHING: break;
    case CLOSE:
        conn_close(c);
        p->c = NULL;
        break;
    case ABORT:
        conn_abort(c);
        p->c = NULL;
        break;
    case WRITE: (void)conn_write(c, STR("from the callback")); break;
    case OVERFILL: {
        static char block[1 << 16];
        while (conn_write(c, (str){block, sizeof(block)}) == 0)
            continue;
        assert_int_equal(conn_write(c, STR("x")), -1);
        break;
    }
    case HAND_OVER:
        p->heir->c = c;
        p->heir->l = p->l;
        p->c = NULL;
        conn_set_handler(c, &PROBE, p->heir);
        break;
    case PAUSE: conn_pause(c, true); break;
    }
}

static inline void probe_open(conn *c, void *arg)
{
    probe *p = arg;
    p->c = c;
    p->opens++;
    assert_true(conn_is_open(c));
    do_act(p, p->on_open);
}

static inline size_t probe_data(conn *c, char *data, size_t n, void *arg)
{
    (void)c;
    probe *p = arg;
    assert_true(n > 0);
    p->datas++;
    size_t used = p->at_once ? n - n % p->at_once : n;
    if (p->on_data == HAND_OVER || p->on_data == PAUSE)
        used = n < 3 ? n : 3;
    buf_add(&p->got, data, used);
    memset(data, '#', used); /* bytes are ours to change */
    act a = p->on_data;
    if (a == PAUSE || a == HAND_OVER)
        p->on_data = NOTHING;
    do_act(p, a);
    return used;
}

static inline void probe_drained(conn *c, void *arg)
{
    assert_int_equal(conn_queued(c), 0);
    ((probe *)arg)->drains++;
}

static inline void probe_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    probe *p = arg;
    p->closes++;
    p->why = why;
    snprintf(p->detail, sizeof(p->detail), "%s", detail);
    assert_int_equal(conn_write(c, STR("too late")), -1);
    p->c = c;
    do_act(p, p->on_closed);
    p->c = NULL;
}

static const conn_handler PROBE = {
    .open = probe_open, .data = probe_data, .drained = probe_drained, .closed = probe_closed};

static inline void on_listening(unsigned ready, void *arg)
{
    (void)ready;
    fixture *x = arg;
    addr from;
    if (x->accepted < 0)
        x->accepted = sock_accept(x->listening, &from);
}

static inline int set_up(void **state)
{
    fixture *x = calloc(1, sizeof(*x));
    char err[300];
    certificate_make(&x->files);
    x->l = loop_new();
    x->server = tls_server(x->files.cert, x->files.key, NULL, err, sizeof(err));
    x->client = tls_client(x->files.ca, err, sizeof(err));
    assert_non_null(x->server);
    assert_non_null(x->client);
    addr any;
    assert_int_equal(addr_parse(&any, STR("127.0.0.1:0")), 0);
    x->listening = sock_listen(&any, &x->at);
    x->accepted = -1;
    loop_io_init(&x->io, x->l, x->listening, on_listening, x);
    loop_io_want(&x->io, LOOP_READ);
    *state = x;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *x = *state;
    loop_io_want(&x->io, 0);
    close(x->listening);
    loop_free(x->l);
    tls_free(x->server);
    tls_free(x->client);
    certificate_remove(&x->files);
    free(x);
    return 0;
}

static const conn_limits LIMITS = {.max_in = 1000, .max_out = 1 << 20, .setup_ms = 10000};

/* Takes the accepted connection as a probe. */
static inline void adopt(fixture *x, probe *p, bool secure, const conn_limits *limits)
{
    WAIT_FOR(x->l, x->accepted >= 0);
    p->l = x->l;
    buf_init(&p->got, 64 << 20);
    addr from = sock_peer(x->accepted);
    p->c = conn_accept(x->l, x->accepted, &from, secure ? x->server : NULL, limits, &PROBE, p);
    x->accepted = -1;
}

static inline void pair(fixture *x, probe *p, peer *far, bool secure, const conn_limits *limits)
{
    peer_dial(far, x->l, &x->at, secure ? x->client : NULL, "sip.test");
    adopt(x, p, secure, limits);
    WAIT_FOR(x->l, far->open && (p->opens || p->closes));
}

static inline void end(probe *p, peer *far)
{
    if (p->c)
        conn_abort(p->c);
    p->c = NULL;
    buf_free(&p->got);
    if (far)
        peer_end(far);
}

static inline bool probe_has(const probe *p, const char *text)
{
    return str_eq(buf_slice(&p->got), str_of(text));
}

#endif
