#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ws/endpoint.h"

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

static void fixed_key(void *p, size_t n)
{
    assert_int_equal(n, 4);
    memcpy(p, key, 4);
}

static const endpoint_config server = {.max_message = 1000};
static const endpoint_config client = {.client = true, .max_message = 1000, .random = fixed_key};

/* A frame as the peer sends it: first byte, payload. */
typedef struct sent {
    uint8_t first; /* 0 ends the list; FIN-less continuation is FRAG0 */
    const char *payload;
    size_t n;
} sent;

enum { FIN = 0x80, FRAG0 = 0xff }; /* FRAG0: stands for the byte 0x00 */

#define F(first, text)                                                                             \
    {                                                                                              \
        (uint8_t)(first), text, sizeof(text) - 1                                                   \
    }
#define TEXT(text) F(FIN | FRAME_TEXT, text)
#define BINARY(text) F(FIN | FRAME_BINARY, text)
#define PING(text) F(FIN | FRAME_PING, text)
#define PONG(text) F(FIN | FRAME_PONG, text)
#define CLOSE(text) F(FIN | FRAME_CLOSE, text)
#define NEXT(text) F(FRAG0, text)
#define LAST(text) F(FIN, text)

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X125 X50 X50 "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X500 X125 X125 X125 X125

/* want: the events, each with its answer behind it. t text, b binary, i ping, o pong, c close, e
 * error; '<' what we write: O pong, C close with its code. */
