#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ws/handshake.h"

static const str paths[] = {{"/ws", 3}, {"/", 1}};
static const str origins[] = {{"https://good.example", 20}, {"https://good.example:8443", 25}};
static const handshake_policy sip = {
    .paths = paths,
    .path_count = 2,
    .origins = origins,
    .origin_count = 2,
    .subprotocol = {"sip", 3},
};
static const handshake_policy open_house = {0};

#define LINE "GET /ws HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define SIP "Sec-WebSocket-Protocol: sip\r\n"
#define ALL HOST UP KEY VERSION SIP
#define NO_SIP HOST UP KEY VERSION
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCHED                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ACCEPT

static const struct {
    const char *request; /* without the empty line */
    int status;
    const char *holds; /* somewhere in the answer, NULL: anything */
} rows[] = {
    {LINE ALL, 101, SWITCHED "Sec-WebSocket-Protocol: sip\r\n\r\n"},
    {"GET /?x=y HTTP/1.1\r\n" ALL, 101, NULL},
    {"GET http://other/ws HTTP/1.1\r\n" ALL, 101, NULL},
    {LINE SIP VERSION KEY UP HOST "X-Unknown: \xff\r\n", 101, NULL},
    {LINE HOST KEY VERSION SIP "upgrade: h2c, WebSocket\r\nconnection: keep-alive, UPGRADE\r\n",
     101, NULL},
    {LINE HOST KEY VERSION SIP "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: a\r\n"
                               "Connection: upgrade\r\n",
     101, NULL},
    {LINE NO_SIP "Sec-WebSocket-Protocol: chat, sip\r\n", 101,
     "\r\nSec-WebSocket-Protocol: sip\r\n\r\n"},
    {LINE NO_SIP "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: sip\r\n", 101, NULL},
    {LINE ALL "Origin: https://good.example\r\n", 101, NULL},
    {LINE ALL "Content-Length: 0\r\n", 101, NULL},
    {LINE ALL "Expect: 100-Continue\r\n", 101, "HTTP/1.1 100 Continue\r\n\r\n" SWITCHED},
    {LINE ALL
     "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, a ; b = \"c\"\r\n",
     101, SWITCHED "Sec-WebSocket-Protocol: sip\r\n\r\n"},
    /* request line and Host */
    {"POST /ws HTTP/1.1\r\n" ALL, 405, "\r\nAllow: GET\r\n"},
    {"get /ws HTTP/1.1\r\n" ALL, 405, NULL},
    {"GET /ws HTTP/1.0\r\n" ALL, 426, "\r\nUpgrade: websocket\r\n"},
    {"GET /no-such HTTP/1.1\r\n" ALL, 404, NULL},
    {"GET /ws/ HTTP/1.1\r\n" ALL, 404, NULL},
    {"GET * HTTP/1.1\r\n" ALL, 404, NULL},
    {LINE UP KEY VERSION SIP, 400, "Host"},
    {LINE HOST HOST UP KEY VERSION SIP, 400, "Host"},
    {LINE "Host: \r\n" UP KEY VERSION SIP, 400, "Host"},
    {LINE "Host: a b\r\n" UP KEY VERSION SIP, 400, "Host"},
    /* Upgrade, Connection */
    {LINE HOST "Connection: Upgrade\r\n" KEY VERSION SIP, 426,
     "\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"},
    {LINE HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION SIP, 426, NULL},
    {LINE HOST "Upgrade: websocket\r\n" KEY VERSION SIP, 400, "Connection"},
    {LINE HOST "Upgrade: websocket\r\nConnection: close\r\n" KEY VERSION SIP, 400, "Connection"},
    {LINE ALL "Content-Length: 5\r\n", 400, "body"},
    {LINE ALL "Transfer-Encoding: chunked\r\n", 400, "body"},
    {LINE ALL "Expect: the-best\r\n", 417, NULL},
    /* version */
    {LINE HOST UP KEY SIP, 426, "\r\nSec-WebSocket-Version: 13\r\n"},
    {LINE HOST UP KEY SIP "Sec-WebSocket-Version: 12\r\n", 426,
     "\r\nSec-WebSocket-Version: 13\r\n"},
    {LINE HOST UP KEY SIP "Sec-WebSocket-Version: 25\r\n", 426,
     "\r\nSec-WebSocket-Version: 13\r\n"},
    {LINE ALL VERSION, 426, "\r\nSec-WebSocket-Version: 13\r\n"},
    /* key */
    {LINE HOST UP VERSION SIP, 400, "Sec-WebSocket-Key"},
    {LINE ALL KEY, 400, "Sec-WebSocket-Key"},
    {LINE HOST UP VERSION SIP "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n", 400, NULL}, /* 15 */
    {LINE HOST UP VERSION SIP "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=\r\n", 400,
     NULL}, /* 17 */
    {LINE HOST UP VERSION SIP "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA\r\n", 400, NULL},
    {LINE HOST UP VERSION SIP "Sec-WebSocket-Key: ?AAAAAAAAAAAAAAAAAAAAA==\r\n", 400, NULL},
    {LINE HOST UP VERSION SIP "Sec-WebSocket-Key:\r\n", 400, NULL},
    /* origin */
    {LINE ALL "Origin: https://evil.example\r\n", 403, NULL},
    {LINE ALL "Origin: https://good.example.evil.test\r\n", 403, NULL},
    {LINE ALL "Origin: http://good.example\r\n", 403, NULL},
    {LINE ALL "Origin: null\r\n", 403, NULL},
    {LINE ALL "Origin:\r\n", 403, NULL},
    {LINE ALL "Origin: https://good.example\r\nOrigin: https://good.example\r\n", 400, NULL},
    /* extensions */
    {LINE ALL "Sec-WebSocket-Extensions: ;\r\n", 400, "Sec-WebSocket-Extensions"},
    {LINE ALL "Sec-WebSocket-Extensions:\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a;;b\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a;\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a b\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a=\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a;b=\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a;b=\"x y\"\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a;b=\"\"\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: a;b=\"c\r\n", 400, NULL},
    {LINE ALL "Sec-WebSocket-Extensions: good\r\nSec-WebSocket-Extensions: a;=\r\n", 400, NULL},
    /* subprotocol */
    {LINE NO_SIP, 400, "Sec-WebSocket-Protocol"},
    {LINE NO_SIP "Sec-WebSocket-Protocol: chat\r\n", 400, NULL},
    {LINE NO_SIP "Sec-WebSocket-Protocol: SIP\r\n", 400, NULL},
    {LINE NO_SIP "Sec-WebSocket-Protocol:\r\n", 400, NULL},
    {LINE NO_SIP "Sec-WebSocket-Protocol: sip, a/b\r\n", 400, "different tokens"},
    {LINE NO_SIP "Sec-WebSocket-Protocol: sip, chat, sip\r\n", 400, "different tokens"},
};

