#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"

typedef struct options {
    bool fast;
    char *name;
    uint64_t port;
    config_list listen;
} options;

static const char *no_spaces(const char *value)
{
    return strchr(value, ' ') ? "has a space" : NULL;
}

static const config_option TABLE[] = {
    {.name = "fast", .kind = CONFIG_FLAG, .offset = offsetof(options, fast), .help = "be fast"},
    {.name = "name",
     .kind = CONFIG_TEXT,
     .offset = offsetof(options, name),
     .argument = "NAME",
     .help = "a name",
     .check = no_spaces},
    {.name = "port",
     .kind = CONFIG_NUMBER,
     .offset = offsetof(options, port),
     .min = 1,
     .max = 65535,
     .argument = "N",
     .help = "a port"},
    {.name = "listen",
     .kind = CONFIG_LIST,
     .offset = offsetof(options, listen),
     .argument = "WHERE",
     .help = "where"},
    {.name = "config", .kind = CONFIG_FILE, .argument = "FILE", .help = "read a file"},
    {0},
};

static void file_sets_everything(void **state)
{
    (void)state;
    options o = {.port = 7};
    char err[200] = "";
    str text = STR("# a comment\n\n fast = yes\r\nname = alice # the first\n"
                   "listen=udp:1\nlisten = tcp:2\nname = bob");
    assert_int_equal(config_text(TABLE, &o, text, "x.conf", err, sizeof(err)), 0);
    assert_true(o.fast);
    assert_string_equal(o.name, "bob");
    assert_int_equal(o.port, 7);
    assert_int_equal(o.listen.n, 2);
    assert_string_equal(o.listen.v[1], "tcp:2");
    config_free(TABLE, &o);
    assert_null(o.name);
    assert_int_equal(o.listen.n, 0);
}

static void file_errors_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *err;
    } rows[] = {
        {"port = 0", "x.conf:1: port: '0' is no number from 1 to 65535"},
        {"\n\nport = 65536", "x.conf:3: port: '65536' is no number from 1 to 65535"},
        {"#\nfast = maybe", "x.conf:2: fast: 'maybe' is neither yes nor no"},
        {"name =", "x.conf:1: name: needs NAME"},
        {"name = a b", "x.conf:1: name: has a space: 'a b'"},
        {"colour = red", "x.conf:1: unknown name 'colour'"},
        {"nonsense", "x.conf:1: 'nonsense' is not of the form name = value"},
        {"config = other", "x.conf:1: config: is for the command line only"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        options o = {0};
        char err[200] = "";
        assert_int_equal(config_text(TABLE, &o, str_of(rows[i].text), "x.conf", err, sizeof(err)),
                         -1);
        assert_string_equal(err, rows[i].err);
        config_free(TABLE, &o);
    }
    options o = {0};
    char err[200] = "";
    assert_int_equal(config_text(TABLE, &o, STR("name = a\0b"), "x.conf", err, sizeof(err)), -1);
    assert_string_equal(err, "x.conf:1: name: has a NUL byte");
    config_free(TABLE, &o);
}

static void arguments_and_file_mix(void **state)
{
    (void)state;
    char path[] = "/tmp/viaduct-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char text[] = "port = 5060\nlisten = udp:1\n";
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);

    options o = {0};
    char err[200] = "";
    char *argv[] = {"x",      "--listen", "first", "--config", path, "--listen=last",
                    "--fast", "--port",   "80"};
    assert_int_equal(config_args(TABLE, &o, 9, argv, err, sizeof(err)), 0);
    assert_int_equal(o.port, 80);
    assert_true(o.fast);
    assert_int_equal(o.listen.n, 3);
    assert_string_equal(o.listen.v[0], "first");
    assert_string_equal(o.listen.v[1], "udp:1");
    assert_string_equal(o.listen.v[2], "last");
    config_free(TABLE, &o);
    unlink(path);
}

static void argument_errors_name_the_option(void **state)
{
    (void)state;
    static const struct {
        char *argv[4];
        int argc;
        const char *err;
    } rows[] = {
        {{"x", "--colour", "red"}, 3, "--colour: unknown option"},
        {{"x", "--port", "x"}, 3, "--port: 'x' is no number from 1 to 65535"},
        {{"x", "--port"}, 2, "--port: needs N"},
        {{"x", "stray"}, 2, "'stray': not an option"},
        {{"x", "--config", "/nonexistent/file"}, 3, "/nonexistent/file: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        options o = {0};
        char err[200] = "";
        assert_int_equal(config_args(TABLE, &o, rows[i].argc, rows[i].argv, err, sizeof(err)), -1);
        assert_string_equal(err, rows[i].err);
        config_free(TABLE, &o);
    }
}

static void help_lists_every_option(void **state)
{
    (void)state;
    char text[2000] = "";
    FILE *f = fmemopen(text, sizeof(text), "w");
    config_help(TABLE, f);
    fclose(f);
    for (const config_option *o = TABLE; o->name; o++)
        assert_non_null(strstr(text, o->help));
    assert_non_null(strstr(text, "--listen WHERE ..."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_sets_everything),
        cmocka_unit_test(file_errors_say_where),
        cmocka_unit_test(arguments_and_file_mix),
        cmocka_unit_test(argument_errors_name_the_option),
        cmocka_unit_test(help_lists_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
