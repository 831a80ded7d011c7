#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "fault/fault.h"

static void rows_are_well_formed_and_unique(void **state)
{
    (void)state;
    const fault_row *row;
    for (size_t i = 0; (row = fault_at(i)) != NULL; i++) {
        assert_true(row->name[0] && row->text[0]);
        for (const char *p = row->name; *p; p++)
            assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-');
        assert_int_equal(strncmp(row->requirement, "RFC", 3), 0);
        assert_null(strpbrk(row->text, "\t\n"));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(fault_at(k)->name, row->name);
    }
    assert_null(fault_at(FAULT_COUNT));
    assert_null(fault_at((size_t)-1));
}

static void names_switch_on_their_row_only(void **state)
{
    (void)state;
    if (!fault_compiled()) {
        assert_int_equal(fault_enable("ws-pong-missing"), -1);
        assert_false(fault_on(FAULT_WS_PONG_MISSING));
        return;
    }
    assert_int_equal(fault_enable("no-such-fault"), -1);
    assert_int_equal(fault_enable("ws-pong-missing"), 0);
    for (int i = 0; i < FAULT_COUNT; i++)
        assert_int_equal(fault_on((fault)i), i == FAULT_WS_PONG_MISSING);
    fault_disable_all();
    assert_false(fault_on(FAULT_WS_PONG_MISSING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_well_formed_and_unique),
        cmocka_unit_test(names_switch_on_their_row_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