static const struct {
    sent frames[8];
    const char *want;
    const char *why; /* part of the error's text */
} rows[] = {
    {{TEXT("Hello"), BINARY("\x01\xff"), TEXT("")}, "t[Hello] b[\x01\xff] t[] ", NULL},
    {{F(FRAME_TEXT, "Hel"), LAST("lo")}, "t[Hello] ", NULL},
    {{F(FRAME_BINARY, ""), NEXT("a"), NEXT(""), NEXT("b"), LAST("")}, "b[ab] ", NULL},
    {{F(FRAME_TEXT, ""), NEXT(""), LAST("")}, "t[] ", NULL},
    {{F(FRAME_TEXT, ""), LAST("whole")}, "t[whole] ", NULL},
    {{F(FRAME_TEXT, "a"), PING("p"), NEXT("b"), PONG("q"), LAST("c"), TEXT("d")},
     "i[p]<O[p] o[q] t[abc] t[d] ",
     NULL},
    {{PING(""), PING("\xff\xfe"), PING(X125)},
     "i[]<O[] i[\xff\xfe]<O[\xff\xfe] i[" X125 "]<O[" X125 "] ",
     NULL},
    {{PONG("unasked"), PING("x")}, "o[unasked] i[x]<O[x] ", NULL},
    {{TEXT(X500 X500)}, "t[" X500 X500 "] ", NULL},
    {{F(FRAME_TEXT, X500), LAST(X500)}, "t[" X500 X500 "] ", NULL},
    /* the closing handshake */
    {{CLOSE("")}, "c1005[]<C ", NULL},
    {{CLOSE("\x03\xe8")}, "c1000[]<C1000[] ", NULL},
    {{CLOSE("\x0f\xa0"
            "bye \xc3\xa4")},
     "c4000[bye \xc3\xa4]<C4000[] ",
     NULL},
    {{CLOSE("\x03\xe8"), CLOSE("\x03\xe8"), TEXT("x"), PING("x")}, "c1000[]<C1000[] ", NULL},
    {{F(FRAME_TEXT, "cut"), CLOSE("\x03\xe9")}, "c1001[]<C1001[] ", NULL},
    {{CLOSE("\x03")}, "e<C1002 ", "half a code"},
    {{CLOSE("\x03\xed")}, "e<C1002 ", "code that may not be sent"}, /* 1005 */
    {{CLOSE("\0\0")}, "e<C1002 ", "code that may not be sent"},
    {{CLOSE("\x03\xe8\xff")}, "e<C1007 ", "reason is not UTF-8"},
    {{CLOSE("\x03\xe8\xc3")}, "e<C1007 ", "reason is not UTF-8"},
    {{CLOSE(X125 "x")}, "e<C1002 ", "longer than 125"},
    /* broken frames: what was before counts, what comes after does not */
    {{TEXT("a"), F(FIN | 0x40 | FRAME_TEXT, "b"), PING("x")}, "t[a] e<C1002 ", "reserved bit"},
    {{TEXT("a"), F(FIN | 3, "b"), PING("x")}, "t[a] e<C1002 ", "unknown opcode"},
    {{F(FIN | 11, ""), TEXT("x")}, "e<C1002 ", "unknown opcode"},
    {{F(FRAME_PING, "x"), LAST("y")}, "e<C1002 ", "fragmented control"},
    {{PING(X125 "x"), TEXT("x")}, "e<C1002 ", "longer than 125"},
    {{LAST("x"), TEXT("y")}, "e<C1002 ", "without a message"},
    {{NEXT("x"), LAST("y")}, "e<C1002 ", "without a message"},
    {{TEXT("a"), LAST("x")}, "t[a] e<C1002 ", "without a message"},
    {{F(FRAME_TEXT, "a"), TEXT("b")}, "e<C1002 ", "before the last fragment"},
    {{F(FRAME_TEXT, "a"), F(FRAME_BINARY, "b")}, "e<C1002 ", "before the last fragment"},
    /* too long, alone and in sum */
    {{TEXT(X500 X500 "x"), TEXT("y")}, "e<C1009 ", "too long"},
    {{F(FRAME_BINARY, X500), PING("p"), NEXT(X500), LAST("x")}, "i[p]<O[p] e<C1009 ", "too long"},
    /* text */
    {{TEXT("\xce\xba\xe1\xbd\xb9")}, "t[\xce\xba\xe1\xbd\xb9] ", NULL},
    {{F(FRAME_TEXT, "\xce"), NEXT("\xba\xe1"), PING("\xff"), LAST("\xbd\xb9")},
     "i[\xff]<O[\xff] t[\xce\xba\xe1\xbd\xb9] ",
     NULL},
    {{TEXT("\xed\xa0\x80")}, "e<C1007 ", "not UTF-8"},
    {{F(FRAME_TEXT, "ok"), NEXT("\xf4\x90"), LAST("x")}, "e<C1007 ", "not UTF-8"},
    {{TEXT("cut \xe1\xbd")}, "e<C1007 ", "not UTF-8"},
    {{F(FRAME_TEXT, "cut \xe1"), LAST("")}, "e<C1007 ", "not UTF-8"},
    {{F(FRAME_BINARY, "\xff"), LAST("\xc3")}, "b[\xff\xc3] ", NULL},
};

/* The bytes of the frames, masked when the reader is a server. */
static void build(const sent *frames, bool masked, buf *to)
{
    for (const sent *f = frames; f->first; f++) {
        size_t at = to->n;
        frame_write(to, 0, false, (str){f->payload, f->n}, masked ? key : NULL);
        to->p[at] = (char)(f->first == FRAG0 ? 0 : f->first);
    }
}

static void log_answer(str out, bool masked, buf *log)
{
    frame_head h;
    frame_error e;
    if (!out.n)
        return;
    int size = frame_parse(out, masked, &h, &e);
    assert_true(size > 0);
    assert_int_equal(out.n, (uint64_t)size + h.length); /* never two frames for one event */
    char *payload = mem_alloc(h.length + 1);
    memcpy(payload, out.p + size, h.length);
    if (masked)
        frame_mask(payload, h.length, h.key, 0);
    if (h.opcode == FRAME_PONG) {
        buf_printf(log, "<O[");
        buf_add(log, payload, h.length);
        buf_byte(log, ']');
    } else {
        assert_int_equal(h.opcode, FRAME_CLOSE);
        buf_printf(log, "<C");
        if (h.length) {
            buf_u64(log, (uint64_t)((uint8_t)payload[0] << 8 | (uint8_t)payload[1]));
            if (h.length == 2)
                buf_str(log, STR("[]"));
        }
    }
    free(payload);
}

