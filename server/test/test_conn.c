/* Connections over plain TCP and over TLS: every test runs on both. The near end (a probe) is under
 * test; the far end is a peer, or a bare socket where its exact behaviour matters. */
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

static void do_act(probe *p, act a)
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

static void probe_open(conn *c, void *arg)
{
    probe *p = arg;
    p->c = c;
    p->opens++;
    assert_true(conn_is_open(c));
    do_act(p, p->on_open);
}

static size_t probe_data(conn *c, char *data, size_t n, void *arg)
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

static void probe_drained(conn *c, void *arg)
{
    assert_int_equal(conn_queued(c), 0);
    ((probe *)arg)->drains++;
}

static void probe_closed(conn *c, conn_why why, const char *detail, void *arg)
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

static void on_listening(unsigned ready, void *arg)
{
    (void)ready;
    fixture *x = arg;
    addr from;
    if (x->accepted < 0)
        x->accepted = sock_accept(x->listening, &from);
}

static int set_up(void **state)
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

static int tear_down(void **state)
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
static void adopt(fixture *x, probe *p, bool secure, const conn_limits *limits)
{
    WAIT_FOR(x->l, x->accepted >= 0);
    p->l = x->l;
    buf_init(&p->got, 64 << 20);
    addr from = sock_peer(x->accepted);
    p->c = conn_accept(x->l, x->accepted, &from, secure ? x->server : NULL, limits, &PROBE, p);
    x->accepted = -1;
}

static void pair(fixture *x, probe *p, peer *far, bool secure, const conn_limits *limits)
{
    peer_dial(far, x->l, &x->at, secure ? x->client : NULL, "sip.test");
    adopt(x, p, secure, limits);
    WAIT_FOR(x->l, far->open && (p->opens || p->closes));
}

static void end(probe *p, peer *far)
{
    if (p->c)
        conn_abort(p->c);
    p->c = NULL;
    buf_free(&p->got);
    if (far)
        peer_end(far);
}

static bool probe_has(const probe *p, const char *text)
{
    return str_eq(buf_slice(&p->got), str_of(text));
}

/* ---- tests ---- */

static void bytes_there_and_back(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {.on_data = WRITE};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        assert_int_equal(conn_secure(p.c), secure);
        assert_true(addr_eq(conn_local(p.c), &x->at));
        assert_true(addr_eq(conn_peer(p.c), conn_local(far.c)));
        assert_string_equal(conn_sni(p.c), secure ? "sip.test" : "");
        assert_int_equal(strncmp(conn_tls_version(p.c), "TLSv1.3", 7) == 0, secure);
        peer_send(&far, STR("hello"));
        WAIT_FOR(x->l, probe_has(&p, "hello") && peer_has(&far, "from the callback"));
        end(&p, &far);
    }
}

static void unconsumed_bytes_are_shown_again(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {.at_once = 4};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        static const char text[] = "abcdefghijklmnopqrst";
        for (size_t i = 0; i < 20; i++) { /* one byte at a time */
            unsigned before = p.datas;
            peer_send(&far, (str){text + i, 1});
            WAIT_FOR(x->l, p.datas > before);
            assert_int_equal(p.got.n, (i + 1) / 4 * 4);
        }
        assert_true(probe_has(&p, text));
        end(&p, &far);
    }
}

static void too_much_unconsumed_input_ends_it(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {.at_once = 1 << 20};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        static const char block[1001] = "x";
        peer_send(&far, (str){block, 1000});
        WAIT_FOR(x->l, p.datas > 0);
        loop_step(x->l, false);
        assert_int_equal(p.closes, 0);
        peer_send(&far, (str){block, 1});
        WAIT_FOR(x->l, p.closes == 1);
        assert_int_equal(p.why, CONN_OVERFLOW);
        end(&p, &far);
    }
}

