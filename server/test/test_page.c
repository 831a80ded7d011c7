/* Only regular files below the directory, whatever the path says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/inside.h"

typedef struct fixture {
    char top[40];
    char root[60];
} fixture;

static void put(const char *dir, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int set_up(void **state)
{
    fixture *x = calloc(1, sizeof(*x));
    snprintf(x->top, sizeof(x->top), "/tmp/viaduct-page-XXXXXX");
    assert_non_null(mkdtemp(x->top));
    snprintf(x->root, sizeof(x->root), "%s/www", x->top);
    char sub[80];
    snprintf(sub, sizeof(sub), "%s/sub", x->root);
    assert_int_equal(mkdir(x->root, 0700), 0);
    assert_int_equal(mkdir(sub, 0700), 0);
    put(x->top, "secret.txt", "secret");
    put(x->root, "index.html", "<p>top</p>");
    put(x->root, "app.js", "1");
    put(x->root, "a b.css", "");
    put(x->root, ".hidden", "hidden");
    put(sub, "index.html", "<p>sub</p>!");
    char link[80];
    snprintf(link, sizeof(link), "%s/link.txt", x->root);
    assert_int_equal(symlink("../secret.txt", link), 0);
    snprintf(link, sizeof(link), "%s/up", x->root);
    assert_int_equal(symlink("..", link), 0);
    snprintf(link, sizeof(link), "%s/pipe", x->root);
    assert_int_equal(mkfifo(link, 0700), 0);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    fixture *x = *state;
    static const char *const names[] = {
        "www/sub/index.html", "www/sub",     "www/index.html", "www/app.js",
        "www/a b.css",        "www/.hidden", "www/link.txt",   "www/up",
        "www/pipe",           "www",         "secret.txt",     "."};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[120];
        snprintf(path, sizeof(path), "%s/%s", x->top, names[i]);
        remove(strcmp(names[i], ".") ? path : x->top);
    }
    free(x);
    return 0;
}

static void pages_are_found_with_type_and_size(void **state)
{
    fixture *x = *state;
    static const struct {
        const char *path, *type;
        uint64_t size;
    } rows[] = {
        {"/", "text/html; charset=utf-8", 10},
        {"/index.html", "text/html; charset=utf-8", 10},
        {"/%69ndex.html", "text/html; charset=utf-8", 10},
        {"/app.js", "text/javascript; charset=utf-8", 1},
        {"/a%20b.css", "text/css; charset=utf-8", 0},
        {"/sub/", "text/html; charset=utf-8", 11},
        {"/sub/index.html", "text/html; charset=utf-8", 11},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t size = 99;
        const char *type = NULL;
        int fd = page_open(x->root, str_of(rows[i].path), &size, &type);
        assert_true(fd >= 0);
        assert_int_equal(size, rows[i].size);
        assert_string_equal(type, rows[i].type);
        close(fd);
    }
}

static void nothing_else_can_be_named(void **state)
{
    fixture *x = *state;
    static const char *const rows[] = {
        "",
        "index.html",
        "*",
        "/missing",
        "/sub",
        "//",
        "//index.html",
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/./index.html",
        "/.hidden",
        "/%2ehidden",
        "/link.txt",
        "/up/secret.txt",
        "/up/",
        "/pipe",
        "/app.js/",
        "/app.js/x",
        "/app.js%00",
        "/app.js%",
        "/app.js%2",
        "/app.js%zz",
        "/sub\\index.html",
        "/sub%5cindex.html",
        "/%0aindex.html",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t size;
        const char *type;
        int fd = page_open(x->root, str_of(rows[i]), &size, &type);
        if (fd != -1)
            fail_msg("%s was opened", rows[i]);
    }
    uint64_t size;
    const char *type;
    assert_int_equal(page_open(NULL, STR("/"), &size, &type), -1);
    assert_int_equal(page_open("/nonexistent", STR("/"), &size, &type), -1);
    char *long_path = malloc(4000);
    memset(long_path, 'a', 4000);
    long_path[0] = '/';
    assert_int_equal(page_open(x->root, (str){long_path, 4000}, &size, &type), -1);
    assert_int_equal(page_open(x->root, (str){long_path, 300}, &size, &type), -1);
    free(long_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_are_found_with_type_and_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_else_can_be_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