/* Feeds copies of at most step bytes each and writes down what comes. at: of the error. */
static void run(endpoint *e, str in, size_t step, buf *log, endpoint_event *error)
{
    for (size_t from = 0; from < in.n; from += step) {
        size_t n = in.n - from < step ? in.n - from : step;
        char *copy = mem_alloc(n), *p = copy;
        memcpy(copy, in.p + from, n);
        endpoint_event ev;
        while (endpoint_next(e, &p, &n, &ev)) {
            buf out;
            buf_init(&out, 1 << 20);
            if (ev.kind == ENDPOINT_ERROR) {
                *error = ev;
                buf_byte(log, 'e');
            } else {
                buf_byte(log, "?tbioc"[ev.kind]);
                if (ev.kind == ENDPOINT_CLOSE)
                    buf_u64(log, ev.code);
                buf_byte(log, '[');
                buf_str(log, ev.data);
                buf_byte(log, ']');
            }
            endpoint_answer(e, &ev, &out);
            log_answer(buf_slice(&out), e->config->client, log);
            buf_byte(log, ' ');
            buf_free(&out);
        }
        assert_int_equal(n, 0);
        free(copy);
    }
}

static void events_and_answers_in_any_segmentation(void **state)
{
    (void)state;
    static const size_t steps[] = {SIZE_MAX / 2, 1, 2, 3, 5, 7, 64, 127};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int role = 0; role < 2; role++) {
            buf in;
            buf_init(&in, 1 << 20);
            build(rows[i].frames, role == 0, &in);
            uint64_t at = 0;
            for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
                endpoint e;
                endpoint_event error = {0};
                buf log;
                buf_init(&log, 1 << 20);
                endpoint_init(&e, role ? &client : &server);
                run(&e, buf_slice(&in), steps[s], &log, &error);
                if (!str_eq(buf_slice(&log), str_of(rows[i].want)))
                    fail_msg("row %zu, role %d, step %zu:\n%.*s\ninstead of\n%s", i, role, steps[s],
                             STR_FMT(buf_slice(&log)), rows[i].want);
                if (rows[i].why) {
                    assert_non_null(error.why);
                    assert_non_null(strstr(error.why, rows[i].why));
                    if (s == 0)
                        at = error.at;
                    assert_int_equal(error.at, at);
                } else {
                    assert_null(error.why);
                }
                /* Nothing is held once all is delivered. */
                bool ended = strstr(rows[i].want, "c") || rows[i].why;
                assert_null(e.control.p);
                assert_null(ended ? NULL : e.message.p);
                assert_int_equal(endpoint_over(&e), strchr(rows[i].want, 'C') != NULL);
                buf_free(&log);
                endpoint_free(&e);
            }
            buf_free(&in);
        }
}

/* The masks' rule is the only one where the roles differ. */
static void each_role_demands_its_masks(void **state)
{
    (void)state;
    static const sent one[] = {TEXT("a"), {0, NULL, 0}};
    for (int role = 0; role < 2; role++) {
        buf in, log;
        endpoint e;
        endpoint_event error = {0};
        buf_init(&in, 1 << 20);
        buf_init(&log, 1 << 20);
        build(one, role == 1, &in);
        endpoint_init(&e, role ? &client : &server);
        run(&e, buf_slice(&in), 1, &log, &error);
        assert_true(str_eq(buf_slice(&log), STR("e<C1002 ")));
        assert_non_null(strstr(error.why, role ? "is masked" : "not masked"));
        buf_free(&in);
        buf_free(&log);
        endpoint_free(&e);
    }
}