/* 8 MB each way at once: more than any socket buffer, so both sides queue. */
static void large_amounts_arrive_whole(void **state)
{
    fixture *x = *state;
    enum { N = 8 << 20 };
    char *data = malloc(N);
    for (size_t i = 0; i < N; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    static const conn_limits wide = {.max_in = 1000, .max_out = N, .setup_ms = 10000};
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0};
        peer far;
        pair(x, &p, &far, secure, &wide);
        assert_int_equal(conn_write(p.c, (str){data, N}), 0);
        assert_true(conn_queued(p.c) > 0);
        peer_send(&far, (str){data, N});
        WAIT_FOR(x->l, p.got.n == N && far.got.n == N);
        assert_memory_equal(p.got.p, data, N);
        assert_memory_equal(far.got.p, data, N);
        WAIT_FOR(x->l, p.drains == 1);
        end(&p, &far);
    }
    free(data);
}

static void slow_reader_overflows(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {.on_data = OVERFILL};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        conn_pause(far.c, true);
        peer_send(&far, STR("go"));
        WAIT_FOR(x->l, p.closes == 1);
        assert_int_equal(p.why, CONN_OVERFLOW);
        assert_non_null(strstr(p.detail, "queue full"));
        end(&p, &far);
    }
}

static void close_flushes_first(void **state)
{
    fixture *x = *state;
    enum { N = 4 << 20 };
    char *data = calloc(1, N);
    static const conn_limits wide = {.max_in = 1000, .max_out = N, .setup_ms = 10000};
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0};
        peer far;
        pair(x, &p, &far, secure, &wide);
        /* Unread input must not turn the close into a reset. */
        conn_pause(p.c, true);
        peer_send(&far, STR("never read"));
        assert_int_equal(conn_write(p.c, (str){data, N}), 0);
        assert_true(conn_queued(p.c) > 0);
        conn_close(p.c);
        p.c = NULL;
        WAIT_FOR(x->l, far.closed);
        assert_int_equal(far.why, CONN_EOF);
        assert_int_equal(far.got.n, N);
        assert_int_equal(p.closes, 0); /* no callback after conn_close() */
        end(&p, &far);
    }
    free(data);
}

static void abort_resets(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        conn_abort(p.c);
        p.c = NULL;
        WAIT_FOR(x->l, far.closed);
        assert_int_equal(far.why, CONN_RESET);
        assert_int_equal(p.closes, 0);
        end(&p, &far);
    }
}

static void peer_close_and_reset_are_told_apart(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0}, q = {0};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        peer_send(&far, STR("last words"));
        conn_close(far.c);
        far.c = NULL;
        WAIT_FOR(x->l, p.closes == 1);
        assert_int_equal(p.why, CONN_EOF);
        assert_true(probe_has(&p, "last words"));
        end(&p, &far);
        pair(x, &q, &far, secure, &LIMITS);
        conn_abort(far.c);
        far.c = NULL;
        WAIT_FOR(x->l, q.closes == 1);
        assert_int_equal(q.why, CONN_RESET);
        end(&q, &far);
    }
}

/* A peer that shuts down its sending side still gets all of the answer. */
static void half_close_still_gets_the_answer(void **state)
{
    fixture *x = *state;
    enum { N = 4 << 20 };
    static const conn_limits wide = {.max_in = 1000, .max_out = N, .setup_ms = 10000};
    int fd = sock_connect(&x->at, NULL);
    probe p = {0};
    adopt(x, &p, false, &wide);
    WAIT_FOR(x->l, p.opens == 1);
    char *data = calloc(1, N);
    assert_int_equal(conn_write(p.c, (str){data, N}), 0);
    assert_true(conn_queued(p.c) > 0);
    assert_int_equal(send(fd, "bye", 3, 0), 3);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    WAIT_FOR(x->l, p.closes == 1);
    assert_int_equal(p.why, CONN_EOF);
    assert_true(probe_has(&p, "bye"));
    size_t got = 0;
    for (;;) {
        ssize_t n = recv(fd, data, N, 0);
        if (n == 0)
            break;
        if (n > 0)
            got += (size_t)n;
        else
            loop_step(x->l, false);
    }
    assert_int_equal(got, N);
    close(fd);
    free(data);
    end(&p, NULL);
}

