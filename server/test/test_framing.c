#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/framing.h"

enum { MAX_HEAD = 200, MAX_BODY = 100 };

/* Feeds text in pieces of step bytes, each in a block of its own, and writes down the events:
 * "message LENGTH@AT;", "ping@AT;", "error CODE@AT;". */
static void run(str text, size_t step, sip_framing_role role, char *log, size_t size)
{
    sip_framing f;
    sip_framing_event ev;
    size_t n = 0;
    log[0] = '\0';
    sip_framing_init(&f, role, MAX_HEAD, MAX_BODY);
    for (size_t at = 0; at < text.n; at += step) {
        size_t piece = text.n - at < step ? text.n - at : step;
        char *copy = malloc(piece);
        assert_non_null(copy);
        memcpy(copy, text.p + at, piece);
        str bytes = {copy, piece};
        while (sip_framing_next(&f, &bytes, &ev)) {
            static const char *const names[] = {"message", "ping", "pong", "error"};
            int k = snprintf(log + n, size - n, "%s", names[ev.kind]);
            n += (size_t)k;
            if (ev.kind == SIP_FRAMING_MESSAGE)
                k = snprintf(log + n, size - n, " %zu@%d;", ev.data.n, (int)ev.at);
            else if (ev.kind == SIP_FRAMING_ERROR)
                k = snprintf(log + n, size - n, " %d/%zu@%d;", (int)ev.error, ev.data.n,
                             (int)ev.at);
            else
                k = snprintf(log + n, size - n, "@%d;", (int)ev.at);
            n += (size_t)k;
            assert_true(n < size);
            if (ev.kind == SIP_FRAMING_ERROR)
                assert_non_null(ev.text);
            else
                assert_true(ev.at + ev.data.n <= text.n &&
                            memcmp(ev.data.p, text.p + ev.at, ev.data.n) == 0);
        }
        assert_int_equal(bytes.n, 0);
        free(copy);
    }
    sip_framing_free(&f);
}

#define M1 "OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nabc"
#define M2 "SIP/2.0 200 OK\r\nContent-Length:\r\n 0\r\nX: y\r\n\r\n"

static void pieces_make_no_difference(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sip_framing_role role;
        const char *want;
    } rows[] = {
        {M1, SIP_FRAMING_SERVER, "message 34@0;"},
        {M1 M1 M2, SIP_FRAMING_SERVER, "message 34@0;message 34@34;message 45@68;"},
        {"\r\n\r\n" M1 "\r\n\r\n\r\n\r\n", SIP_FRAMING_SERVER,
         "ping@0;message 34@4;ping@38;ping@42;"},
        {"\r\n" M1 "\r\n" M1, SIP_FRAMING_SERVER, "message 34@2;message 34@38;"},
        {"\r\n\r\n\r\n" M1, SIP_FRAMING_SERVER, "ping@0;message 34@6;"},
        {"\r\n" M1 "\r\n\r\n", SIP_FRAMING_CLIENT, "pong@0;message 34@2;pong@36;pong@38;"},
        {"\r\n\r", SIP_FRAMING_SERVER, ""},
        {"OPTIONS sip:a SIP/2.0\r\nl: 4\r\n\r\nabc", SIP_FRAMING_SERVER, ""},
        {"\rx", SIP_FRAMING_SERVER, "error 1/0@1;"},
        {"\n", SIP_FRAMING_SERVER, "error 1/0@0;"},
        {"\x16\x03\x01", SIP_FRAMING_SERVER, "error 1/0@0;"},
        {M1 " x", SIP_FRAMING_SERVER, "message 34@0;error 1/0@34;"},
        {"OPTIONS\x01", SIP_FRAMING_SERVER, "error 1/0@7;"},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", SIP_FRAMING_SERVER, "error 1/0@0;"},
        {"OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\n" M1, SIP_FRAMING_SERVER, "error 4/31@31;"},
        {"OPTIONS sip:a SIP/2.0\r\n\r\n", SIP_FRAMING_SERVER, "error 4/25@25;"},
        {"OPTIONS sip:a SIP/2.0\r\nl: -1\r\n\r\n", SIP_FRAMING_SERVER, "error 5/32@23;"},
        {"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nL: 2\r\n\r\n", SIP_FRAMING_SERVER, "error 5/37@29;"},
        {"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nL: 1\r\n\r\nz", SIP_FRAMING_SERVER, "message 38@0;"},
        {"OPTIONS sip:a SIP/2.0\r\nl: 99999999999999999999\r\n\r\n", SIP_FRAMING_SERVER,
         "error 5/50@23;"},
        {"OPTIONS sip:a SIP/2.0\r\nl: 101\r\n\r\n", SIP_FRAMING_SERVER, "error 3/33@23;"},
        {"OPTIONS sip:a SIP/2.0\r\nlength: 1\r\nContent-Length: 0\r\n\r\n", SIP_FRAMING_SERVER,
         "message 55@0;"},
        {"OPTIONS sip:a SIP/2.0\nl: 0\n\n" M1, SIP_FRAMING_SERVER, "message 28@0;message 34@28;"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step <= strlen(rows[i].text); step++) {
            char log[400];
            run(str_of(rows[i].text), step, rows[i].role, log, sizeof(log));
            if (strcmp(log, rows[i].want) != 0)
                fail_msg("row %zu in steps of %zu: got \"%s\", expected \"%s\"", i, step, log,
                         rows[i].want);
        }
    }
}

