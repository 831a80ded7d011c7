#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/message.h"

static const char invite[] =
    "INVITE sip:bob@biloxi.example;transport=ws SIP/2.0\r\n"
    "Via: SIP/2.0/WSS a.invalid;branch=z9hG4bKnashds8;rport\r\n"
    "Max-Forwards: 70\r\n"
    "To: Bob <sip:bob@biloxi.example>\r\n"
    "From: \"Alice \\\"A\\\"\" <sip:alice@atlanta.example>;tag=1928301774\r\n"
    "Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Supported: path, outbound\r\n"
    "Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n"
    "X-Odd: 1\r\n"
    "Route: <sip:p3.example;lr>\r\n"
    "k: gruu\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "v=0\n";

static void what_routing_needs_is_parsed_at_once(void **state)
{
    (void)state;
    sip_message m;
    sip_refusal why;
    assert_int_equal(sip_message_parse(str_of(invite), SIP_STREAM, &m, &why), 0);
    assert_true(m.request);
    assert_int_equal(m.method, SIP_INVITE);
    assert_true(str_eq(m.uri.user, STR("bob")));
    assert_true(str_eq(m.via.branch, STR("z9hG4bKnashds8")));
    assert_true(str_eq(m.via.transport, STR("WSS")));
    assert_true(m.via.has_rport);
    assert_int_equal(m.via.rport, 0);
    assert_true(str_eq(m.from.tag, STR("1928301774")));
    assert_true(str_eq(m.from.uri.user, STR("alice")));
    assert_int_equal(m.to.tag.n, 0);
    assert_true(str_eq(m.call_id, STR("a84b4c76e66710@pc33.atlanta.example")));
    assert_int_equal(m.cseq, 314159);
    assert_int_equal(m.cseq_method, SIP_INVITE);
    assert_int_equal(m.max_forwards, 70);
    assert_int_equal(m.content_length, 4);
    assert_true(str_eq(m.body, STR("v=0\n")));
    assert_int_equal(m.n_fields, 12);
}

static void values_run_across_lines_and_commas(void **state)
{
    (void)state;
    static const char *const want[] = {"<sip:p1.example;lr>", "<sip:p2.example;lr>",
                                       "<sip:p3.example;lr>"};
    sip_message m;
    str item;
    size_t n = 0;
    assert_int_equal(sip_message_parse(str_of(invite), SIP_STREAM, &m, NULL), 0);
    sip_values v = sip_values_of(&m, SIP_ROUTE);
    while (sip_values_next(&v, &item) == 1)
        assert_true(str_eq(item, str_of(want[n++])));
    assert_int_equal(n, 3);
    assert_true(sip_message_lists(&m, SIP_SUPPORTED, STR("Outbound")));
    assert_true(sip_message_lists(&m, SIP_SUPPORTED, STR("gruu")));
    assert_false(sip_message_lists(&m, SIP_SUPPORTED, STR("100rel")));
    assert_true(str_eq(sip_message_named(&m, STR("x-odd"))->value, STR("1")));
    assert_true(str_eq(sip_message_named(&m, STR("route"))->value,
                       STR("<sip:p1.example;lr>, <sip:p2.example;lr>")));
    assert_null(sip_message_named(&m, STR("X-Even")));
    assert_null(sip_message_field(&m, SIP_CONTACT));
}

/* A request whose one line, the place of %s, varies. */
#define AROUND_VIA(line)                                                                           \
    "OPTIONS sip:b@c.example SIP/2.0\r\n" line "From: <sip:a@b.example>;tag=1\r\n"                 \
    "To: <sip:b@c.example>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define AROUND_START(line)                                                                         \
    line "\r\n" VIA "From: <sip:a@b.example>;tag=1\r\nTo: <sip:b@c.example>\r\nCall-ID: 1\r\n"     \
         "CSeq: 1 OPTIONS\r\n\r\n"
#define AROUND_REST(from, to, call_id, cseq, more)                                                 \
    "OPTIONS sip:b@c.example SIP/2.0\r\n" VIA from to call_id cseq more "\r\n"
#define FROM "From: <sip:a@b.example>;tag=1\r\n"
#define TO "To: <sip:b@c.example>\r\n"
#define ID "Call-ID: 1\r\n"
#define SEQ "CSeq: 1 OPTIONS\r\n"

