#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/token.h"

static void a_token_gives_back_its_flow(void **state)
{
    (void)state;
    static const uint64_t flows[] = {1, 0xFF, 0x0123456789ABCDEFULL, UINT64_MAX};
    token_key *key = token_key_new();
    for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
        char text[TOKEN_TEXT];
        uint64_t flow = 0;
        token_make(key, flows[i], text);
        assert_int_equal(token_read(key, (str){text, TOKEN_TEXT}, &flow), 0);
        assert_true(flow == flows[i]);
    }
    token_key_free(key);
}

static void every_altered_character_is_noticed(void **state)
{
    (void)state;
    token_key *key = token_key_new();
    char text[TOKEN_TEXT];
    token_make(key, 4711, text);
    for (size_t i = 0; i < TOKEN_TEXT; i++) {
        uint64_t flow = 1;
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(token_read(key, (str){text, TOKEN_TEXT}, &flow), -1);
        assert_int_equal(flow, 1);
        text[i] = was;
    }
    uint64_t flow;
    assert_int_equal(token_read(key, (str){text, TOKEN_TEXT - 1}, &flow), -1);
    assert_int_equal(token_read(key, STR(""), &flow), -1);
    assert_int_equal(token_read(key, STR("bob"), &flow), -1);
    token_key_free(key);
}

static void another_process_has_another_key(void **state)
{
    (void)state;
    token_key *ours = token_key_new(), *theirs = token_key_new();
    char text[TOKEN_TEXT];
    uint64_t flow;
    token_make(theirs, 4711, text);
    assert_int_equal(token_read(ours, (str){text, TOKEN_TEXT}, &flow), -1);
    token_key_free(ours);
    token_key_free(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_gives_back_its_flow),
        cmocka_unit_test(every_altered_character_is_noticed),
        cmocka_unit_test(another_process_has_another_key),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
