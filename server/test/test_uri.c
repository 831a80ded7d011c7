#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sip/uri.h"

static void parts_of_a_sip_uri(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sip_scheme scheme;
        const char *user, *password;
        sip_host_kind kind;
        const char *host;
        unsigned port;
        const char *params, *headers;
    } rows[] = {
        {"sip:a.example", SIP_SCHEME_SIP, "", "", SIP_HOST_NAME, "a.example", 0, "", ""},
        {"sip:alice@a.example", SIP_SCHEME_SIP, "alice", "", SIP_HOST_NAME, "a.example", 0, "", ""},
        {"SIPS:alice:pw@192.0.2.1:5061", SIP_SCHEME_SIPS, "alice", "pw", SIP_HOST_IPV4, "192.0.2.1",
         5061, "", ""},
        {"sip:[2001:db8::1]:5060;transport=ws;lr", SIP_SCHEME_SIP, "", "", SIP_HOST_IPV6,
         "2001:db8::1", 5060, "transport=ws;lr", ""},
        {"sip:a;b=c?d/e@h.example;x?s=1&t=", SIP_SCHEME_SIP, "a;b=c?d/e", "", SIP_HOST_NAME,
         "h.example", 0, "x", "s=1&t="},
        {"sip:%61%00@h?x=y%20z", SIP_SCHEME_SIP, "%61%00", "", SIP_HOST_NAME, "h", 0, "",
         "x=y%20z"},
        {"sip:df7jal23ls0d.invalid;transport=ws", SIP_SCHEME_SIP, "", "", SIP_HOST_NAME,
         "df7jal23ls0d.invalid", 0, "transport=ws", ""},
        {"sip:a@3f2a1b9c", SIP_SCHEME_SIP, "a", "", SIP_HOST_NAME, "3f2a1b9c", 0, "", ""},
        {"sip:a@b.example.:1", SIP_SCHEME_SIP, "a", "", SIP_HOST_NAME, "b.example.", 1, "", ""},
        {"sip:a@[::ffff:192.0.2.1]", SIP_SCHEME_SIP, "a", "", SIP_HOST_IPV6, "::ffff:192.0.2.1", 0,
         "", ""},
        {"sip:a:@b", SIP_SCHEME_SIP, "a", "", SIP_HOST_NAME, "b", 0, "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_uri u;
        sip_error err = {0, "none"};
        if (sip_uri_parse(str_of(rows[i].text), &u, &err))
            fail_msg("%s: %s at %zu", rows[i].text, err.text, err.at);
        assert_int_equal(u.scheme, rows[i].scheme);
        assert_true(str_eq(u.user, str_of(rows[i].user)));
        assert_true(str_eq(u.password, str_of(rows[i].password)));
        assert_int_equal(u.host.kind, rows[i].kind);
        assert_true(str_eq(u.host.text, str_of(rows[i].host)));
        assert_int_equal(u.port, rows[i].port);
        assert_true(str_eq(u.params, str_of(rows[i].params)));
        assert_true(str_eq(u.headers, str_of(rows[i].headers)));
    }
}

static void other_schemes(void **state)
{
    (void)state;
    sip_uri u;
    assert_int_equal(sip_uri_parse(STR("tel:+1-201-555-0123;phone-context=x"), &u, NULL), 0);
    assert_int_equal(u.scheme, SIP_SCHEME_TEL);
    assert_true(str_eq(u.opaque, STR("+1-201-555-0123")));
    assert_true(str_eq(u.params, STR("phone-context=x")));
    assert_int_equal(sip_uri_parse(STR("soap.beep://192.0.2.103:3002"), &u, NULL), 0);
    assert_int_equal(u.scheme, SIP_SCHEME_OTHER);
    assert_true(str_eq(u.scheme_text, STR("soap.beep")));
    assert_true(str_eq(u.opaque, STR("//192.0.2.103:3002")));
}

static void errors_tell_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {"sip", 3},
        {"sip:", 4},
        {":a", 0},
        {"1sip:a", 4},
        {"s%70ip:a@b", 1},
        {"<sip:a@b>", 0},
        {"sip:@b", 4},
        {"sip:a@", 6},
        {"sip:a b@c", 5},
        {"sip:a%4@b", 5},
        {"sip:a%zz@b", 5},
        {"sip:a@b@c", 7},
        {"sip:a:p\"@b", 7},
        {"sip:a@b:", 8},
        {"sip:a@b:0", 8},
        {"sip:a@b:65536", 8},
        {"sip:a@b:99999999999", 8},
        {"sip:a@b:12x", 10},
        {"sip:a@-b", 6},
        {"sip:a@b-", 6},
        {"sip:a@.b", 6},
        {"sip:a@b..c", 6},
        {"sip:a@1.2.3", 6},
        {"sip:a@1.2.3.256", 6},
        {"sip:2001:db8::10", 4},
        {"sip:a@[::1", 6},
        {"sip:a@[]", 6},
        {"sip:a@[1.2.3.4]", 6},
        {"sip:a@[::g]", 6},
        {"sip:a@b;", 8},
        {"sip:a@b;;x", 8},
        {"sip:a@b;x=", 10},
        {"sip:a@b;x=1;X=2", 12},
        {"sip:a@b; lr", 8},
        {"sip:a@b?", 8},
        {"sip:a@b?x", 9},
        {"sip:a@b?x=1&", 12},
        {"sip:a@b ", 7},
        {"tel:", 4},
        {"tel:abx", 6},
        {"tel:+1;", 7},
        {"mailto:", 7},
        {"http://a b", 8},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_uri u;
        sip_error err = {99, NULL};
        size_t n = strlen(rows[i].text);
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, rows[i].text, n);
        if (sip_uri_parse((str){copy, n}, &u, &err) != -1 || err.at != rows[i].at)
            fail_msg("%s: %s at %zu", rows[i].text, err.text ? err.text : "accepted", err.at);
        free(copy);
    }
}