static void the_head_has_a_ceiling(void **state)
{
    (void)state;
    char text[MAX_HEAD + 200], log[100];
    for (size_t size = MAX_HEAD - 1; size <= MAX_HEAD + 1; size++) {
        int n = snprintf(text, sizeof(text), "OPTIONS sip:a SIP/2.0\r\nl: 0\r\nX: ");
        memset(text + n, 'x', size);
        memcpy(text + size - 4, "\r\n\r\n", 4);
        for (size_t step = 1; step <= size; step += 41) {
            run((str){text, size}, step, SIP_FRAMING_SERVER, log, sizeof(log));
            if (size <= MAX_HEAD)
                assert_true(strncmp(log, "message ", 8) == 0);
            else
                assert_string_equal(log, "error 2/0@200;");
        }
    }
}

static void a_whole_message_is_not_copied(void **state)
{
    (void)state;
    static const char text[] = M1 M1;
    sip_framing f;
    sip_framing_event ev;
    str bytes = str_of(text);
    sip_framing_init(&f, SIP_FRAMING_SERVER, MAX_HEAD, MAX_BODY);
    assert_true(sip_framing_next(&f, &bytes, &ev));
    assert_ptr_equal(ev.data.p, text);
    assert_true(sip_framing_next(&f, &bytes, &ev));
    assert_ptr_equal(ev.data.p, text + ev.data.n);
    assert_null(f.held.p);
    bytes = (str){text, 5};
    assert_false(sip_framing_next(&f, &bytes, &ev));
    assert_true(sip_framing_midway(&f));
    bytes = (str){text + 5, sizeof(text) - 6};
    assert_true(sip_framing_next(&f, &bytes, &ev));
    assert_false(sip_framing_midway(&f));
    assert_true(sip_framing_next(&f, &bytes, &ev));
    assert_ptr_equal(ev.data.p, text + ev.data.n); /* in place again */
    assert_null(f.held.p);
    sip_framing_free(&f);
}

static void keepalives_are_known_whole(void **state)
{
    (void)state;
    assert_int_equal(sip_keepalive(STR("\r\n\r\n")), 2);
    assert_int_equal(sip_keepalive(STR("\r\n")), 1);
    assert_int_equal(sip_keepalive(STR("\r\n\r")), 0);
    assert_int_equal(sip_keepalive(STR("")), 0);
    assert_int_equal(sip_keepalive(STR("\n")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(the_head_has_a_ceiling),
        cmocka_unit_test(a_whole_message_is_not_copied),
        cmocka_unit_test(keepalives_are_known_whole),
    };
    return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