static void refusals_name_header_place_and_answer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sip_refusal_kind kind;
        const char *header;
        const char *at; /* text from the offending byte on begins so */
        unsigned status;
    } rows[] = {
        {AROUND_START("OPTIONS <sip:b@c.example> SIP/2.0"), SIP_REFUSED_START, "", "<sip:b", 400},
        {AROUND_START("OPTIONS sip:b@c.example  SIP/2.0"), SIP_REFUSED_START, "", "  SIP", 400},
        {AROUND_START("OPTIONS sip:b@c.example SIP/2.0 "), SIP_REFUSED_START, "", "\r\nVia", 400},
        {AROUND_START("OPTIONS sip:b@c.example"), SIP_REFUSED_START, "", "sip:b", 400},
        {AROUND_START("OPTIONS SIP/2.0"), SIP_REFUSED_START, "", " SIP", 400},
        {AROUND_START("OPTIONS"), SIP_REFUSED_START, "", "\r\nVia", 400},
        {AROUND_START(" OPTIONS sip:b@c.example SIP/2.0"), SIP_REFUSED_START, "", " OPT", 0},
        {AROUND_START("OPT{} sip:b@c.example SIP/2.0"), SIP_REFUSED_START, "", "{}", 400},
        {AROUND_START("OPTIONS sip:b@c.example:99999 SIP/2.0"), SIP_REFUSED_START, "", "99999",
         400},
        {AROUND_START("OPTIONS sip:b@c.example?Route=x SIP/2.0"), SIP_REFUSED_START, "",
         "Route=", 400},
        {AROUND_START("OPTIONS sip:b@c.example SIP/3.0"), SIP_REFUSED_VERSION, "", "SIP/3.0", 505},
        {AROUND_START("OPTIONS sip:b@c.example SIP/2.00"), SIP_REFUSED_VERSION, "", "SIP/2.00",
         505},
        {AROUND_START("OPTIONS sip:b@c.example HTTP/1.1"), SIP_REFUSED_START, "", "HTTP", 400},
        {AROUND_START("SIP/2.0 99 Odd"), SIP_REFUSED_START, "", " 99", 0},
        {AROUND_START("SIP/2.0 700 Odd"), SIP_REFUSED_START, "", " 700", 0},
        {AROUND_START("SIP/2.0 0200 Odd"), SIP_REFUSED_START, "", " 0200", 0},
        {AROUND_START("SIP/2.0 200"), SIP_REFUSED_START, "", " 200", 0},
        {AROUND_START("SIP/2.0"), SIP_REFUSED_START, "", "\r\nVia", 0},
        {AROUND_START("SIP/7.0 200 OK"), SIP_REFUSED_VERSION, "", "SIP/7.0", 0},
        {AROUND_START("ACK sip:b@c.example SIP/2.0"), SIP_REFUSED_HEADER, "CSeq", "OPTIONS\r\n", 0},

        {AROUND_VIA(""), SIP_REFUSED_HEADER, "Via", "", 0},
        {AROUND_VIA("Via:\r\n"), SIP_REFUSED_HEADER, "Via", "\r\n", 400},
        {AROUND_VIA("v: SIP/2.0/UDP :5060\r\n"), SIP_REFUSED_HEADER, "Via", ":5060", 400},
        {AROUND_VIA("Via: SIP/2.0/UDP a.example:0\r\n"), SIP_REFUSED_HEADER, "Via", "0\r\n", 400},
        {AROUND_VIA("Via: SIP/2.0/UDP a.example;;\r\n"), SIP_REFUSED_HEADER, "Via", ";\r\n", 400},
        {AROUND_VIA("Via: SIP/2.0/UDP a.example;rport=x\r\n"), SIP_REFUSED_HEADER, "Via", "rport=x",
         400},
        {AROUND_VIA("Via: SIP/2.0/UDP a.example;rport;rport\r\n"), SIP_REFUSED_HEADER, "Via",
         "rport\r\n", 400},
        {AROUND_VIA("Via: SIP/2.0/UDP a.example;x=\"\r\n"), SIP_REFUSED_HEADER, "Via", "\"\r\n",
         400},
        {AROUND_VIA(VIA "Nonsense\r\n"), SIP_REFUSED_HEADER, "", "\r\nFrom", 400},
        {AROUND_VIA(" : x\r\n" VIA), SIP_REFUSED_HEADER, "", ": x", 400},
        {AROUND_VIA(VIA "X: a\nY: b\r\n"), SIP_REFUSED_HEADER, "", "\nY", 400},
        {AROUND_VIA(VIA "X: a\rb\r\n"), SIP_REFUSED_HEADER, "", "\rb", 400},
        {AROUND_VIA(VIA "X: a\x01\r\n"), SIP_REFUSED_HEADER, "", "\x01", 400},
        {"OPTIONS sip:b@c.example SIP/2.0\r\n" VIA FROM TO ID "CSeq: 1 OPTIONS", SIP_REFUSED_HEADER,
         "", "", 400},
        {"OPTIONS sip:b@c.example SIP/2.0\r\n" VIA FROM TO ID SEQ, SIP_REFUSED_HEADER, "", "", 400},

        {AROUND_REST("", TO, ID, SEQ, ""), SIP_REFUSED_HEADER, "From", "", 400},
        {AROUND_REST("From: sip:a@b.example;tag=1\r\nf: sip:a@b.example\r\n", TO, ID, SEQ, ""),
         SIP_REFUSED_HEADER, "From", "sip:a@b.example\r\nTo", 400},
        {AROUND_REST("From: *\r\n", TO, ID, SEQ, ""), SIP_REFUSED_HEADER, "From", "*", 400},
        {AROUND_REST("From: Bell, A <sip:a@b.example>\r\n", TO, ID, SEQ, ""), SIP_REFUSED_HEADER,
         "From", ", A", 400},
        {AROUND_REST(FROM, "To: <sip:b@c.example\r\n", ID, SEQ, ""), SIP_REFUSED_HEADER, "To",
         "<sip", 400},
        {AROUND_REST(FROM, "To: <sip:b@c.example>;tag\r\n", ID, SEQ, ""), SIP_REFUSED_HEADER, "To",
         "tag\r\n", 400},
        {AROUND_REST(FROM, TO, "Call-ID: a b\r\n", SEQ, ""), SIP_REFUSED_HEADER, "Call-ID", " b",
         400},
        {AROUND_REST(FROM, TO, "Call-ID: a@\r\n", SEQ, ""), SIP_REFUSED_HEADER, "Call-ID", "a@",
         400},
        {AROUND_REST(FROM, TO, "i:\r\n", SEQ, ""), SIP_REFUSED_HEADER, "Call-ID", "\r\n", 400},
        {AROUND_REST(FROM, TO, ID, "", ""), SIP_REFUSED_HEADER, "CSeq", "", 400},
        {AROUND_REST(FROM, TO, ID, "CSeq: 2147483648 OPTIONS\r\n", ""), SIP_REFUSED_HEADER, "CSeq",
         "2147", 400},
        {AROUND_REST(FROM, TO, ID, "CSeq: -1 OPTIONS\r\n", ""), SIP_REFUSED_HEADER, "CSeq", "-1",
         400},
        {AROUND_REST(FROM, TO, ID, "CSeq: 1OPTIONS\r\n", ""), SIP_REFUSED_HEADER, "CSeq", "OPTIONS",
         400},
        {AROUND_REST(FROM, TO, ID, "CSeq: 1 options\r\n", ""), SIP_REFUSED_HEADER, "CSeq",
         "options", 400},
        {AROUND_REST(FROM, TO, ID, SEQ, "Max-Forwards: 256\r\n"), SIP_REFUSED_HEADER,
         "Max-Forwards", "256", 400},
        {AROUND_REST(FROM, TO, ID, SEQ, "Max-Forwards: 7\r\nMax-Forwards: 7\r\n"),
         SIP_REFUSED_HEADER, "Max-Forwards", "7\r\n\r\n", 400},
        {AROUND_REST(FROM, TO, ID, SEQ, "l: -1\r\n"), SIP_REFUSED_HEADER, "Content-Length", "-1",
         400},
        {AROUND_REST(FROM, TO, ID, SEQ, "l: 1\r\n"), SIP_REFUSED_LENGTH, "Content-Length", "1\r\n",
         400},
        {"\r\n\r\n", SIP_REFUSED_START, "", "", 0},
        {"", SIP_REFUSED_START, "", "", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_message m;
        sip_refusal why = {0};
        str text = str_of(rows[i].text);
        char line[200];
        print_message("%zu: %.40s\n", i, rows[i].text);
        assert_int_equal(sip_message_parse(text, SIP_DATAGRAM, &m, &why), -1);
        sip_refusal_print(&why, line, sizeof(line));
        print_message("    %s, at %zu\n", line, why.at);
        assert_int_equal(why.kind, rows[i].kind);
        assert_true(str_eq(why.header, str_of(rows[i].header)));
        assert_true(why.at <= text.n);
        assert_true(str_starts(str_sub(text, why.at, text.n), str_of(rows[i].at)));
        assert_int_equal(why.status, rows[i].status);
        assert_non_null(why.text);
    }
}