static void ending_inside_callbacks_is_safe(void **state)
{
    fixture *x = *state;
    static const act acts[] = {CLOSE, ABORT};
    for (int secure = 0; secure < 2; secure++) {
        for (size_t i = 0; i < 2; i++) {
            probe p = {.on_open = acts[i]}, q = {.on_data = acts[i]}, r = {.on_closed = acts[i]};
            peer far;
            pair(x, &p, &far, secure, &LIMITS);
            WAIT_FOR(x->l, far.closed);
            end(&p, &far);

            pair(x, &q, &far, secure, &LIMITS);
            peer_send(&far, STR("one"));
            WAIT_FOR(x->l, far.closed);
            assert_int_equal(q.closes, 0);
            assert_int_equal(q.datas, 1);
            end(&q, &far);

            pair(x, &r, &far, secure, &LIMITS);
            conn_close(far.c);
            far.c = NULL;
            WAIT_FOR(x->l, r.closes == 1);
            end(&r, &far);
        }
    }
}

static void closing_while_holding_unconsumed_input_is_safe(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {.at_once = 100};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        peer_send(&far, STR("ab"));
        WAIT_FOR(x->l, p.datas == 1);
        p.on_data = CLOSE; /* with the bytes in the connection's own buffer */
        peer_send(&far, STR("cd"));
        WAIT_FOR(x->l, far.closed);
        end(&p, &far);
    }
}

static void handing_over_shows_the_rest_at_once(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe heir = {0}, p = {.on_data = HAND_OVER, .heir = &heir};
        buf_init(&heir.got, 1000);
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        peer_send(&far, STR("GETrest"));
        WAIT_FOR(x->l, probe_has(&heir, "rest"));
        assert_true(probe_has(&p, "GET"));
        end(&p, &far);
        end(&heir, NULL);
    }
}

static void pause_holds_input_back(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {.on_data = PAUSE};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        peer_send(&far, STR("abcdef"));
        WAIT_FOR(x->l, probe_has(&p, "abc"));
        peer_send(&far, STR("ghi"));
        for (int i = 0; i < 5; i++)
            loop_step(x->l, false);
        assert_true(probe_has(&p, "abc"));
        conn_pause(p.c, false);
        WAIT_FOR(x->l, probe_has(&p, "abcdefghi"));
        end(&p, &far);
    }
}

static void time_limits_end_it(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0}, q = {0};
        peer far;
        pair(x, &p, &far, secure, &LIMITS);
        conn_idle(p.c, 40);
        uint64_t start = loop_now(x->l);
        WAIT_FOR(x->l, p.closes == 1);
        assert_true(loop_now(x->l) - start >= 40);
        assert_int_equal(p.why, CONN_TIMEOUT);
        assert_string_equal(p.detail, "idle for too long");
        end(&p, &far);

        pair(x, &q, &far, secure, &LIMITS);
        conn_idle(q.c, 100000);
        conn_deadline(q.c, 1);
        conn_deadline(q.c, 0);
        conn_deadline(q.c, 30);
        WAIT_FOR(x->l, q.closes == 1);
        assert_string_equal(q.detail, "deadline passed");
        end(&q, &far);
    }
}

static void half_a_tls_handshake_times_out(void **state)
{
    fixture *x = *state;
    static const conn_limits hasty = {.max_in = 1000, .max_out = 1000, .setup_ms = 50};
    int fd = sock_connect(&x->at, NULL);
    probe p = {0};
    adopt(x, &p, true, &hasty);
    assert_int_equal(send(fd, "\x16\x03\x01", 3, 0), 3);
    WAIT_FOR(x->l, p.closes == 1);
    assert_int_equal(p.why, CONN_TIMEOUT);
    assert_string_equal(p.detail, "TLS handshake took too long");
    assert_int_equal(p.opens, 0);
    close(fd);
    end(&p, NULL);
}

static void garbage_instead_of_tls_is_told(void **state)
{
    fixture *x = *state;
    static const char *const rows[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n\r\n\r\n",
                                       "\x16\x03\x01\xff\xff\xff\xff\xff\xff", "\x80\x2e\x01"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = sock_connect(&x->at, NULL);
        probe p = {0};
        adopt(x, &p, true, &LIMITS);
        assert_true(send(fd, rows[i], strlen(rows[i]), 0) > 0);
        shutdown(fd, SHUT_WR);
        WAIT_FOR(x->l, p.closes == 1);
        assert_true(p.why == CONN_TLS || p.why == CONN_EOF);
        assert_true(p.detail[0] != 0);
        assert_int_equal(p.opens, 0);
        close(fd);
        end(&p, NULL);
    }
}

