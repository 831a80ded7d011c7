#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ws/http.h"

/* Parses a copy of exactly n bytes, so that the sanitizer sees any step beyond. The head's slices
 * are not used afterwards. */
static long parse(long (*parser)(str, http_head *), str in, size_t n, http_head *h)
{
    char *copy = mem_alloc(n ? n : 1);
    memcpy(copy, in.p, n);
    long r = parser((str){copy, n}, h);
    free(copy);
    return r;
}

static const struct {
    const char *text;
    http_error error;
    size_t at;
} requests[] = {
    {"GET / HTTP/1.1\r\n\r\n", HTTP_OK, 0},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_OK, 0},
    {"OPTIONS * HTTP/1.0\r\nX:\r\nY:   \t\r\nZ: a\tb \xc3\xa4 \r\n\r\n", HTTP_OK, 0},
    {"M-SEARCH http://[::1]:80/x?y HTTP/1.9\r\n\r\n", HTTP_OK, 0},
    {"GET  / HTTP/1.1\r\n\r\n", HTTP_E_TARGET, 4},
    {"GET /  HTTP/1.1\r\n\r\n", HTTP_E_LINE, 6},
    {" GET / HTTP/1.1\r\n\r\n", HTTP_E_LINE, 0},
    {"G(T / HTTP/1.1\r\n\r\n", HTTP_E_LINE, 1},
    {"GET / HTTP/1.1 \r\n\r\n", HTTP_E_LINE, 14},
    {"GET / http/1.1\r\n\r\n", HTTP_E_LINE, 6},
    {"GET / HTTP/11\r\n\r\n", HTTP_E_LINE, 12},
    {"GET / HTTP/1.x\r\n\r\n", HTTP_E_LINE, 13},
    {"GET /\r\n\r\n", HTTP_E_TARGET, 5},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_E_VERSION, 11},
    {"REGISTER sip:a SIP/2.0\r\n\r\n", HTTP_E_LINE, 15},
    {"GET /\x01 HTTP/1.1\r\n\r\n", HTTP_E_TARGET, 5},
    {"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", HTTP_E_TARGET, 5},
    {"GET / HTTP/1.1\n\n", HTTP_E_NEWLINE, 14},
    {"GET / HTTP/1.1\rX", HTTP_E_NEWLINE, 15},
    {"\n", HTTP_E_LINE, 0},
    {"GET / HTTP/1.1\r\nA: b\n\r\n", HTTP_E_NEWLINE, 20},
    {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", HTTP_E_NEWLINE, 21},
    {"GET / HTTP/1.1\r\nA: b\r\n\n", HTTP_E_NEWLINE, 22},
    {"GET / HTTP/1.1\r\n\rX", HTTP_E_NEWLINE, 17},
    {"GET / HTTP/1.1\r\nUpgrade : websocket\r\n\r\n", HTTP_E_NAME, 23},
    {"GET / HTTP/1.1\r\n: x\r\n\r\n", HTTP_E_NAME, 16},
    {"GET / HTTP/1.1\r\nno colon\r\n\r\n", HTTP_E_NAME, 18},
    {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HTTP_E_FOLD, 22},
    {"GET / HTTP/1.1\r\n A: b\r\n\r\n", HTTP_E_FOLD, 16},
    {"GET / HTTP/1.1\r\n\tA: b\r\n\r\n", HTTP_E_FOLD, 16},
    {"GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n", HTTP_E_VALUE, 20},
    {"GET / HTTP/1.1\r\nA: b\x01\r\n\r\n", HTTP_E_VALUE, 20},
    {"\x16\x03\x01\x02", HTTP_E_LINE, 0},
};

static void requests_are_judged_at_the_byte_that_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        str in = str_of(requests[i].text);
        bool good = requests[i].error == HTTP_OK;
        for (size_t n = 0; n <= in.n; n++) {
            http_head h;
            long r = parse(http_request, in, n, &h);
            bool known = n > (good ? in.n - 1 : requests[i].at);
            if (r != (!known ? 0 : good ? (long)in.n : -1))
                fail_msg("row %zu, %zu bytes: %ld, error %d at %zu", i, n, r, h.error, h.at);
            if (r < 0) {
                assert_int_equal(h.error, requests[i].error);
                assert_int_equal(h.at, requests[i].at);
            }
        }
    }
}