static bool contains(str s, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= s.n; i++)
        if (memcmp(s.p + i, part, n) == 0)
            return true;
    return false;
}

static int answer(const char *request, const handshake_policy *p, buf *out, handshake_verdict *v)
{
    buf in;
    http_head h;
    buf_init(&in, 8192);
    buf_printf(&in, "%s\r\n", request);
    long r = http_request(buf_slice(&in), &h);
    assert_int_equal(r, in.n);
    int status = handshake_answer(&h, p, out, v);
    assert_int_equal(status, v->status);
    v->origin = v->target.path = (str){NULL, 0}; /* they go with the request */
    buf_free(&in);
    return status;
}

static void requests_get_the_status_they_deserve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf out;
        handshake_verdict v;
        buf_init(&out, 8192);
        int status = answer(rows[i].request, &sip, &out, &v);
        if (status != rows[i].status)
            fail_msg("%d (%s) for\n%s", status, v.why, rows[i].request);
        if (rows[i].holds && !contains(buf_slice(&out), rows[i].holds))
            fail_msg("%s\ndraws\n%.*s", rows[i].request, STR_FMT(buf_slice(&out)));
        /* Whatever it is, it is one well-formed answer, with nothing behind the 101. */
        http_head h;
        str rest = buf_slice(&out);
        long n = http_response(rest, &h);
        assert_true(n > 0);
        if (h.status == 100) {
            rest = str_sub(rest, (size_t)n, rest.n);
            n = http_response(rest, &h);
        }
        assert_int_equal(h.status, status);
        assert_int_equal(http_header_get(&h, STR("Sec-WebSocket-Extensions"), NULL), 0);
        assert_int_equal(http_header_get(&h, STR("Transfer-Encoding"), NULL), 0);
        if (status == 101) {
            assert_int_equal(n, rest.n);
        } else {
            uint64_t length = 0;
            assert_int_equal(http_body_length(&h, &length), 0);
            assert_int_equal((size_t)n + length, rest.n);
            assert_false(http_keeps_alive(&h));
            assert_true(contains(rest, v.why));
        }
        buf_free(&out);
    }
}

static void without_a_policy_everything_well_formed_passes(void **state)
{
    (void)state;
    static const char *const good[] = {
        LINE NO_SIP,
        LINE ALL "Origin: https://evil.example\r\n",
        "GET /any/path HTTP/1.1\r\n" NO_SIP,
    };
    for (size_t i = 0; i < 3; i++) {
        buf out;
        handshake_verdict v;
        buf_init(&out, 8192);
        assert_int_equal(answer(good[i], &open_house, &out, &v), 101);
        assert_false(contains(buf_slice(&out), "Sec-WebSocket-Protocol"));
        buf_free(&out);
    }
}

static void a_head_request_gets_no_body(void **state)
{
    (void)state;
    buf out;
    handshake_verdict v;
    http_head h;
    buf_init(&out, 8192);
    assert_int_equal(answer("HEAD /ws HTTP/1.1\r\n" ALL, &sip, &out, &v), 405);
    assert_int_equal(http_response(buf_slice(&out), &h), out.n);
    buf_free(&out);
}