/* The sets of 19.1.4, and what RFC 5954 and RFC 3966 add. */
static void equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
        {"sip:a@b?r=1&r=2", "sip:a@b?R=2&r=1", true},
        {"sip:a@b?r=1&r=2", "sip:a@b?r=1&r=1", false},
        {"sip:a@b", "sips:a@b", false},
        {"sip:a@b", "sip:b", false},
        {"sip:a@b", "sip:a:@b", false},
        {"sip:a:x@b", "sip:a:x@b", true},
        {"sip:a@b;maddr=x", "sip:a@b", false},
        {"sip:a%3Bb@c", "sip:a;b@c", false},
        {"sip:a%3bb@c", "sip:a%3Bb@c", true},
        {"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::0:1]", true},
        {"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]", false},
        {"tel:+1-201-555-0123", "tel:+12015550123", true},
        {"tel:+1", "tel:1", false},
        {"tel:1;phone-context=a", "tel:1;Phone-Context=A", true},
        {"tel:1;phone-context=a", "tel:1", false},
        {"http://a/x", "HTTP://a/x", true},
        {"http://a/x", "http://a/X", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_uri a, b;
        assert_int_equal(sip_uri_parse(str_of(rows[i].a), &a, NULL), 0);
        assert_int_equal(sip_uri_parse(str_of(rows[i].b), &b, NULL), 0);
        if (sip_uri_eq(&a, &b) != rows[i].want || sip_uri_eq(&b, &a) != rows[i].want)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
        assert_true(sip_uri_eq(&a, &a));
    }
}

static void parameters_are_found_without_case(void **state)
{
    (void)state;
    sip_uri u;
    str value = {NULL, 0};
    assert_int_equal(sip_uri_parse(STR("sip:a@b;lr;Transport=WS;ob"), &u, NULL), 0);
    assert_true(sip_uri_param(&u, STR("transport"), &value));
    assert_true(str_eq(value, STR("WS")));
    assert_true(sip_uri_flag(&u, STR("LR")));
    assert_true(sip_uri_flag(&u, STR("ob")));
    assert_false(sip_uri_flag(&u, STR("o")));
    assert_false(sip_uri_param(&u, STR("WS"), &value));
}

static void keys_and_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *want;
    } rows[] = {
        {"SIPS:%41lice:pw@A.Example;transport=ws?x=y", "sip:Alice@a.example"},
        {"sip:a%3b%40@b:5070", "sip:a%3B%40@b:5070"},
        {"sip:a.example", "sip:a.example"},
        {"sip:a@[2001:DB8::1]:1", "sip:a@[2001:db8::1]:1"},
        {"tel:+1", "tel:+1"},
    };
    buf out;
    buf_init(&out, 200);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_uri u;
        buf_clear(&out);
        assert_int_equal(sip_uri_parse(str_of(rows[i].uri), &u, NULL), 0);
        sip_uri_aor(&out, &u);
        assert_true(str_eq(buf_slice(&out), str_of(rows[i].want)));
    }
    buf_clear(&out);
    sip_unescape(&out, STR("a%20b%zz%4"));
    assert_true(str_eq(buf_slice(&out), STR("a b%zz%4")));
    buf_free(&out);
}

static void hosts_are_literal_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *host, *ip;
        bool want;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},         {"192.0.2.1", "192.0.2.2", false},
        {"[2001:DB8::0:1]", "2001:db8::1", true}, {"[::1]", "127.0.0.1", false},
        {"a.example", "192.0.2.1", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_host h;
        buf out;
        buf_init(&out, 100);
        assert_int_equal(sip_host_parse(str_of(rows[i].host), &h), strlen(rows[i].host));
        assert_int_equal(sip_host_is(&h, str_of(rows[i].ip)), rows[i].want);
        sip_host_write(&out, &h);
        assert_true(str_eq(buf_slice(&out), str_of(rows[i].host)));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_sip_uri),
        cmocka_unit_test(other_schemes),
        cmocka_unit_test(errors_tell_the_place),
        cmocka_unit_test(equality),
        cmocka_unit_test(parameters_are_found_without_case),
        cmocka_unit_test(keys_and_escapes),
        cmocka_unit_test(hosts_are_literal_or_not),
    };
    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