static void the_head_tells_its_parts(void **state)
{
    (void)state;
    http_head h;
    str in = STR("\r\nGET /ws?x=1 HTTP/1.1\r\nHost: a.example:80\r\nConnection: keep-alive , \r\n"
                 "connection: UPGRADE\r\nA: \"x,y\" ,, z\r\n\r\n\x81\x85");
    assert_int_equal(http_request(in, &h), in.n - 2);
    assert_true(str_eq(h.method, STR("GET")));
    assert_true(str_eq(h.target, STR("/ws?x=1")));
    assert_int_equal(h.minor, 1);
    assert_int_equal(h.count, 4);
    str value = STR("untouched");
    assert_int_equal(http_header_get(&h, STR("nothing"), &value), 0);
    assert_true(str_eq(value, STR("untouched")));
    assert_int_equal(http_header_get(&h, STR("CONNECTION"), &value), 2);
    assert_true(str_eq(value, STR("keep-alive ,")));
    assert_true(http_has_token(&h, STR("Connection"), STR("upgrade")));
    assert_false(http_has_token(&h, STR("Connection"), STR("close")));
    http_list l = http_list_of(&h, STR("a"));
    assert_true(http_list_next(&l, &value));
    assert_true(str_eq(value, STR("\"x,y\"")));
    assert_true(http_list_next(&l, &value));
    assert_true(str_eq(value, STR("z")));
    assert_false(http_list_next(&l, &value));
    assert_true(http_keeps_alive(&h));
}

static void ceilings_have_their_own_errors(void **state)
{
    (void)state;
    http_head h;
    buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 2; i++) { /* the longest target that fits, and one byte more */
        buf_clear(&b);
        buf_str(&b, STR("GET "));
        for (int k = 0; k < HTTP_TARGET_MAX + i; k++)
            buf_byte(&b, '/');
        buf_str(&b, STR(" HTTP/1.1\r\n\r\n"));
        assert_int_equal(http_request(buf_slice(&b), &h), i ? -1 : (long)b.n);
    }
    assert_int_equal(h.error, HTTP_E_TARGET_SIZE);
    assert_int_equal(http_error_status(h.error), 414);
    assert_int_equal(h.at, 4 + HTTP_TARGET_MAX);
    for (int i = 0; i < 2; i++) {
        buf_clear(&b);
        buf_str(&b, STR("GET / HTTP/1.1\r\n"));
        for (int k = 0; k < HTTP_HEADERS_MAX + i; k++)
            buf_str(&b, STR("A: b\r\n"));
        buf_str(&b, STR("\r\n"));
        assert_int_equal(http_request(buf_slice(&b), &h), i ? -1 : (long)b.n);
    }
    assert_int_equal(h.error, HTTP_E_COUNT);
    assert_int_equal(http_error_status(h.error), 431);
    buf_clear(&b);
    buf_str(&b, STR("GET / HTTP/1.1\r\nA: "));
    while (b.n < HTTP_HEAD_MAX)
        buf_byte(&b, 'x');
    assert_int_equal(http_request(str_sub(buf_slice(&b), 0, b.n - 1), &h), 0);
    assert_int_equal(http_request(buf_slice(&b), &h), -1);
    assert_int_equal(h.error, HTTP_E_SIZE);
    assert_int_equal(http_error_status(h.error), 431);
    assert_int_equal(http_error_status(HTTP_E_VERSION), 505);
    assert_int_equal(http_error_status(HTTP_E_FOLD), 400);
    for (int e = HTTP_OK; e <= HTTP_E_COUNT; e++)
        assert_string_not_equal(http_error_text((http_error)e), "unknown error");
    buf_free(&b);
}

