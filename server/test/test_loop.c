#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"

typedef struct probe {
    loop *l;
    loop_timer timer;
    loop_task task;
    char *log; /* each firing appends name */
    char name;
    uint64_t again_ms;
    int left;
} probe;

static void note(probe *p)
{
    size_t n = strlen(p->log);
    p->log[n] = p->name;
    p->log[n + 1] = 0;
}

static void fired(void *arg)
{
    probe *p = arg;
    note(p);
    if (--p->left > 0)
        loop_timer_set(p->l, &p->timer, p->again_ms);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void timers_fire_in_order_and_not_early(void **state)
{
    (void)state;
    loop *l = loop_new();
    char log[32] = "";
    probe p[5];
    static const uint64_t due[5] = {30, 10, 20, 5, 40};
    for (int i = 0; i < 5; i++) {
        p[i] = (probe){.l = l, .log = log, .name = (char)('a' + i)};
        loop_timer_init(&p[i].timer, fired, &p[i]);
        loop_timer_set(l, &p[i].timer, due[i]);
        assert_true(loop_timer_armed(&p[i].timer));
    }
    loop_timer_set(l, &p[3].timer, 35); /* later than it was */
    loop_timer_set(l, &p[4].timer, 1);  /* earlier than it was */
    loop_timer_clear(l, &p[1].timer);
    assert_false(loop_timer_armed(&p[1].timer));
    uint64_t start = loop_now(l);
    while (loop_timer_armed(&p[3].timer))
        loop_step(l, true);
    assert_true(loop_now(l) - start >= 35);
    assert_string_equal(log, "ecad");
    loop_free(l);
}

static void timer_rearms_itself(void **state)
{
    (void)state;
    loop *l = loop_new();
    char log[32] = "";
    probe p = {.l = l, .log = log, .name = 'x', .left = 4};
    loop_timer_init(&p.timer, fired, &p);
    loop_timer_set(l, &p.timer, 0);
    while (loop_timer_armed(&p.timer))
        loop_step(l, true);
    assert_string_equal(log, "xxxx");
    loop_free(l);
}

static void many_timers_keep_their_order(void **state)
{
    (void)state;
    loop *l = loop_new();
    enum { N = 2000 };
    static loop_timer t[N];
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        loop_timer_init(&t[i], stop, l);
        seed = seed * 1664525 + 1013904223;
        loop_timer_set(l, &t[i], 1000 + seed % 1000);
    }
    for (int i = 0; i < N; i += 3)
        loop_timer_clear(l, &t[i]);
    for (int i = 1; i < N; i += 3)
        loop_timer_set(l, &t[i], 5000);
    for (int i = 0; i < N; i++)
        assert_int_equal(loop_timer_armed(&t[i]), i % 3 != 0);
    loop_free(l);
}

static void task(void *arg)
{
    note(arg);
}

static void tasks_run_once_in_order_and_at_free(void **state)
{
    (void)state;
    loop *l = loop_new();
    char log[32] = "";
    probe p[4];
    for (int i = 0; i < 4; i++) {
        p[i] = (probe){.l = l, .log = log, .name = (char)('a' + i)};
        loop_task_init(&p[i].task, task, &p[i]);
        loop_post(l, &p[i].task);
    }
    loop_post(l, &p[0].task);
    loop_unpost(l, &p[3].task);
    loop_unpost(l, &p[3].task);
    loop_unpost(l, &p[1].task);
    assert_string_equal(log, "");
    loop_step(l, true);
    assert_string_equal(log, "ac");
    loop_post(l, &p[1].task);
    loop_at_free(l, &p[2].task);
    loop_at_free(l, &p[3].task);
    loop_not_at_free(l, &p[3].task);
    loop_free(l);
    assert_string_equal(log, "accb");
}

static void ready(unsigned what, void *arg)
{
    *(unsigned *)arg = what;
}

static void descriptors_are_watched_as_wanted(void **state)
{
    (void)state;
    loop *l = loop_new();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    unsigned seen = 0;
    loop_io io;
    loop_io_init(&io, l, pair[0], ready, &seen);
    loop_io_want(&io, LOOP_READ);
    loop_step(l, false);
    assert_int_equal(seen, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_step(l, true);
    assert_int_equal(seen, LOOP_READ);
    loop_io_want(&io, LOOP_READ | LOOP_WRITE);
    loop_step(l, true);
    assert_int_equal(seen, LOOP_READ | LOOP_WRITE);
    loop_io_want(&io, 0);
    seen = 0;
    loop_step(l, false);
    assert_int_equal(seen, 0);
    close(pair[0]);
    close(pair[1]);
    loop_free(l);
}

static void signals_reach_the_loop(void **state)
{
    (void)state;
    loop *l = loop_new();
    loop_signal(l, SIGUSR1, stop, l);
    raise(SIGUSR1);
    loop_run(l); /* ends by the signal */
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_not_early),
        cmocka_unit_test(timer_rearms_itself),
        cmocka_unit_test(many_timers_keep_their_order),
        cmocka_unit_test(tasks_run_once_in_order_and_at_free),
        cmocka_unit_test(descriptors_are_watched_as_wanted),
        cmocka_unit_test(signals_reach_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