/* Content-Length against what is there, by carrier. */
static void length_is_judged_by_carrier(void **state)
{
    (void)state;
    static const struct {
        const char *length;
        const char *body;
        int want[3]; /* datagram, WebSocket, stream */
        const char *taken;
    } rows[] = {
        {"", "abc", {0, 0, -1}, "abc"},
        {"Content-Length: 3\r\n", "abc", {0, 0, 0}, "abc"},
        {"Content-Length: 2\r\n", "abc", {0, -1, -1}, "ab"},
        {"Content-Length: 4\r\n", "abc", {-1, -1, -1}, ""},
        {"Content-Length: 99999999999999999999\r\n", "abc", {-1, -1, -1}, ""},
        {"l:\r\n 3\r\n", "abc", {0, 0, 0}, "abc"},
        {"l: 3\r\nContent-Length: 3\r\n", "abc", {-1, -1, -1}, ""},
        {"", "", {0, 0, -1}, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[400];
        sip_message m;
        int n = snprintf(text, sizeof(text),
                         "OPTIONS sip:b@c.example SIP/2.0\r\n" VIA FROM TO ID SEQ "%s\r\n%s",
                         rows[i].length, rows[i].body);
        for (int carrier = SIP_DATAGRAM; carrier <= SIP_STREAM; carrier++) {
            int r = sip_message_parse((str){text, (size_t)n}, (sip_carrier)carrier, &m, NULL);
            assert_int_equal(r, rows[i].want[carrier]);
            if (r == 0) {
                assert_true(str_eq(m.body, str_of(rows[i].taken)));
                assert_ptr_equal(m.text.p + m.text.n, m.body.p + m.body.n);
            }
        }
    }
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    static char text[64 * SIP_FIELDS_MAX];
    size_t n = (size_t)snprintf(text, sizeof(text),
                                "OPTIONS sip:b@c.example SIP/2.0\r\n" VIA FROM TO ID SEQ);
    for (int i = 5; i < SIP_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "X-%d: y\r\n", i);
    sip_message m;
    sip_refusal why;
    memcpy(text + n, "\r\n", 2);
    assert_int_equal(sip_message_parse((str){text, n + 2}, SIP_DATAGRAM, &m, &why), 0);
    assert_int_equal(m.n_fields, SIP_FIELDS_MAX);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "X: y\r\n\r\n");
    assert_int_equal(sip_message_parse((str){text, n}, SIP_DATAGRAM, &m, &why), -1);
    assert_int_equal(why.kind, SIP_REFUSED_TOO_MANY);
    assert_int_equal(why.status, 400);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(invite) - 1; n++) {
        sip_message m;
        char *copy = malloc(n + 1); /* its own block: a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, invite, n);
        assert_int_equal(sip_message_parse((str){copy, n}, SIP_DATAGRAM, &m, NULL), -1);
        free(copy);
    }
}

static void a_receiver_stamps_the_top_via(void **state)
{
    (void)state;
    static const struct {
        const char *via;
        bool websocket;
        const char *received;
        unsigned rport;
    } rows[] = {
        {"SIP/2.0/UDP 192.0.2.9", false, "", 0},
        {"SIP/2.0/UDP 192.0.2.8", false, "192.0.2.9", 0},
        {"SIP/2.0/UDP a.example", false, "192.0.2.9", 0},
        {"SIP/2.0/UDP 192.0.2.9;rport", false, "192.0.2.9", 4711},
        {"SIP/2.0/UDP 192.0.2.9;received=192.0.2.66", false, "192.0.2.9", 0},
        {"SIP/2.0/WSS x.invalid", true, "", 0},
        {"SIP/2.0/WSS x.invalid;rport", true, "192.0.2.9", 4711},
        {"SIP/2.0/UDP [2001:db8::9]", false, "192.0.2.9", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[400];
        sip_message m;
        int n = snprintf(text, sizeof(text),
                         "OPTIONS sip:b@c.example SIP/2.0\r\nVia: %s\r\n" FROM TO ID SEQ "\r\n",
                         rows[i].via);
        assert_int_equal(sip_message_parse((str){text, (size_t)n}, SIP_DATAGRAM, &m, NULL), 0);
        sip_message_stamp(&m, STR("192.0.2.9"), 4711, rows[i].websocket);
        assert_true(str_eq(m.received, str_of(rows[i].received)));
        assert_int_equal(m.rport, rows[i].rport);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_routing_needs_is_parsed_at_once),
        cmocka_unit_test(values_run_across_lines_and_commas),
        cmocka_unit_test(refusals_name_header_place_and_answer),
        cmocka_unit_test(length_is_judged_by_carrier),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_receiver_stamps_the_top_via),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