/* Bad text is refused at its byte, long before the frame or the message ends. */
static void bad_text_fails_at_once(void **state)
{
    (void)state;
    char bytes[] = "\x01\xff\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04";
    static const endpoint_config wide = {.max_message = 1 << 20};
    endpoint e;
    endpoint_event ev;
    endpoint_init(&e, &wide);
    bytes[7] = 1; /* 131071 bytes announced */
    char *p = bytes;
    size_t n = 14;
    assert_false(endpoint_next(&e, &p, &n, &ev));
    char text[] = {'a' ^ 1, (char)(0xf4 ^ 2), (char)(0x90 ^ 3)};
    for (size_t i = 0; i < 3; i++) {
        p = text + i;
        n = 1;
        assert_int_equal(endpoint_next(&e, &p, &n, &ev), i == 2);
    }
    assert_int_equal(ev.kind, ENDPOINT_ERROR);
    assert_int_equal(ev.code, CLOSE_INVALID);
    assert_int_equal(ev.at, 16);
    endpoint_free(&e);
}

/* What is announced is not allocated; what is too long is refused when announced. */
static void an_announcement_costs_nothing(void **state)
{
    (void)state;
    static const endpoint_config huge = {.max_message = 1U << 30};
    char bytes[] = "\x82\xff\0\0\0\0\x3f\xff\xff\xff\x01\x02\x03\x04payload";
    endpoint e;
    endpoint_event ev;
    char *p = bytes;
    size_t n = sizeof(bytes) - 1;
    endpoint_init(&e, &huge);
    assert_false(endpoint_next(&e, &p, &n, &ev));
    assert_true(e.message.cap < 4096);
    endpoint_free(&e);
    char more[] = "\x82\xff\0\0\x01\0\0\0\0\0\x01\x02\x03\x04";
    p = more;
    n = 14;
    endpoint_init(&e, &huge);
    assert_true(endpoint_next(&e, &p, &n, &ev));
    assert_int_equal(ev.kind, ENDPOINT_ERROR);
    assert_int_equal(ev.code, CLOSE_TOO_BIG);
    assert_int_equal(ev.at, 0);
    endpoint_free(&e);
}

static void a_whole_message_is_delivered_from_the_input(void **state)
{
    (void)state;
    char bytes[] = "\x81\x85\0\0\0\0Hello\x81";
    endpoint e;
    endpoint_event ev;
    char *p = bytes;
    size_t n = 12;
    endpoint_init(&e, &server);
    assert_true(endpoint_next(&e, &p, &n, &ev));
    assert_ptr_equal(ev.data.p, bytes + 6);
    assert_int_equal(n, 1);
    assert_false(endpoint_next(&e, &p, &n, &ev));
    assert_null(e.message.p);
    endpoint_free(&e);
}

static void frames_are_reported_on_demand(void **state)
{
    (void)state;
    static const endpoint_config recorded = {.max_message = 1000, .report_frames = true};
    static const sent frames[] = {F(FRAME_TEXT, "ab"), PING("p"),         NEXT(""),    LAST("cde"),
                                  BINARY("f"),         CLOSE("\x03\xe8"), {0, NULL, 0}};
    static const char *const want = "F1[ab] F9![p] i[p] F0[] F0![cde] t[abcde] F2![f] b[f] "
                                    "F8![\x03\xe8] c[] ";
    for (size_t step = 1; step < 20; step++) {
        buf in, log;
        endpoint e;
        endpoint_event ev;
        buf_init(&in, 1 << 20);
        buf_init(&log, 1 << 20);
        build(frames, true, &in);
        endpoint_init(&e, &recorded);
        for (size_t from = 0; from < in.n; from += step) {
            char *p = in.p + from;
            size_t n = in.n - from < step ? in.n - from : step;
            while (endpoint_next(&e, &p, &n, &ev)) {
                if (ev.kind == ENDPOINT_FRAME) {
                    buf_printf(&log, "F%d%s", ev.frame.opcode, ev.frame.fin ? "!" : "");
                    assert_true(ev.frame.masked);
                    assert_true(ev.frame.length == ev.data.n);
                } else {
                    buf_byte(&log, "?tbioce"[ev.kind]);
                }
                buf_byte(&log, '[');
                buf_str(&log, ev.data);
                buf_str(&log, STR("] "));
            }
        }
        if (!str_eq(buf_slice(&log), str_of(want)))
            fail_msg("step %zu: %.*s", step, STR_FMT(buf_slice(&log)));
        buf_free(&in);
        buf_free(&log);
        endpoint_free(&e);
    }
}

