#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sip/write.h"

#define START "INVITE sip:bob@b.example SIP/2.0\r\n"
#define VIA1 "v:  SIP/2.0/UDP 192.0.2.1 ; branch=z9hG4bK1;rport;x=\"y\"\r\n"
#define VIA2 "Via: SIP/2.0/TCP p2.example;branch=z9hG4bK2 ,\r\n SIP/2.0/TCP p3.example\r\n"
#define HOPS "mAX-forwards : 70\r\n"
#define ROUTES "Route: <sip:r1.example;lr>, <sip:r2.example;lr>\r\n"
#define MORE "Subject: a ,  b\r\n"
#define ROUTE3 "Route: <sip:r3.example;lr>\r\n"
#define WHO                                                                                        \
    "From: <sip:alice@a.example>;tag=f\r\nTo: \"B\" <sip:bob@b.example>\r\nCall-ID: c1\r\n"        \
    "CSeq: 0007 INVITE\r\n"
#define BODY "\r\nv=0\r\n"

static const char original[] = START VIA1 VIA2 HOPS ROUTES MORE ROUTE3 WHO BODY;

static void plain(sip_write *w)
{
    (void)w;
}

static void request_uri(sip_write *w)
{
    sip_write_uri(w, STR("sip:x@192.0.2.7:5070;transport=ws"));
}

static void hops(sip_write *w)
{
    sip_write_max_forwards(w, 69);
}

static void via_on_top(sip_write *w)
{
    sip_write_top(w, SIP_VIA, STR("SIP/2.0/WSS us.example;branch=z9hG4bKn"));
}

static void via_off(sip_write *w)
{
    sip_write_pop(w, SIP_VIA, 1);
}

static void two_vias_off(sip_write *w)
{
    sip_write_pop(w, SIP_VIA, 2);
}

static void all_vias_off(sip_write *w)
{
    sip_write_pop(w, SIP_VIA, 9);
}

static void route_off(sip_write *w)
{
    sip_write_pop(w, SIP_ROUTE, 1);
}

static void two_routes_off(sip_write *w)
{
    sip_write_pop(w, SIP_ROUTE, 2);
}

static void record_routes_on_top(sip_write *w)
{
    sip_write_top(w, SIP_RECORD_ROUTE, STR("<sip:out.example;lr>"));
    sip_write_top(w, SIP_RECORD_ROUTE, STR("<sip:in.example;lr>"));
    sip_write_top(w, SIP_PATH, STR("<sip:path.example;lr>"));
}

static void route_exchanged(sip_write *w)
{
    sip_write_pop(w, SIP_ROUTE, 1);
    sip_write_top(w, SIP_ROUTE, STR("<sip:new.example;lr>"));
}

static void length_added(sip_write *w)
{
    sip_write_length(w);
}

static void fields_at_the_end(sip_write *w)
{
    sip_write_add(w, STR("X-One"), STR("1"));
    sip_write_lines(w, STR("X-Two: 2\r\nX-Three: 3\r\n"));
    sip_write_lines(w, STR(""));
    sip_write_replace(w, SIP_EXPIRES, STR("60"));
}

static void routes_replaced(sip_write *w)
{
    sip_write_replace(w, SIP_ROUTE, STR("<sip:only.example;lr>"));
}

static void subject_removed(sip_write *w)
{
    sip_write_remove(w, SIP_SUBJECT);
    sip_write_remove(w, SIP_CONTACT);
    sip_write_remove_field(w, sip_message_field(w->m, SIP_CALL_ID));
}

static void stamped(sip_write *w)
{
    (void)w; /* by the test */
}

static void everything(sip_write *w)
{
    sip_write_length(w);
    sip_write_max_forwards(w, 69);
    sip_write_pop(w, SIP_ROUTE, 3);
    sip_write_top(w, SIP_VIA, STR("V"));
    sip_write_top(w, SIP_RECORD_ROUTE, STR("R"));
    sip_write_uri(w, STR("U:"));
}