static void what_is_about_websocket_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool has_page, wanted;
    } cases[] = {
        {LINE ALL "\r\n", true, true},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", false, true},
        {"GET /other HTTP/1.1\r\n" HOST "\r\n", false, false},
        {"GET /other HTTP/1.1\r\n" HOST UP "\r\n", true, true},
        {"GET /other HTTP/1.1\r\n" HOST KEY "\r\n", true, true},
        {"GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\n\r\n", true, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        http_head h;
        assert_true(http_request(str_of(cases[i].request), &h) > 0);
        if (handshake_wanted(&h, &sip, cases[i].has_page) != cases[i].wanted)
            fail_msg("%s", cases[i].request);
    }
}

static const handshake_offer offer = {
    .host = {"a:8080", 6},
    .target = {"/ws?x", 5},
    .subprotocol = {"sip", 3},
    .key = "the sample nonce",
};

static void our_request_is_accepted_by_our_server(void **state)
{
    (void)state;
    buf in, out;
    http_head h;
    handshake_verdict v;
    buf_init(&in, 8192);
    buf_init(&out, 8192);
    handshake_request(&offer, &in);
    assert_true(str_eq(buf_slice(&in),
                       STR("GET /ws?x HTTP/1.1\r\nHost: a:8080\r\n" UP KEY VERSION SIP "\r\n")));
    assert_int_equal(http_request(buf_slice(&in), &h), in.n);
    assert_int_equal(handshake_answer(&h, &sip, &out, &v), 101);
    assert_int_equal(http_response(buf_slice(&out), &h), out.n);
    assert_int_equal(handshake_check(&h, &offer), HANDSHAKE_OK);
    buf_free(&in);
    buf_free(&out);
}

static void answers_are_checked_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        handshake_error want;
    } cases[] = {
        {SWITCHED SIP, HANDSHAKE_OK},
        {"HTTP/1.1 101 x\r\nconnection: x, upgrade\r\nUPGRADE: WebSocket\r\n" ACCEPT SIP,
         HANDSHAKE_OK},
        {SWITCHED SIP "Sec-WebSocket-Extensions: \r\n", HANDSHAKE_OK},
        {"HTTP/1.1 403 Forbidden\r\n", HANDSHAKE_E_STATUS},
        {"HTTP/1.1 200 OK\r\n" UP ACCEPT SIP, HANDSHAKE_E_STATUS},
        {"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" ACCEPT SIP, HANDSHAKE_E_UPGRADE},
        {"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" ACCEPT SIP,
         HANDSHAKE_E_UPGRADE},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n" ACCEPT SIP, HANDSHAKE_E_CONNECTION},
        {"HTTP/1.1 101 x\r\n" UP SIP, HANDSHAKE_E_ACCEPT},
        {SWITCHED ACCEPT SIP, HANDSHAKE_E_ACCEPT},
        {"HTTP/1.1 101 x\r\n" UP "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" SIP,
         HANDSHAKE_E_ACCEPT},
        {SWITCHED, HANDSHAKE_E_SUBPROTOCOL},
        {SWITCHED "Sec-WebSocket-Protocol: chat\r\n", HANDSHAKE_E_SUBPROTOCOL},
        {SWITCHED "Sec-WebSocket-Protocol: sip, chat\r\n", HANDSHAKE_E_SUBPROTOCOL},
        {SWITCHED SIP SIP, HANDSHAKE_E_SUBPROTOCOL},
        {SWITCHED SIP "Sec-WebSocket-Extensions: permessage-deflate\r\n", HANDSHAKE_E_EXTENSION},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf in;
        http_head h;
        buf_init(&in, 8192);
        buf_printf(&in, "%s\r\n", cases[i].answer);
        assert_int_equal(http_response(buf_slice(&in), &h), in.n);
        handshake_error e = handshake_check(&h, &offer);
        if (e != cases[i].want)
            fail_msg("%s for\n%s", handshake_error_text(e), cases[i].answer);
        assert_string_not_equal(handshake_error_text(e), "unknown error");
        buf_free(&in);
    }
    http_head h;
    handshake_offer none = offer;
    none.subprotocol = (str){NULL, 0};
    assert_true(http_response(STR(SWITCHED "\r\n"), &h) > 0);
    assert_int_equal(handshake_check(&h, &none), HANDSHAKE_OK);
    assert_true(http_response(STR(SWITCHED SIP "\r\n"), &h) > 0);
    assert_int_equal(handshake_check(&h, &none), HANDSHAKE_E_SUBPROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_get_the_status_they_deserve),
        cmocka_unit_test(without_a_policy_everything_well_formed_passes),
        cmocka_unit_test(a_head_request_gets_no_body),
        cmocka_unit_test(what_is_about_websocket_is_told_apart),
        cmocka_unit_test(our_request_is_accepted_by_our_server),
        cmocka_unit_test(answers_are_checked_strictly),
    };
    return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