static void we_send_nothing_behind_a_close(void **state)
{
    (void)state;
    endpoint e;
    buf out;
    buf_init(&out, 1000);
    endpoint_init(&e, &server);
    assert_int_equal(endpoint_text(&e, STR("a"), &out), 0);
    assert_int_equal(endpoint_binary(&e, STR("b"), &out), 0);
    assert_int_equal(endpoint_ping(&e, STR("c"), &out), 0);
    assert_int_equal(endpoint_ping(&e, STR(X125 "x"), &out), -1);
    assert_true(str_eq(buf_slice(&out), STR("\x81\x01"
                                            "a\x82\x01"
                                            "b\x89\x01"
                                            "c")));
    buf_clear(&out);
    assert_false(endpoint_closing(&e));
    endpoint_close(&e, CLOSE_GOING_AWAY, STR("bye"), &out);
    endpoint_close(&e, CLOSE_NORMAL, STR("again"), &out);
    assert_true(str_eq(buf_slice(&out), STR("\x88\x05\x03\xe9"
                                            "bye")));
    assert_true(endpoint_closing(&e));
    assert_int_equal(endpoint_text(&e, STR("a"), &out), -1);
    assert_int_equal(endpoint_binary(&e, STR("a"), &out), -1);
    assert_int_equal(endpoint_ping(&e, STR("a"), &out), -1);
    assert_int_equal(out.n, 7);
    /* Until the peer's Close comes, its messages count and its Pings are answered. */
    buf log, in;
    endpoint_event error = {0};
    static const sent frames[] = {TEXT("x"), PING("y"), CLOSE("\x03\xe9"), {0, NULL, 0}};
    buf_init(&log, 1000);
    buf_init(&in, 1000);
    build(frames, true, &in);
    assert_false(endpoint_over(&e));
    run(&e, buf_slice(&in), 1, &log, &error);
    assert_true(str_eq(buf_slice(&log), STR("t[x] i[y]<O[y] c1001[] ")));
    assert_true(endpoint_over(&e));
    buf_free(&log);
    buf_free(&in);
    buf_free(&out);
    endpoint_free(&e);
}

static void a_close_reason_is_cut_between_characters(void **state)
{
    (void)state;
    endpoint e;
    buf out;
    buf_init(&out, 1000);
    endpoint_init(&e, &server);
    endpoint_close(&e, CLOSE_POLICY, STR(X50 X50 "xxxxxxxxxxxxxxxxxxxxxx\xc3\xa4"), &out);
    assert_int_equal(out.n, 2 + 2 + 122);
    assert_true(utf8_valid(str_sub(buf_slice(&out), 4, out.n)));
    buf_free(&out);
    endpoint_free(&e);
    buf_init(&out, 1000);
    endpoint_init(&e, &server);
    endpoint_close(&e, CLOSE_NONE, STR("ignored"), &out);
    assert_true(str_eq(buf_slice(&out), STR("\x88\0")));
    buf_free(&out);
    endpoint_free(&e);
}

static void a_client_masks(void **state)
{
    (void)state;
    endpoint e;
    buf out;
    buf_init(&out, 1000);
    endpoint_init(&e, &client);
    assert_int_equal(endpoint_text(&e, STR("Hello"), &out), 0);
    assert_true(str_eq(buf_slice(&out), STR("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")));
    buf_free(&out);
    endpoint_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_and_answers_in_any_segmentation),
        cmocka_unit_test(each_role_demands_its_masks),
        cmocka_unit_test(bad_text_fails_at_once),
        cmocka_unit_test(an_announcement_costs_nothing),
        cmocka_unit_test(a_whole_message_is_delivered_from_the_input),
        cmocka_unit_test(frames_are_reported_on_demand),
        cmocka_unit_test(we_send_nothing_behind_a_close),
        cmocka_unit_test(a_close_reason_is_cut_between_characters),
        cmocka_unit_test(a_client_masks),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