static void a_copy_differs_in_nothing_but_the_edits(void **state)
{
    (void)state;
    static const struct {
        void (*edit)(sip_write *w);
        const char *want;
    } rows[] = {
        {plain, original},
        {request_uri, "INVITE sip:x@192.0.2.7:5070;transport=ws SIP/2.0\r\n" VIA1 VIA2 HOPS ROUTES
                          MORE ROUTE3 WHO BODY},
        {hops, START VIA1 VIA2 "mAX-forwards : 69\r\n" ROUTES MORE ROUTE3 WHO BODY},
        {via_on_top, START "Via: SIP/2.0/WSS us.example;branch=z9hG4bKn\r\n" VIA1 VIA2 HOPS ROUTES
                         MORE ROUTE3 WHO BODY},
        {via_off, START VIA2 HOPS ROUTES MORE ROUTE3 WHO BODY},
        {two_vias_off, START "Via: SIP/2.0/TCP p3.example\r\n" HOPS ROUTES MORE ROUTE3 WHO BODY},
        {all_vias_off, START HOPS ROUTES MORE ROUTE3 WHO BODY},
        {route_off, START VIA1 VIA2 HOPS "Route: <sip:r2.example;lr>\r\n" MORE ROUTE3 WHO BODY},
        {two_routes_off, START VIA1 VIA2 HOPS MORE ROUTE3 WHO BODY},
        {record_routes_on_top, START VIA1 VIA2
         "Record-Route: <sip:out.example;lr>\r\nRecord-Route: "
         "<sip:in.example;lr>\r\nPath: <sip:path.example;lr>\r\n" HOPS ROUTES MORE ROUTE3 WHO BODY},
        {route_exchanged, START VIA1 VIA2 HOPS
         "Route: <sip:new.example;lr>\r\nRoute: <sip:r2.example;lr>\r\n" MORE ROUTE3 WHO BODY},
        {length_added, START VIA1 VIA2 HOPS ROUTES MORE ROUTE3 WHO "Content-Length: 5\r\n" BODY},
        {fields_at_the_end, START VIA1 VIA2 HOPS ROUTES MORE ROUTE3 WHO
         "X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nExpires: 60\r\n" BODY},
        {routes_replaced, START VIA1 VIA2 HOPS "Route: <sip:only.example;lr>\r\n" MORE WHO BODY},
        {subject_removed, START VIA1 VIA2 HOPS ROUTES ROUTE3
         "From: <sip:alice@a.example>;tag=f\r\nTo: \"B\" <sip:bob@b.example>\r\n"
         "CSeq: 0007 INVITE\r\n" BODY},
        {stamped, START "v:  SIP/2.0/UDP 192.0.2.1 ; branch=z9hG4bK1;rport=4711;x=\"y\""
                        ";received=192.0.2.9\r\n" VIA2 HOPS ROUTES MORE ROUTE3 WHO BODY},
        {everything,
         "INVITE U: SIP/2.0\r\nVia: V\r\n" VIA1 VIA2
         "Record-Route: R\r\nmAX-forwards : 69\r\n" MORE WHO "Content-Length: 5\r\n" BODY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sip_message m;
        sip_write w;
        buf out;
        assert_int_equal(sip_message_parse(str_of(original), SIP_DATAGRAM, &m, NULL), 0);
        if (rows[i].edit == stamped)
            sip_message_stamp(&m, STR("192.0.2.9"), 4711, false);
        buf_init(&out, 4096);
        sip_write_init(&w, &m);
        rows[i].edit(&w);
        assert_int_equal(sip_write_finish(&w, &out), 0);
        buf_byte(&out, '\0');
        assert_string_equal(out.p, rows[i].want);
        buf_free(&out);
    }
}

static void what_a_sender_put_into_received_is_overwritten(void **state)
{
    (void)state;
    static const char text[] = "OPTIONS sip:b@b.example SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP h.example;received=192.0.2.66;rport=1;branch=b\r\n"
                               "From: <sip:a@a.example>;tag=f\r\nTo: <sip:b@b.example>\r\n"
                               "Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    sip_message m;
    sip_write w;
    buf out;
    assert_int_equal(sip_message_parse(str_of(text), SIP_DATAGRAM, &m, NULL), 0);
    sip_message_stamp(&m, STR("2001:db8::9"), 4711, false);
    buf_init(&out, 4096);
    sip_write_init(&w, &m);
    assert_int_equal(sip_write_finish(&w, &out), 0);
    assert_int_equal(sip_message_parse(buf_slice(&out), SIP_DATAGRAM, &m, NULL), 0);
    assert_true(
        str_eq(m.via.text, STR("SIP/2.0/UDP h.example;received=2001:db8::9;rport=4711;branch=b")));
    buf_free(&out);
}

static void edits_that_do_not_fit_fail_as_a_whole(void **state)
{
    (void)state;
    sip_message m;
    sip_write w;
    buf out;
    assert_int_equal(sip_message_parse(str_of(original), SIP_DATAGRAM, &m, NULL), 0);
    buf_init(&out, 65536);
    sip_write_init(&w, &m);
    for (int i = 0; i <= SIP_SPLICES_MAX; i++)
        sip_write_add(&w, STR("X"), STR("1"));
    assert_int_equal(sip_write_finish(&w, &out), -1);
    buf_free(&out);
    buf_init(&out, sizeof(original) - 2);
    sip_write_init(&w, &m);
    assert_int_equal(sip_write_finish(&w, &out), -1);
    buf_free(&out);
}

static void check_response(const char *request, unsigned status, const char *tag,
                           const char *reason, const char *lines, const char *body,
                           const char *want)
{
    sip_message m;
    buf out;
    (void)sip_message_parse(str_of(request), SIP_DATAGRAM, &m, NULL);
    sip_message_stamp(&m, STR("192.0.2.9"), 4711, false);
    buf_init(&out, 4096);
    assert_int_equal(sip_write_response(&out, &m, status, str_of(reason), str_of(tag),
                                        str_of(lines), str_of(body)),
                     0);
    buf_byte(&out, '\0');
    assert_string_equal(out.p, want);
    buf_free(&out);
}

#define VIA1_STAMPED                                                                               \
    "v:  SIP/2.0/UDP 192.0.2.1 ; branch=z9hG4bK1;rport=4711;x=\"y\";received=192.0.2.9\r\n"

static void responses_repeat_what_8_2_6_says(void **state)
{
    (void)state;
    check_response(original, 404, "tt", "", "", "",
                   "SIP/2.0 404 Not Found\r\n" VIA1_STAMPED VIA2
                   "From: <sip:alice@a.example>;tag=f\r\nTo: \"B\" <sip:bob@b.example>;tag=tt\r\n"
                   "Call-ID: c1\r\nCSeq: 0007 INVITE\r\nContent-Length: 0\r\n\r\n");
    check_response(original, 100, "", "", "", "",
                   "SIP/2.0 100 Trying\r\n" VIA1_STAMPED VIA2 WHO "Content-Length: 0\r\n\r\n");
    check_response(START "Via: SIP/2.0/UDP 192.0.2.9\r\nTimestamp: 5\r\n" WHO "\r\n", 100, "", "",
                   "", "",
                   "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n" WHO
                   "Timestamp: 5\r\nContent-Length: 0\r\n\r\n");
    check_response(START "Via: SIP/2.0/UDP 192.0.2.9\r\nFrom: <sip:a@a.example>;tag=f\r\n"
                         "To: sip:b@b.example;tag=mine\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
                   200, "tt", "Fine", "Contact: <sip:x@y.example>\r\nX: y\r\n", "body",
                   "SIP/2.0 200 Fine\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n"
                   "From: <sip:a@a.example>;tag=f\r\nTo: sip:b@b.example;tag=mine\r\n"
                   "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:x@y.example>\r\nX: y\r\n"
                   "Content-Length: 4\r\n\r\nbody");
}

static void refused_requests_get_a_sound_answer(void **state)
{
    (void)state;
    check_response("INVITE x SIP/2.0\nVia: SIP/2.0/UDP a.example;;\nTo: \x01\x02\r\nFrom: x\ry",
                   400, "tt", "", "", "",
                   "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a.example;;\r\nFrom: x y\r\n"
                   "To:   \r\nContent-Length: 0\r\n\r\n");
}

static void ack_and_cancel_are_made_of_the_invite(void **state)
{
    (void)state;
    static const char response[] = "SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n"
                                   "From: <sip:alice@a.example>;tag=f\r\n"
                                   "To: <sip:bob@b.example>;tag=t\r\nCall-ID: c1\r\n"
                                   "CSeq: 7 INVITE\r\n\r\n";
    sip_message m, r;
    buf out;
    buf_init(&out, 4096);
    assert_int_equal(sip_message_parse(str_of(original), SIP_DATAGRAM, &m, NULL), 0);
    assert_int_equal(sip_message_parse(str_of(response), SIP_DATAGRAM, &r, NULL), 0);
    assert_int_equal(sip_write_ack(&out, &m, &r), 0);
    buf_byte(&out, '\0');
    assert_string_equal(out.p,
                        "ACK sip:bob@b.example SIP/2.0\r\n"
                        "Via: SIP/2.0/UDP 192.0.2.1 ; branch=z9hG4bK1;rport;x=\"y\"\r\n"
                        "Max-Forwards: 70\r\n" ROUTES ROUTE3 "From: <sip:alice@a.example>;tag=f\r\n"
                        "To: <sip:bob@b.example>;tag=t\r\nCall-ID: c1\r\nCSeq: 7 ACK\r\n"
                        "Content-Length: 0\r\n\r\n");
    buf_clear(&out);
    assert_int_equal(sip_write_cancel(&out, &m, STR("Reason: SIP;cause=200\r\n")), 0);
    buf_byte(&out, '\0');
    assert_string_equal(out.p,
                        "CANCEL sip:bob@b.example SIP/2.0\r\n"
                        "Via: SIP/2.0/UDP 192.0.2.1 ; branch=z9hG4bK1;rport;x=\"y\"\r\n"
                        "Max-Forwards: 70\r\n" ROUTES ROUTE3 "From: <sip:alice@a.example>;tag=f\r\n"
                        "To: \"B\" <sip:bob@b.example>\r\nCall-ID: c1\r\nCSeq: 7 CANCEL\r\n"
                        "Reason: SIP;cause=200\r\nContent-Length: 0\r\n\r\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_differs_in_nothing_but_the_edits),
        cmocka_unit_test(what_a_sender_put_into_received_is_overwritten),
        cmocka_unit_test(edits_that_do_not_fit_fail_as_a_whole),
        cmocka_unit_test(responses_repeat_what_8_2_6_says),
        cmocka_unit_test(refused_requests_get_a_sound_answer),
        cmocka_unit_test(ack_and_cancel_are_made_of_the_invite),
    };
    return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
