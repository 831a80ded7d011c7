#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/deadline.h"

enum { N = 300 };

/* Against a table that is searched from end to end, by a fixed pseudo-random course. */
static void the_first_is_always_the_earliest(void **state)
{
    (void)state;
    static sip_deadline entries[N];
    static uint64_t times[N]; /* 0: not waiting */
    sip_deadlines h = {0};
    uint32_t x = 1;
    for (int step = 0; step < 20000; step++) {
        x = x * 1664525U + 1013904223U;
        size_t i = (x >> 8) % N;
        uint64_t at = (x >> 16) % 1000 + 1;
        if (x % 5 == 0) {
            sip_deadlines_clear(&h, &entries[i]);
            times[i] = 0;
        } else {
            sip_deadlines_set(&h, &entries[i], at);
            times[i] = at;
        }
        uint64_t least = UINT64_MAX, first = UINT64_MAX;
        sip_deadline *entry = NULL;
        for (size_t k = 0; k < N; k++)
            if (times[k] && times[k] < least)
                least = times[k];
        assert_int_equal(sip_deadlines_first(&h, &first, &entry), least != UINT64_MAX);
        assert_int_equal(first, least);
        if (entry)
            assert_int_equal(times[entry - entries], least);
    }
    sip_deadlines_free(&h);
    uint64_t at;
    sip_deadline *entry;
    assert_false(sip_deadlines_first(&h, &at, &entry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_always_the_earliest),
    };
    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