static void responses_are_read_likewise(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        http_error error;
        size_t at;
        int status;
        const char *reason;
    } rows[] = {
        {"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n", HTTP_OK, 0, 101,
         "Switching Protocols"},
        {"HTTP/1.0 404 \r\n\r\n", HTTP_OK, 0, 404, ""},
        {"HTTP/1.1 200\r\n\r\n", HTTP_E_LINE, 12, 0, NULL},
        {"HTTP/1.1 99 x\r\n\r\n", HTTP_E_LINE, 11, 0, NULL},
        {"HTTP/1.1 099 x\r\n\r\n", HTTP_E_LINE, 9, 0, NULL},
        {"HTTP/2 200 OK\r\n\r\n", HTTP_E_VERSION, 5, 0, NULL},
        {"HTTP/1.1 200 O\x01\r\n\r\n", HTTP_E_LINE, 14, 0, NULL},
        {"SIP/2.0 200 OK\r\n\r\n", HTTP_E_LINE, 0, 0, NULL},
        {"HTTP/1.1 200 OK\n", HTTP_E_NEWLINE, 15, 0, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        str in = str_of(rows[i].text);
        http_head h;
        for (size_t n = 0; n <= in.n; n++) {
            bool good = rows[i].error == HTTP_OK;
            bool known = n > (good ? in.n - 1 : rows[i].at);
            assert_int_equal(parse(http_response, in, n, &h), !known ? 0 : good ? (long)in.n : -1);
        }
        if (http_response(in, &h) < 0) {
            assert_int_equal(h.error, rows[i].error);
            assert_int_equal(h.at, rows[i].at);
        } else {
            assert_int_equal(h.status, rows[i].status);
            assert_true(str_eq(h.reason, str_of(rows[i].reason)));
        }
    }
}

static void targets_and_hosts_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line, *hosts;
        int want;
        const char *authority, *path, *query;
    } rows[] = {
        {"GET /a/b?c=d?e", "Host: h\r\n", 0, "h", "/a/b", "c=d?e"},
        {"GET /", "Host: [2001:db8::1]:443\r\n", 0, "[2001:db8::1]:443", "/", ""},
        {"GET /", "Host:\r\n", 0, "", "/", ""},
        {"GET http://other:81/x", "Host: h\r\n", 0, "other:81", "/x", ""},
        {"GET HTTPS://other", "Host: h\r\n", 0, "other", "/", ""},
        {"GET ws://other?q", "Host: h\r\n", 0, "other", "/", "q"},
        {"OPTIONS *", "Host: h\r\n", 0, "h", "", ""},
        {"CONNECT h:443", "Host: h\r\n", 0, "h:443", "", ""},
        {"GET /", "", -1, NULL, NULL, NULL},
        {"GET /", "Host: a\r\nHost: a\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: a b\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: u@a\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: a/b\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: a:65536\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: a:1x\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: :80\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: [::1\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: [::1]x\r\n", -1, NULL, NULL, NULL},
        {"GET /", "Host: []\r\n", -1, NULL, NULL, NULL},
        {"GET /a#b", "Host: h\r\n", -1, NULL, NULL, NULL},
        {"GET http://", "Host: h\r\n", -1, NULL, NULL, NULL},
        {"GET http:///x", "Host: h\r\n", -1, NULL, NULL, NULL},
        {"GET ftp://h/", "Host: h\r\n", -1, NULL, NULL, NULL},
        {"GET relative", "Host: h\r\n", -1, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf b;
        http_head h;
        http_target t;
        buf_init(&b, 4096);
        buf_printf(&b, "%s HTTP/1.1\r\n%s\r\n", rows[i].line, rows[i].hosts);
        assert_true(http_request(buf_slice(&b), &h) > 0);
        if (http_target_of(&h, &t) != rows[i].want)
            fail_msg("%s %s", rows[i].line, rows[i].hosts);
        if (rows[i].want == 0) {
            assert_true(str_eq(t.authority, str_of(rows[i].authority)));
            assert_true(str_eq(t.path, str_of(rows[i].path)));
            assert_true(str_eq(t.query, str_of(rows[i].query)));
        }
        buf_free(&b);
    }
    http_head h;
    http_target t;
    assert_true(http_request(STR("GET / HTTP/1.0\r\n\r\n"), &h) > 0);
    assert_int_equal(http_target_of(&h, &t), 0); /* Host came with 1.1 */
}

