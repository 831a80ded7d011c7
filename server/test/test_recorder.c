#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/recorder.h"

static char *content(const char *path)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    char *text = calloc(1, 1 << 16);
    assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
    fclose(f);
    return text;
}

static void assert_line(const char **at, const char *pattern)
{
    const char *end = strchr(*at, '\n');
    assert_non_null(end);
    char *line = strndup(*at, (size_t)(end - *at));
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&re, line, 0, NULL, 0))
        fail_msg("%s\ndoes not match\n%s", line, pattern);
    regfree(&re);
    free(line);
    *at = end + 1;
}

static void lines_have_the_format(void **state)
{
    (void)state;
    char path[] = "/tmp/viaduct-trace-XXXXXX", err[200];
    close(mkstemp(path));
    loop *l = loop_new();
    recorder *r = recorder_open(l, path, "ser\"ver", err, sizeof(err));
    assert_non_null(r);
    addr here, there, none = {.port = 0};
    assert_int_equal(addr_parse(&here, STR("127.0.0.1:5060")), 0);
    assert_int_equal(addr_parse(&there, STR("[::1]:40000")), 0);
    static const char *const sut[] = {"udp:127.0.0.1:5060", "wss:[::1]:443", NULL};
    recorder_header(r, sut, NULL);
    recorder_event e = {.kind = "message",
                        .flow = "wss-1",
                        .transport = "wss",
                        .local = &here,
                        .remote = &there,
                        .dir = RECORDER_IN,
                        .data = STR("A\r\n\t\"\\\x01\x7f\xc3\xa9"),
                        .info = "{\"opcode\":1}"};
    recorder_add(r, &e);
    e.data = STR("\xff\xfe");
    e.dir = RECORDER_OUT;
    recorder_add(r, &e);
    recorder_add(
        r, &(recorder_event){.kind = "frame", .flow = "x", .transport = "ws", .data = STR("")});
    recorder_add(
        r, &(recorder_event){.kind = "close", .flow = "x", .transport = "ws", .remote = &none});
    recorder_note(r, "a \"mark\"");
    loop_step(l, true); /* writes by itself, once per round */
    char *text = content(path);
    const char *at = text;
    assert_line(&at, "^\\{\"kind\":\"trace\",\"version\":1,\"at\":\"ser\\\\\"ver\",\"sut\":"
                     "\\[\"udp:127.0.0.1:5060\",\"wss:\\[::1\\]:443\"\\]\\}$");
    assert_line(&at, "^\\{\"n\":1,\"t\":[0-9]{10}\\.[0-9]{6},\"at\":\"ser\\\\\"ver\",\"kind\":"
                     "\"message\",\"flow\":\"wss-1\",\"transport\":\"wss\",\"local\":"
                     "\"127.0.0.1:5060\",\"remote\":\"\\[::1\\]:40000\",\"dir\":\"in\","
                     "\"text\":\"A\\\\r\\\\n\\\\u0009\\\\\"\\\\\\\\\\\\u0001\x7f\xc3\xa9\","
                     "\"info\":\\{\"opcode\":1\\}\\}$");
    assert_line(&at, "^\\{\"n\":2,.*\"dir\":\"out\",\"b64\":\"//4=\",");
    assert_line(&at, "^\\{\"n\":3,.*\"local\":null,\"remote\":null,\"dir\":null,\"text\":\"\","
                     "\"info\":\\{\\}\\}$");
    assert_line(&at, "^\\{\"n\":4,.*\"remote\":null,\"dir\":null,\"info\":\\{\\}\\}$");
    assert_line(
        &at,
        "^\\{\"n\":5,.*\"kind\":\"note\",.*\"info\":\\{\"text\":\"a \\\\\"mark\\\\\"\"\\}\\}$");
    assert_string_equal(at, "");
    free(text);
    assert_int_equal(recorder_close(r), 0);
    loop_free(l);
    unlink(path);
}

static void close_writes_what_is_left(void **state)
{
    (void)state;
    char path[] = "/tmp/viaduct-trace-XXXXXX", err[200];
    close(mkstemp(path));
    loop *l = loop_new();
    recorder *r = recorder_open(l, path, "server", err, sizeof(err));
    recorder_header(r, NULL, "a note");
    assert_int_equal(recorder_close(r), 0);
    char *text = content(path);
    assert_string_equal(
        text, "{\"kind\":\"trace\",\"version\":1,\"at\":\"server\",\"note\":\"a note\"}\n");
    free(text);
    loop_free(l);
    unlink(path);
}

static void failures_are_told(void **state)
{
    (void)state;
    char err[200] = "";
    loop *l = loop_new();
    assert_null(recorder_open(l, "/nonexistent/trace", "server", err, sizeof(err)));
    assert_string_equal(err, "/nonexistent/trace: No such file or directory");
    recorder *r = recorder_open(l, "/dev/full", "server", err, sizeof(err));
    assert_non_null(r);
    recorder_header(r, NULL, NULL);
    assert_int_equal(recorder_close(r), -1);
    recorder_header(NULL, NULL, NULL); /* no recorder: nothing happens */
    recorder_add(NULL, &(recorder_event){0});
    recorder_note(NULL, "x");
    recorder_flush(NULL);
    assert_int_equal(recorder_close(NULL), 0);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_format),
        cmocka_unit_test(close_writes_what_is_left),
        cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
