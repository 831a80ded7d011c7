#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/str.h"

static void numbers_are_digits_within_a_maximum(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        int want;
        uint64_t value;
    } rows[] = {
        {"0", 10, 0, 0},
        {"10", 10, 0, 10},
        {"11", 10, -1, 0},
        {"", 10, -1, 0},
        {"+1", 10, -1, 0},
        {"1 ", 10, -1, 0},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -1, 0},
        {"99999999999999999999999", UINT64_MAX, -1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t v = 4711;
        assert_int_equal(str_u64(str_of(rows[i].text), rows[i].max, &v), rows[i].want);
        assert_true(v == (rows[i].want ? 4711 : rows[i].value));
    }
}

static void slices_never_reach_outside(void **state)
{
    (void)state;
    str s = STR("abc");
    assert_int_equal(str_sub(s, 1, 99).n, 2);
    assert_int_equal(str_sub(s, 3, 1).n, 0);
    assert_int_equal(str_sub(s, 99, 1).n, 0);
    assert_int_equal(str_chr(s, 'c', 0), 2);
    assert_int_equal(str_chr(s, 'x', 0), 3);
    assert_true(str_ieq(STR("VIA"), STR("via")));
    assert_false(str_eq(STR("VIA"), STR("via")));
    assert_true(str_eq(str_trim(STR(" \t a b\r\n")), STR("a b")));
}

static void failed_steps_leave_the_cursor(void **state)
{
    (void)state;
    cur c = cur_of(STR("sip:bob"));
    str token;
    assert_int_equal(cur_lit(&c, STR("sips:")), -1);
    assert_int_equal(cur_until(&c, ':', 2, &token), -1);
    assert_int_equal(cur_at(&c), 0);
    assert_int_equal(cur_until(&c, ':', 3, &token), 0);
    assert_true(str_eq(token, STR("sip")));
    assert_int_equal(cur_byte(&c, ':'), 0);
    uint64_t v;
    assert_int_equal(cur_u64(&c, 9, &v), -1);
    assert_int_equal(cur_at(&c), 4);
}

static void a_buffer_fails_at_its_ceiling_and_stays_failed(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 8);
    buf_str(&b, STR("12345678"));
    assert_false(buf_failed(&b));
    buf_byte(&b, '9');
    assert_true(buf_failed(&b));
    buf_take(&b, 8);
    buf_byte(&b, 'x');
    assert_int_equal(b.n, 0);
    buf_clear(&b);
    buf_printf(&b, "%d", 1234567);
    assert_true(str_eq(buf_slice(&b), STR("1234567")));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_within_a_maximum),
        cmocka_unit_test(slices_never_reach_outside),
        cmocka_unit_test(failed_steps_leave_the_cursor),
        cmocka_unit_test(a_buffer_fails_at_its_ceiling_and_stays_failed),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
