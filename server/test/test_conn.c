/* Connections over plain TCP and over TLS: every test runs on both. */
#include "test/probe.h"

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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(bytes_there_and_back),
        T(unconsumed_bytes_are_shown_again),
        T(too_much_unconsumed_input_ends_it),
        T(large_amounts_arrive_whole),
        T(slow_reader_overflows),
        T(abort_resets),
        T(peer_close_and_reset_are_told_apart),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
