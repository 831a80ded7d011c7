/* What happens behind the owner's back once it closed a connection. */
#include "test/probe.h"

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
        T(close_flushes_first),
        T(half_close_still_gets_the_answer),
        T(loop_free_ends_what_lingers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
