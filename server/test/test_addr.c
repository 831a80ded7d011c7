#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"

static void good_texts_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *in, *text, *host, *ip;
    } rows[] = {
        {"127.0.0.1:5060", "127.0.0.1:5060", "127.0.0.1", "127.0.0.1"},
        {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", "0.0.0.0"},
        {"[::1]:443", "[::1]:443", "[::1]", "::1"},
        {"[2001:DB8:0:0::1]:65535", "[2001:db8::1]:65535", "[2001:db8::1]", "2001:db8::1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        addr a;
        char out[ADDR_TEXT];
        assert_int_equal(addr_parse(&a, str_of(rows[i].in)), 0);
        assert_string_equal(addr_print(&a, out), rows[i].text);
        assert_string_equal(addr_print_host(&a, out), rows[i].host);
        assert_string_equal(addr_print_ip(&a, out), rows[i].ip);
        struct sockaddr_storage ss;
        assert_true(addr_to_sockaddr(&a, &ss) > 0);
        addr back = addr_of_sockaddr((struct sockaddr *)&ss);
        assert_true(addr_eq(&a, &back));
        assert_true(addr_hash(&a, 1) == addr_hash(&back, 1));
    }
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",         "127.0.0.1",   "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "::1:5060", "[::1]",       "[::1]5060",  "[127.0.0.1]:1",   "localhost:5060",
        ":5060",    "[]:5060",     "1.2.3:1",    "1.2.3.4.5:1",     "01.2.3.4:5060x",
        "[::1:1",   "256.1.1.1:1", "[::g]:1",    "[::1%nonet]:1",   "127.0.0.1%lo:1",
        "[::1]:1 ", " 127.0.0.1:1"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        addr a = {.port = 77};
        assert_int_equal(addr_parse(&a, str_of(rows[i])), -1);
        assert_int_equal(a.port, 77);
    }
    addr a;
    assert_int_equal(addr_parse_host(&a, (str){"127.0.0.1\0", 10}, 1), -1);
}

static void literals_are_told_from_names(void **state)
{
    (void)state;
    assert_true(addr_is_literal(STR("10.0.0.1")));
    assert_true(addr_is_literal(STR("::1")));
    assert_true(addr_is_literal(STR("[::1]")));
    assert_false(addr_is_literal(STR("df7jal23ls0d.invalid")));
    assert_false(addr_is_literal(STR("")));
}

static void comparison_sees_each_part(void **state)
{
    (void)state;
    addr a, b;
    assert_int_equal(addr_parse(&a, STR("10.0.0.1:5060")), 0);
    assert_int_equal(addr_parse(&b, STR("10.0.0.1:5061")), 0);
    assert_false(addr_eq(&a, &b));
    assert_true(addr_same_ip(&a, &b));
    assert_int_equal(addr_parse(&b, STR("10.0.0.2:5060")), 0);
    assert_false(addr_same_ip(&a, &b));
    assert_int_equal(addr_parse(&b, STR("[a00:1::]:5060")), 0); /* the same first 4 bytes */
    assert_false(addr_same_ip(&a, &b));
    assert_false(addr_is_any(&a));
    assert_int_equal(addr_parse(&a, STR("[::]:1")), 0);
    assert_true(addr_is_any(&a));
    char out[ADDR_TEXT];
    assert_string_equal(addr_print(&(addr){0}, out), "-");
}

static void mapped_addresses_become_ipv4(void **state)
{
    (void)state;
    addr a;
    assert_int_equal(addr_parse(&a, STR("[::ffff:192.0.2.7]:9")), 0);
    struct sockaddr_storage ss;
    addr_to_sockaddr(&a, &ss);
    addr b = addr_of_sockaddr((struct sockaddr *)&ss);
    char out[ADDR_TEXT];
    assert_string_equal(addr_print(&b, out), "192.0.2.7:9");
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_int_equal(addr_of_sockaddr(&other).family, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_come_back),         cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(literals_are_told_from_names), cmocka_unit_test(comparison_sees_each_part),
        cmocka_unit_test(mapped_addresses_become_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
