#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/location.h"

static binding_facts contact(const char *uri, uint64_t flow, uint64_t until)
{
    return (binding_facts){.uri = str_of(uri),
                           .params = STR(";q=0.5"),
                           .call_id = STR("c1"),
                           .cseq = 1,
                           .flow = flow,
                           .until = until};
}

static void the_newest_binding_comes_first_and_keeps_its_own_copy(void **state)
{
    (void)state;
    location *l = location_new();
    char uri[] = "sip:a@192.0.2.1";
    binding_facts f = contact(uri, 0, 100);
    location_put(l, STR("bob@example.com"), NULL, &f, 1);
    uri[4] = 'X';
    f = contact("sip:b@192.0.2.2", 0, 100);
    location_put(l, STR("bob@example.com"), NULL, &f, 2);
    record *r = location_find(l, STR("bob@example.com"));
    assert_non_null(r);
    assert_int_equal(record_count(r), 2);
    assert_true(str_eq(record_first(r)->is.uri, STR("sip:b@192.0.2.2")));
    assert_true(str_eq(record_first(r)->next->is.uri, STR("sip:a@192.0.2.1")));
    assert_null(location_find(l, STR("bob@example.org")));
    location_free(l);
}

static void replacing_keeps_the_count(void **state)
{
    (void)state;
    location *l = location_new();
    binding_facts f = contact("sip:a@192.0.2.1", 7, 100);
    binding *old = location_put(l, STR("bob@example.com"), NULL, &f, 1);
    f = contact("sip:a@192.0.2.1", 8, 200);
    location_put(l, STR("bob@example.com"), old, &f, 2);
    assert_int_equal(location_count(l), 1);
    assert_int_equal(location_drop_flow(l, 7), 0);
    assert_int_equal(location_next_expiry(l), 200);
    assert_int_equal(location_drop_flow(l, 8), 1);
    assert_null(location_find(l, STR("bob@example.com")));
    assert_int_equal(location_next_expiry(l), UINT64_MAX);
    location_free(l);
}

static void a_flow_takes_the_bindings_of_all_its_users_along(void **state)
{
    (void)state;
    location *l = location_new();
    binding_facts f = contact("sip:a@a.invalid", 7, 100);
    location_put(l, STR("alice@example.com"), NULL, &f, 1);
    location_put(l, STR("bob@example.com"), NULL, &f, 1);
    f = contact("sip:b@b.invalid", 9, 100);
    location_put(l, STR("bob@example.com"), NULL, &f, 1);
    assert_int_equal(location_drop_flow(l, 7), 2);
    assert_null(location_find(l, STR("alice@example.com")));
    assert_int_equal(record_count(location_find(l, STR("bob@example.com"))), 1);
    assert_int_equal(location_drop_flow(l, 0), 0);
    location_free(l);
}

static void many_bindings_expire_in_their_order(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    location *l = location_new();
    for (uint64_t i = 0; i < MANY; i++) {
        char aor[4] = {(char)('a' + i % 26), (char)('a' + i / 26 % 26), (char)('a' + i / 676), 0};
        binding_facts f = contact("sip:x@192.0.2.1", i % 3, 1 + i * 7919 % MANY);
        location_put(l, str_of(aor), NULL, &f, 0);
    }
    for (uint64_t now = 1; now <= MANY; now++) {
        assert_int_equal(location_next_expiry(l), now);
        assert_int_equal(location_expire(l, now), 1);
    }
    assert_int_equal(location_count(l), 0);
    location_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_binding_comes_first_and_keeps_its_own_copy),
        cmocka_unit_test(replacing_keeps_the_count),
        cmocka_unit_test(a_flow_takes_the_bindings_of_all_its_users_along),
        cmocka_unit_test(many_bindings_expire_in_their_order),
    };
    return cmocka_run_group_tests_name("location", tests, NULL, NULL);
}
