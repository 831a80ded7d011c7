#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What fn writes to stderr. */
static char *captured(void (*fn)(void))
{
    char path[] = "/tmp/viaduct-log-XXXXXX";
    int fd = mkstemp(path), old = dup(STDERR_FILENO);
    assert_true(fd >= 0 && old >= 0);
    dup2(fd, STDERR_FILENO);
    fn();
    dup2(old, STDERR_FILENO);
    close(old);
    char *text = calloc(1, 1 << 16);
    ssize_t n = pread(fd, text, (1 << 16) - 1, 0);
    assert_true(n >= 0);
    close(fd);
    unlink(path);
    return text;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool hit = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return hit;
}

static int evaluated;

static void write_all(void)
{
    log_error("net", "fail", "why=%s", "x");
    log_info("net", "open", "n=%d", ++evaluated);
    log_debug("net", "bytes", "n=%d", ++evaluated);
}

static void levels_choose_the_lines(void **state)
{
    (void)state;
    static const char *const names[] = {"off", "error", "info", "debug"};
    for (size_t i = 0; i < 4; i++) {
        log_level level;
        assert_int_equal(log_level_parse(str_of(names[i]), &level), 0);
        log_set_level(level);
        evaluated = 0;
        char *text = captured(write_all);
        size_t lines = 0;
        for (const char *p = text; *p; p++)
            lines += *p == '\n';
        assert_int_equal(lines, i);
        assert_int_equal(evaluated, i < 2 ? 0 : i - 1); /* no work for lines that are off */
        if (i == 3)
            assert_true(matches(text,
                                "^[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} error net fail why=x\n"
                                "[0-9:.]+ info net open n=1\n"
                                "[0-9:.]+ debug net bytes n=2\n$"));
        free(text);
    }
    log_level level = LOG_INFO;
    assert_int_equal(log_level_parse(STR("loud"), &level), -1);
    assert_int_equal(level, LOG_INFO);
    log_set_level(LOG_OFF);
}

static void write_hostile(void)
{
    log_error("net", "from", "value=%s", "a\r\n12:00:00.000 info forged\x1b[31m");
}

static void write_long(void)
{
    char value[5000];
    memset(value, 1, sizeof(value));
    value[sizeof(value) - 1] = 0;
    log_error("net", "long", "value=%s", value);
}

static void a_peer_cannot_forge_a_line(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    char *text = captured(write_hostile);
    assert_true(
        matches(text, "^[^\n]*value=a\\\\x0d\\\\x0a12:00:00.000 info forged\\\\x1b\\[31m\n$"));
    free(text);
    text = captured(write_long);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_true(strlen(text) > 3000 && strlen(text) < 4100);
    free(text);
    log_set_level(LOG_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_choose_the_lines),
        cmocka_unit_test(a_peer_cannot_forge_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
