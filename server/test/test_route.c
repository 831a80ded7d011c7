#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/route.h"

static const char text[] = "BYE sip:b@c.example SIP/2.0\r\n"
                           "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                           "Route: <sip:t1@p1.example;transport=ws;lr>, <sip:p2.example;lr=on>,\r\n"
                           "Route: , <sip:p3.example>\r\n"
                           "Record-Route: <sip:a.example>, sip:bare.example\r\n"
                           "Path: <sip:a.example>, \"x\r\n"
                           "From: <sip:a@b.example>;tag=1\r\nTo: <sip:b@c.example>;tag=2\r\n"
                           "Call-ID: 1\r\nCSeq: 1 BYE\r\n\r\n";

static void values_are_counted_and_fetched(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        int want;
        const char *host;
        bool loose;
    } rows[] = {
        {0, 0, "p1.example", true},
        {1, 0, "p2.example", true},
        {2, 0, "p3.example", false},
        {3, 1, "", false},
    };
    sip_message m;
    sip_addr a;
    sip_error err;
    assert_int_equal(sip_message_parse(str_of(text), SIP_DATAGRAM, &m, NULL), 0);
    assert_int_equal(sip_route_count(&m, SIP_ROUTE), 3);
    assert_int_equal(sip_route_count(&m, SIP_SERVICE_ROUTE), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sip_route_get(&m, SIP_ROUTE, rows[i].n, &a, &err), rows[i].want);
        if (rows[i].want == 0) {
            assert_true(str_eq(a.uri.host.text, str_of(rows[i].host)));
            assert_int_equal(sip_route_is_loose(&a), rows[i].loose);
        }
    }
    assert_int_equal(sip_route_get(&m, SIP_SERVICE_ROUTE, 0, &a, &err), 1);
}

static void malformed_ones_are_told(void **state)
{
    (void)state;
    sip_message m;
    sip_addr a;
    sip_error err;
    assert_int_equal(sip_message_parse(str_of(text), SIP_DATAGRAM, &m, NULL), 0);
    assert_int_equal(sip_route_get(&m, SIP_RECORD_ROUTE, 0, &a, &err), 0);
    assert_int_equal(sip_route_get(&m, SIP_RECORD_ROUTE, 1, &a, &err), -1);
    assert_true(str_starts(str_sub(m.text, err.at, m.text.n), STR("sip:bare")));
    assert_int_equal(sip_route_get(&m, SIP_PATH, 1, &a, &err), -1);
    assert_true(str_starts(str_sub(m.text, err.at, m.text.n), STR(" \"x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_counted_and_fetched),
        cmocka_unit_test(malformed_ones_are_told),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
