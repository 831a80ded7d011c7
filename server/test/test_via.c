#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sip/via.h"

static void parts_of_a_via(void **state)
{
    (void)state;
    static const struct {
        const char *text, *transport, *host;
        unsigned port;
        const char *branch, *received;
        bool has_rport;
        unsigned rport;
        const char *maddr;
    } rows[] = {
        {"SIP/2.0/UDP a.example", "UDP", "a.example", 0, "", "", false, 0, ""},
        {"SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKasudf;rport", "WSS",
         "df7jal23ls0d.invalid", 0, "z9hG4bKasudf", "", true, 0, ""},
        {" sip / 2.0\r\n / tls\t192.0.2.1 : 5061 ; branch = z9hG4bK1 ; rport = 4711 ; maddr = "
         "192.0.2.9 ",
         "tls", "192.0.2.1", 5061, "z9hG4bK1", "", true, 4711, "192.0.2.9"},
        {"SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=b", "UDP", "2001:db8::9:1",
         0, "b", "2001:db8::9:255", false, 0, ""},
        {"SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255;BRANCH=b", "UDP",
         "2001:db8::9:1", 5060, "b", "2001:db8::9:255", false, 0, ""},
        {"SIP/2.0/UNKNOWN-x.y a;keep;alias;x=\"q,;\"", "UNKNOWN-x.y", "a", 0, "", "", false, 0, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_via v;
        sip_error err = {0, NULL};
        if (sip_via_parse(str_of(rows[i].text), &v, &err))
            fail_msg("%s: %s at %zu", rows[i].text, err.text, err.at);
        assert_true(str_eq(v.transport, str_of(rows[i].transport)));
        assert_true(str_eq(v.host.text, str_of(rows[i].host)));
        assert_int_equal(v.port, rows[i].port);
        assert_true(str_eq(v.branch, str_of(rows[i].branch)));
        assert_true(str_eq(v.received, str_of(rows[i].received)));
        assert_int_equal(v.has_rport, rows[i].has_rport);
        assert_int_equal(v.rport, rows[i].rport);
        assert_true(str_eq(v.maddr, str_of(rows[i].maddr)));
    }
}

static void errors_tell_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {"SIP", 3},
        {"SIP/2.0", 7},
        {"SIP/7.0/UDP a", 4},
        {"HTTP/2.0/UDP a", 0},
        {"SIP/2.0/ a", 8},
        {"SIP/2.0/UDP", 11},
        {"SIP/2.0/UDP ", 11},
        {"SIP/2.0/UDP;a", 11},
        {"SIP/2.0/UDP 2001:db8::1", 12},
        {"SIP/2.0/UDP a:", 14},
        {"SIP/2.0/UDP a:0", 14},
        {"SIP/2.0/UDP a:65536", 14},
        {"SIP/2.0/UDP a:5060x", 18},
        {"SIP/2.0/UDP a b", 14},
        {"SIP/2.0/UDP a,b", 13},
        {"SIP/2.0/UDP a;", 14},
        {"SIP/2.0/UDP a;;b", 14},
        {"SIP/2.0/UDP a;x;branch", 16},
        {"SIP/2.0/UDP a;branch=\"x\"", 14},
        {"SIP/2.0/UDP a;rport=", 20},
        {"SIP/2.0/UDP a;rport=0", 14},
        {"SIP/2.0/UDP a;rport=\"5060\"", 14},
        {"  SIP/2.0/UDP a;x;rport=65536", 18},
        {"SIP/2.0/UDP a;branch=x;branch=y", 23},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_via v;
        sip_error err = {99, NULL};
        size_t n = strlen(rows[i].text);
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, rows[i].text, n);
        if (sip_via_parse((str){copy, n}, &v, &err) != -1 || err.at != rows[i].at)
            fail_msg("%s: %s at %zu", rows[i].text, err.text ? err.text : "accepted", err.at);
        free(copy);
    }
}

static void senders_compare_with_default_ports(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"SIP/2.0/UDP a.example", "SIP/2.0/TCP A.example:5060;x", true},
        {"SIP/2.0/TLS a.example", "SIP/2.0/TLS a.example:5061", true},
        {"SIP/2.0/WS a.example", "SIP/2.0/ws a.example:80", true},
        {"SIP/2.0/WSS a.example", "SIP/2.0/WSS a.example:443", true},
        {"SIP/2.0/UDP a.example", "SIP/2.0/UDP b.example", false},
        {"SIP/2.0/UDP a.example", "SIP/2.0/UDP a.example:5061", false},
        {"SIP/2.0/UDP [::1]", "SIP/2.0/UDP [0::1]", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_via a, b;
        assert_int_equal(sip_via_parse(str_of(rows[i].a), &a, NULL), 0);
        assert_int_equal(sip_via_parse(str_of(rows[i].b), &b, NULL), 0);
        assert_int_equal(sip_via_same_sender(&a, &b), rows[i].want);
    }
    assert_true(sip_branch_is_unique(STR("z9hG4bK1")));
    assert_true(sip_branch_is_unique(STR("Z9HG4BK1")));
    assert_false(sip_branch_is_unique(STR("z9hG4bK")));
    assert_false(sip_branch_is_unique(STR("1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_via),
        cmocka_unit_test(errors_tell_the_place),
        cmocka_unit_test(senders_compare_with_default_ports),
    };
    return cmocka_run_group_tests_name("via", tests, NULL, NULL);
}
