#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sip/header.h"

static void every_name_leads_to_its_id(void **state)
{
    (void)state;
    for (unsigned id = SIP_OTHER + 1; id < SIP_HEADERS; id++) {
        str name = sip_header_name((sip_header)id);
        char other[32];
        assert_true(name.n > 1 && name.n < sizeof(other));
        assert_int_equal(sip_header_of(name), id);
        for (size_t i = 0; i < name.n; i++)
            other[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
        assert_int_equal(sip_header_of((str){other, name.n}), id);
        other[name.n - 1] = '_';
        assert_int_equal(sip_header_of((str){other, name.n}), SIP_OTHER);
    }
    assert_int_equal(sip_header_name(SIP_OTHER).n, 0);
}

static void compact_forms(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        sip_header id;
    } rows[] = {
        {"v", SIP_VIA},
        {"V", SIP_VIA},
        {"f", SIP_FROM},
        {"t", SIP_TO},
        {"i", SIP_CALL_ID},
        {"m", SIP_CONTACT},
        {"k", SIP_SUPPORTED},
        {"l", SIP_CONTENT_LENGTH},
        {"c", SIP_CONTENT_TYPE},
        {"e", SIP_CONTENT_ENCODING},
        {"s", SIP_SUBJECT},
        {"o", SIP_EVENT},
        {"u", SIP_ALLOW_EVENTS},
        {"r", SIP_REFER_TO},
        {"b", SIP_REFERRED_BY},
        {"x", SIP_SESSION_EXPIRES},
        {"a", SIP_ACCEPT_CONTACT},
        {"j", SIP_REJECT_CONTACT},
        {"d", SIP_REQUEST_DISPOSITION},
        {"y", SIP_IDENTITY},
        {"z", SIP_OTHER},
        {"", SIP_OTHER},
        {"\x16", SIP_OTHER},
        {"!", SIP_OTHER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(sip_header_of(str_of(rows[i].name)), rows[i].id);
}

static void lists_split_outside_quotes_and_brackets(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *items; /* with '|' behind each */
        int end;
        size_t at;
    } rows[] = {
        {"a", "a|", 0, 0},
        {"", "", 0, 0},
        {" \r\n ", "", 0, 0},
        {" a ,\r\n b,c ", "a|b|c|", 0, 0},
        {"a,,b,", "a||b|", 0, 0},
        {"\"x,\\\",y\" <sip:a,b@c>;p=\"q,r\", z", "\"x,\\\",y\" <sip:a,b@c>;p=\"q,r\"|z|", 0, 0},
        {"a, \"b", "a|", -1, 1},
        {"<a", "", -1, 0},
        {"\"\\\"", "", -1, 0},
        {"\"\\", "", -1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        str rest = str_of(rows[i].list), item;
        sip_error err = {0, NULL};
        char got[100];
        size_t n = 0;
        int r;
        while ((r = sip_list_next(&rest, &item, &err)) == 1) {
            assert_true(n + item.n + 1 < sizeof(got));
            memcpy(got + n, item.p, item.n);
            n += item.n;
            got[n++] = '|';
        }
        assert_int_equal(r, rows[i].end);
        assert_true(str_eq((str){got, n}, str_of(rows[i].items)));
        if (r)
            assert_int_equal(err.at, rows[i].at);
    }
    assert_true(sip_list_has(STR("path, Outbound"), STR("outbound")));
    assert_false(sip_list_has(STR("path, outbounds"), STR("outbound")));
}

static void parameters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
        size_t at;
    } rows[] = {
        {"", 0, 0},
        {";lr", 0, 0},
        {" ; a = b ;\r\n c=\"d;e\\\"\" ; f ", 0, 0},
        {";h=[2001:db8::1];r=2001:db8::9", 0, 0},
        {"a", -1, 0},
        {";", -1, 1},
        {";a;;b", -1, 3},
        {";a=", -1, 3},
        {";a=;b", -1, 3},
        {";a=\"b", -1, 3},
        {";a=\"b\"c", -1, 6},
        {";a=b c", -1, 5},
        {";a=b,c", -1, 4},
        {";a;b;A=1", -1, 5},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_error err = {0, NULL};
        int r = sip_params_check(str_of(rows[i].text), &err);
        if (r != rows[i].want || (r && err.at != rows[i].at))
            fail_msg("%s: %s at %zu", rows[i].text, err.text ? err.text : "accepted", err.at);
    }
    str value;
    assert_true(sip_param_get(STR(";A=1;b;c=\"x y\""), STR("C"), &value));
    assert_true(str_eq(value, STR("\"x y\"")));
    assert_true(sip_param_get(STR(";A=1;b"), STR("B"), &value));
    assert_int_equal(value.n, 0);
    assert_false(sip_param_get(STR(";A=1;b"), STR("c"), &value));
}

static void too_many_parameters_are_refused(void **state)
{
    (void)state;
    char text[SIP_PARAMS_MAX * 4 + 5];
    size_t n = 0;
    for (int i = 0; i <= SIP_PARAMS_MAX; i++) {
        text[n++] = ';';
        text[n++] = (char)('a' + i / 10);
        text[n++] = (char)('0' + i % 10);
        assert_int_equal(sip_params_check((str){text, n}, NULL), i < SIP_PARAMS_MAX ? 0 : -1);
    }
}

static void quotes_and_folds(void **state)
{
    (void)state;
    static const struct {
        const char *in, *unquoted, *unfolded;
    } rows[] = {
        {"abc", "abc", "abc"},
        {"\"a\\\"b\\\\\"", "a\"b\\", "\"a\\\"b\\\\\""},
        {"\"", "\"", "\""},
        {"\"\"", "", "\"\""},
        {"a \r\n\t b\r\n c", "a \r\n\t b\r\n c", "a b c"},
    };
    buf out;
    buf_init(&out, 100);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&out);
        sip_unquote(&out, str_of(rows[i].in));
        assert_true(str_eq(buf_slice(&out), str_of(rows[i].unquoted)));
        buf_clear(&out);
        sip_unfold(&out, str_of(rows[i].in));
        assert_true(str_eq(buf_slice(&out), str_of(rows[i].unfolded)));
    }
    buf_free(&out);
    assert_true(sip_is_token(STR("a-1.!%*_+`'~")));
    assert_false(sip_is_token(STR("a b")));
    assert_false(sip_is_token(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_leads_to_its_id),
        cmocka_unit_test(compact_forms),
        cmocka_unit_test(lists_split_outside_quotes_and_brackets),
        cmocka_unit_test(parameters),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(quotes_and_folds),
    };
    return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
