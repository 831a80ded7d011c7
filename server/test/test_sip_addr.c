#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sip/addr.h"

static void parts_of_an_address(void **state)
{
    (void)state;
    static const struct {
        const char *text, *display, *uri;
        bool bracket;
        const char *params, *tag;
    } rows[] = {
        {"sip:a@b", "", "sip:a@b", false, "", ""},
        {" <sip:a@b;lr> ", "", "sip:a@b;lr", true, "", ""},
        {"Bob B. <sip:a@b>;tag=1", "Bob B.", "sip:a@b", true, ";tag=1", "1"},
        {"caller<sip:a@b>;tag=1", "caller", "sip:a@b", true, ";tag=1", "1"},
        {"\"B, \\\"x\\\" <y>\"  <sip:a@b> ; x ; TAG = t1", "\"B, \\\"x\\\" <y>\"", "sip:a@b", true,
         " ; x ; TAG = t1", "t1"},
        {"sip:a@b ;tag=2;x=\"<\"", "", "sip:a@b", false, " ;tag=2;x=\"<\"", "2"},
        {"sip:a@b;user=phone", "", "sip:a@b", false, ";user=phone", ""},
        {"<tel:+1;x=y>;q=0.5", "", "tel:+1;x=y", true, ";q=0.5", ""},
        {"<sip:a@b>;+sip.instance=\"<urn:uuid:1>\";reg-id=1", "", "sip:a@b", true,
         ";+sip.instance=\"<urn:uuid:1>\";reg-id=1", ""},
        {"<sip:a@b?Route=%3Csip:c%3E>", "", "sip:a@b?Route=%3Csip:c%3E", true, "", ""},
        {"isbn:2983792873", "", "isbn:2983792873", false, "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_addr a;
        sip_error err = {0, NULL};
        if (sip_addr_parse(str_of(rows[i].text), &a, &err))
            fail_msg("%s: %s at %zu", rows[i].text, err.text, err.at);
        assert_true(str_eq(a.display, str_of(rows[i].display)));
        assert_true(str_eq(a.uri.text, str_of(rows[i].uri)));
        assert_int_equal(a.bracket, rows[i].bracket);
        assert_true(str_eq(a.params, str_of(rows[i].params)));
        assert_true(str_eq(a.tag, str_of(rows[i].tag)));
        assert_false(a.star);
    }
    sip_addr a;
    str value;
    assert_int_equal(sip_addr_parse(STR(" * "), &a, NULL), 0);
    assert_true(a.star);
    assert_int_equal(sip_addr_parse(STR("<sip:a@b>;Expires=60"), &a, NULL), 0);
    assert_true(sip_addr_param(&a, STR("expires"), &value));
    assert_true(str_eq(value, STR("60")));
    assert_false(sip_addr_param(&a, STR("q"), &value));
}

static void errors_tell_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {"  ", 0},
        {"x", 1},
        {"<>", 1},
        {"<sip:a@b", 0},
        {"< sip:a@b >", 1},
        {"Bell, A <sip:a@b>", 4},
        {"\"Bell <sip:a@b>", 0},
        {"\"Bell\" sip:a@b", 7},
        {"\"Bell\\", 0},
        {"sip:a@b?x=y", 7},
        {"sip:a,c@b", 5},
        {"sip:a@b x", 8},
        {" <sip:a@b> x", 11},
        {"<sip:a@b>;", 10},
        {"<sip:a@b>;tag", 10},
        {"<sip:a@b>;tag=1;tag=2", 16},
        {"<sip:a@b>;tag=\"1\"", 10},
        {"* x", 3},
        {"**", 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_addr a;
        sip_error err = {99, NULL};
        size_t n = strlen(rows[i].text);
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, rows[i].text, n);
        if (sip_addr_parse((str){copy, n}, &a, &err) != -1 || err.at != rows[i].at)
            fail_msg("%s: %s at %zu", rows[i].text, err.text ? err.text : "accepted", err.at);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_an_address),
        cmocka_unit_test(errors_tell_the_place),
    };
    return cmocka_run_group_tests_name("sip_addr", tests, NULL, NULL);
}