static void refused_and_unverified_connects_are_told(void **state)
{
    fixture *x = *state;
    addr any, gone;
    assert_int_equal(addr_parse(&any, STR("127.0.0.1:0")), 0);
    close(sock_listen(&any, &gone));
    for (int secure = 0; secure < 2; secure++) {
        peer far;
        peer_dial(&far, x->l, &gone, secure ? x->client : NULL, NULL);
        assert_int_equal(conn_write(far.c, STR("queued")), 0);
        WAIT_FOR(x->l, far.closed);
        assert_int_equal(far.why, CONN_REFUSED);
        peer_end(&far);
    }
    probe p = {0};
    peer far;
    peer_dial(&far, x->l, &x->at, x->client, "elsewhere.test");
    adopt(x, &p, true, &LIMITS);
    WAIT_FOR(x->l, far.closed && p.closes);
    assert_int_equal(far.why, CONN_TLS);
    assert_string_equal(far.detail, "certificate not accepted: hostname mismatch");
    assert_int_equal(p.why, CONN_TLS);
    end(&p, &far);
    addr foreign;
    assert_int_equal(addr_parse(&foreign, STR("255.255.255.255:9")), 0);
    peer_dial(&far, x->l, &foreign, NULL, NULL);
    WAIT_FOR(x->l, far.closed); /* connect() itself fails; told from the loop all the same */
    peer_end(&far);
}

static void writes_before_open_are_sent(void **state)
{
    fixture *x = *state;
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0};
        peer far;
        peer_dial(&far, x->l, &x->at, secure ? x->client : NULL, "sip.test");
        peer_send(&far, STR("early "));
        peer_send(&far, STR("bird"));
        adopt(x, &p, secure, &LIMITS);
        WAIT_FOR(x->l, probe_has(&p, "early bird"));
        end(&p, &far);
    }
}

/* What the peer sent before it went is still delivered when a write finds the connection broken. */
static void input_survives_a_broken_write(void **state)
{
    fixture *x = *state;
    int fd = sock_connect(&x->at, NULL);
    probe p = {0};
    adopt(x, &p, false, &LIMITS);
    WAIT_FOR(x->l, p.opens == 1);
    assert_int_equal(send(fd, "bye", 3, 0), 3);
    close(fd);
    /* The first write draws the reset that fails a later one, with no reading in between. */
    while (conn_write(p.c, STR("x")) == 0)
        continue;
    assert_int_equal(p.closes, 0);
    WAIT_FOR(x->l, p.closes == 1);
    assert_true(probe_has(&p, "bye"));
    end(&p, NULL);
}

static void loop_free_ends_what_lingers(void **state)
{
    fixture *x = *state;
    static char data[1 << 20];
    for (int secure = 0; secure < 2; secure++) {
        probe p = {0};
        peer far;
        static const conn_limits wide = {.max_in = 1000, .max_out = 64 << 20, .setup_ms = 10000};
        pair(x, &p, &far, secure, &wide);
        conn_pause(far.c, true);
        while (conn_queued(p.c) == 0)
            assert_int_equal(conn_write(p.c, (str){data, sizeof(data)}), 0);
        conn_close(p.c);
        p.c = NULL;
        end(&p, &far);
    }
    /* tear_down() frees the loop with both still flushing; a leak or a use after free would show.
     */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(bytes_there_and_back),
        T(unconsumed_bytes_are_shown_again),
        T(too_much_unconsumed_input_ends_it),
        T(large_amounts_arrive_whole),
        T(slow_reader_overflows),
        T(close_flushes_first),
        T(abort_resets),
        T(peer_close_and_reset_are_told_apart),
        T(half_close_still_gets_the_answer),
        T(ending_inside_callbacks_is_safe),
        T(closing_while_holding_unconsumed_input_is_safe),
        T(handing_over_shows_the_rest_at_once),
        T(pause_holds_input_back),
        T(time_limits_end_it),
        T(half_a_tls_handshake_times_out),
        T(garbage_instead_of_tls_is_told),
        T(refused_and_unverified_connects_are_told),
        T(writes_before_open_are_sent),
        T(input_survives_a_broken_write),
        T(loop_free_ends_what_lingers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