static void bodies_and_persistence(void **state)
{
    (void)state;
    static const struct {
        const char *version, *headers;
        int want;
        uint64_t length;
        bool keeps;
    } rows[] = {
        {"1.1", "", 0, 0, true},
        {"1.0", "", 0, 0, false},
        {"1.0", "Connection: Keep-Alive\r\n", 0, 0, true},
        {"1.1", "Connection: x, Close\r\n", 0, 0, false},
        {"1.1", "Content-Length: 17\r\n", 0, 17, true},
        {"1.1", "Content-Length: 17\r\nContent-Length: 17\r\n", -1, 0, true},
        {"1.1", "Content-Length: 17, 17\r\n", -1, 0, true},
        {"1.1", "Content-Length: -1\r\n", -1, 0, true},
        {"1.1", "Content-Length: +1\r\n", -1, 0, true},
        {"1.1", "Content-Length:\r\n", -1, 0, true},
        {"1.1", "Content-Length: 99999999999999999999\r\n", -1, 0, true},
        {"1.1", "Transfer-Encoding: chunked\r\n", -1, 0, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf b;
        http_head h;
        uint64_t length = 0;
        buf_init(&b, 4096);
        buf_printf(&b, "GET / HTTP/%s\r\n%s\r\n", rows[i].version, rows[i].headers);
        assert_true(http_request(buf_slice(&b), &h) > 0);
        assert_int_equal(http_body_length(&h, &length), rows[i].want);
        assert_int_equal(length, rows[i].length);
        assert_int_equal(http_keeps_alive(&h), rows[i].keeps);
        buf_free(&b);
    }
}

static void sip_is_told_apart_from_http(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t known; /* bytes after which the answer stands */
        int want;
    } rows[] = {
        {"GET / HTTP/1.1", 5, 1},
        {"OPTIONS * HTTP/1.1", 15, 1},
        {"OPTIONS * SIP/2.0", 11, -1},
        {"OPTIONS sip:a SIP/2.0", 9, -1},
        {"GET http://a/ HTTP/1.1", 9, 1},
        {"GET WSS://a/ HTTP/1.1", 8, 1},
        {"CONNECT a:1 HTTP/1.1", 8, 1},
        {"SIP/2.0 200 OK", 4, -1},
        {"\r\n\r\n", 1, -1},
        {"\x16\x03\x01", 1, -1},
        {"INVITE tel:+1 SIP/2.0", 8, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t n = 0; n <= strlen(rows[i].text); n++)
            if (http_looks_like((str){rows[i].text, n}) != (n < rows[i].known ? 0 : rows[i].want))
                fail_msg("%s, %zu bytes", rows[i].text, n);
}

static void a_refusal_is_a_whole_response(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 4096);
    http_write_refusal(&b, 404, STR("not here"), false);
    assert_true(str_eq(buf_slice(&b), STR("HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                                          "Content-Type: text/plain; charset=utf-8\r\n"
                                          "Content-Length: 9\r\n\r\nnot here\n")));
    http_head h;
    assert_int_equal(http_response(buf_slice(&b), &h), b.n - 9);
    buf_clear(&b);
    http_write_refusal(&b, 404, STR("not here"), true);
    assert_int_equal(http_response(buf_slice(&b), &h), b.n);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_judged_at_the_byte_that_decides),
        cmocka_unit_test(the_head_tells_its_parts),
        cmocka_unit_test(ceilings_have_their_own_errors),
        cmocka_unit_test(responses_are_read_likewise),
        cmocka_unit_test(targets_and_hosts_are_taken_apart),
        cmocka_unit_test(bodies_and_persistence),
        cmocka_unit_test(sip_is_told_apart_from_http),
        cmocka_unit_test(a_refusal_is_a_whole_response),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
