#include "proxy_rig.h"

#define INSTANCE(x) "+sip.instance=\"<urn:uuid:" x ">\""
#define OUTBOUND "Supported: path, outbound\n"

/* INVITE or another request of alice's to bob; its branch is its number. */
static void call(rig *g, flow *alice, const char *method, unsigned n, const char *fields)
{
    rig_say(g, alice,
            "%s sip:bob@example.com SIP/2.0\nVia: SIP/2.0/%s alice.invalid;branch=z9hG4bKc%u\n"
            "Max-Forwards: 70\nFrom: <sip:alice@example.com>;tag=a\nTo: <sip:bob@example.com>\n"
            "Call-ID: c%u\nCSeq: 1 %s\n%sContent-Length: 0\n\n",
            method, flow_kind_via(alice->kind), n, n, method, fields);
}

typedef struct three {
    rig *g;
    flow *alice, *one, *two;
    char first[RIG_TEXT], second[RIG_TEXT]; /* the INVITEs they got */
} three;

/* Bob has two phones, and Alice calls him. */
static three fork_call(const char *q1, const char *q2, const char *method)
{
    three t = {.g = rig_new()};
    char contact[128];
    t.alice = rig_flow(t.g, FLOW_TCP, "192.0.2.7:1000");
    t.one = rig_flow(t.g, FLOW_WS, "192.0.2.8:1000");
    t.two = rig_flow(t.g, FLOW_TLS, "192.0.2.9:1000");
    snprintf(contact, sizeof(contact), "<sip:one@one.invalid>%s", q1);
    rig_register(t.g, t.one, "bob", contact, "");
    snprintf(contact, sizeof(contact), "<sip:two@192.0.2.9>%s", q2);
    rig_register(t.g, t.two, "bob", contact, "");
    call(t.g, t.alice, method, 1, "Contact: <sip:a@192.0.2.7>\n");
    if (strcmp(method, "INVITE") == 0)
        rig_expect(t.g, t.alice, "SIP/2.0 100");
    while (t.g->n_sent) {
        bool first = t.g->sent[0].to == t.one;
        snprintf(first ? t.first : t.second, RIG_TEXT, "%s", rig_heard(t.g, NULL));
    }
    return t;
}

static void the_first_to_answer_has_the_call(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    has(t.first, "INVITE sip:one@one.invalid");
    has(t.first, "Max-Breadth: 30\r\n");
    has(t.second, "INVITE sip:two@192.0.2.9");
    has(t.second, "Max-Breadth: 30\r\n");
    rig_answer(t.g, t.one, t.first, "180 Ringing", "");
    rig_expect(t.g, t.alice, "SIP/2.0 180");
    rig_answer(t.g, t.two, t.second, "183 Progress", "");
    rig_expect(t.g, t.alice, "SIP/2.0 183");
    rig_answer(t.g, t.two, t.second, "200 OK", "");
    rig_expect(t.g, t.alice, "SIP/2.0 200");
    const char *cancel = rig_expect(t.g, t.one, "CANCEL sip:one@one.invalid");
    char via[512];
    snprintf(via, sizeof(via), "%s", rig_field(t.first, "Via"));
    assert_string_equal(rig_field(cancel, "Via"), via);
    rig_answer(t.g, t.one, t.first, "487 Request Terminated", "");
    rig_expect(t.g, t.one, "ACK sip:one@one.invalid");
    rig_answer(t.g, t.two, t.second, "200 OK", ""); /* again, since no ACK came: passed on again */
    rig_expect(t.g, t.alice, "SIP/2.0 200");
    rig_silence(t.g);
    rig_wait(t.g, 400000);
    assert_int_equal(proxy_count(t.g->p).contexts, 0);
    rig_free(t.g);
}

static void the_best_rejection_goes_to_the_caller(void **state)
{
    (void)state;
    static const struct {
        const char *one, *two, *best;
    } rows[] = {
        {"486 Busy", "404 Gone", "SIP/2.0 486 Busy"},
        {"404 Gone", "486 Busy", "SIP/2.0 404 Gone"},
        {"500 Oops", "404 Gone", "SIP/2.0 404 Gone"},
        {"486 Busy", "302 Moved", "SIP/2.0 302 Moved"},
        {"480 Away", "415 What", "SIP/2.0 415 What"},
        {"408 Late", "480 Away", "SIP/2.0 480 Away"},
        {"486 Busy", "603 Never", "SIP/2.0 603 Never"},
        {"503 Full", "500 Oops", "SIP/2.0 500 Oops"},
        {"503 Full", "503 Full", "SIP/2.0 500 Server Internal Error"},
        {"430 Dead", "430 Dead", "SIP/2.0 480 "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        three t = fork_call("", "", "INVITE");
        rig_answer(t.g, t.one, t.first, rows[i].one, "");
        rig_expect(t.g, t.one, "ACK");
        rig_silence(t.g);
        rig_answer(t.g, t.two, t.second, rows[i].two, "");
        rig_expect(t.g, t.two, "ACK");
        const char *text = rig_heard(t.g, t.alice);
        if (strncmp(text, rows[i].best, strlen(rows[i].best)) != 0)
            fail_msg("row %zu: %s", i, text);
        hasnt(text, "Via: SIP/2.0/WS");
        hasnt(text, "Via: SIP/2.0/TLS");
        rig_free(t.g);
    }
}

static void a_rejection_of_all_stops_the_others(void **state)
{
    (void)state;
    three t = fork_call(";q=0.9", ";q=0.9", "INVITE");
    rig_answer(t.g, t.two, t.second, "180 Ringing", "");
    rig_expect(t.g, t.alice, "SIP/2.0 180");
    rig_answer(t.g, t.one, t.first, "603 Decline", "");
    rig_expect(t.g, t.one, "ACK");
    rig_expect(t.g, t.two, "CANCEL");
    rig_silence(t.g);
    rig_answer(t.g, t.two, t.second, "487 Request Terminated", "");
    rig_expect(t.g, t.two, "ACK");
    rig_expect(t.g, t.alice, "SIP/2.0 603 Decline");
    rig_free(t.g);
}

static void challenges_are_joined(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    rig_answer(t.g, t.one, t.first, "401 Unauthorized",
               "WWW-Authenticate: Digest realm=\"one\"\nWWW-Authenticate: Digest realm=\"uno\"\n");
    rig_answer(t.g, t.two, t.second, "407 Proxy Authentication Required",
               "Proxy-Authenticate: Digest realm=\"two\"\n");
    rig_expect(t.g, t.one, "ACK");
    rig_expect(t.g, t.two, "ACK");
    const char *text = rig_expect(t.g, t.alice, "SIP/2.0 401");
    has(text, "realm=\"one\"\r\nWWW-Authenticate: Digest realm=\"uno\"\r\n");
    has(text, "\r\nProxy-Authenticate: Digest realm=\"two\"\r\n");
    rig_free(t.g);
}

static void lower_q_waits_for_its_turn(void **state)
{
    (void)state;
    three t = fork_call(";q=0.5", ";q=0.7", "MESSAGE");
    assert_string_equal(t.first, "");
    has(t.second, "Max-Breadth: 60\r\n");
    rig_answer(t.g, t.two, t.second, "486 Busy", "");
    const char *next = rig_expect(t.g, t.one, "MESSAGE sip:one@one.invalid");
    rig_answer(t.g, t.one, next, "200 OK", "");
    rig_expect(t.g, t.alice, "SIP/2.0 200");
    rig_silence(t.g);
    rig_wait(t.g, 100000);
    assert_int_equal(proxy_count(t.g->p).contexts, 0);
    rig_free(t.g);
}

static void breadth_bounds_a_fork(void **state)
{
    (void)state;
    three t = {.g = rig_new()};
    t.alice = rig_flow(t.g, FLOW_TCP, "192.0.2.7:1000");
    t.one = rig_flow(t.g, FLOW_WS, "192.0.2.8:1000");
    rig_register(t.g, t.one, "bob", "<sip:one@one.invalid>", "");
    rig_register(t.g, t.one, "bob", "<sip:two@one.invalid>", "");
    call(t.g, t.alice, "MESSAGE", 1, "Max-Breadth: 1\n");
    const char *first = rig_expect(t.g, t.one, "MESSAGE sip:two@one.invalid");
    has(first, "Max-Breadth: 1\r\n");
    rig_silence(t.g);
    rig_answer(t.g, t.one, first, "486 Busy", "");
    rig_expect(t.g, t.one, "MESSAGE sip:one@one.invalid");
    rig_free(t.g);
}

/* RFC 5626 section 7: of an instance one flow at a time, the next only when that one is dead. */
static void the_flows_of_an_instance_stand_in_for_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        bool next;
    } rows[] = {{"430 Flow Failed", true}, {"408 Timeout", true}, {"486 Busy", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig *g = rig_new();
        flow *alice = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
        flow *edge = rig_flow(g, FLOW_UDP, "192.0.2.60:5060");
        for (unsigned id = 1; id <= 2; id++)
            rig_say(g, edge,
                    "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP "
                    "192.0.2.60;branch=z9hG4bKe%u\n"
                    "Via: SIP/2.0/WS x.invalid;branch=z9hG4bKr%u\nMax-Forwards: 70\n"
                    "From: <sip:bob@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: e\n"
                    "CSeq: %u REGISTER\nContact: <sip:b@x.invalid>;reg-id=%u;" INSTANCE(
                        "7") "\n"
                             "Path: <sip:token%u@192.0.2.60;lr;ob>\n" OUTBOUND
                             "Content-Length: 0\n\n",
                    id, id, id, id, id);
        rig_expect(g, edge, "SIP/2.0 200");
        rig_expect(g, edge, "SIP/2.0 200");
        call(g, alice, "MESSAGE", 1, "");
        const char *sent = rig_expect(g, edge, "MESSAGE sip:b@x.invalid");
        has(sent, "Route: <sip:token2@192.0.2.60;lr;ob>\r\n");
        rig_silence(g);
        rig_answer(g, edge, sent, rows[i].status, "");
        if (rows[i].next) {
            sent = rig_expect(g, edge, "MESSAGE sip:b@x.invalid");
            has(sent, "Route: <sip:token1@192.0.2.60;lr;ob>\r\n");
            rig_answer(g, edge, sent, "200 OK", "");
            rig_expect(g, alice, "SIP/2.0 200");
        } else {
            rig_expect(g, alice, "SIP/2.0 486");
        }
        /* A binding whose flow is known to be dead is no binding any more. */
        assert_int_equal(proxy_count(g->p).bindings, i == 0 ? 1 : 2);
        rig_silence(g);
        rig_free(g);
    }
}

static void cancel_ends_what_is_pending(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    rig_answer(t.g, t.one, t.first, "180 Ringing", "");
    rig_expect(t.g, t.alice, "SIP/2.0 180");
    call(t.g, t.alice, "CANCEL", 1, "Reason: SIP;cause=200\n");
    rig_expect(t.g, t.alice, "SIP/2.0 200");
    has(rig_expect(t.g, t.one, "CANCEL sip:one@"), "Reason: SIP;cause=200\r\n");
    rig_silence(t.g); /* the other has not spoken yet: its CANCEL waits (RFC 3261 9.1) */
    rig_answer(t.g, t.two, t.second, "180 Ringing", "");
    rig_expect(t.g, t.two, "CANCEL sip:two@");
    rig_expect(t.g, t.alice, "SIP/2.0 180");
    rig_answer(t.g, t.one, t.first, "487 Request Terminated", "");
    rig_expect(t.g, t.one, "ACK");
    rig_answer(t.g, t.two, t.second, "487 Request Terminated", "");
    rig_expect(t.g, t.two, "ACK");
    rig_expect(t.g, t.alice, "SIP/2.0 487");
    rig_free(t.g);
}

static void a_cancelled_call_that_nobody_ends_ends_all_the_same(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    rig_answer(t.g, t.one, t.first, "180 Ringing", "");
    rig_answer(t.g, t.two, t.second, "180 Ringing", "");
    call(t.g, t.alice, "CANCEL", 1, "");
    t.g->n_sent = 0;
    rig_wait(t.g, 33000);
    const char *last = NULL;
    while (t.g->n_sent)
        last = t.g->sent[0].to == t.alice ? rig_heard(t.g, t.alice) : (rig_heard(t.g, NULL), last);
    assert_non_null(last);
    rig_wait(t.g, 400000);
    assert_int_equal(proxy_count(t.g->p).contexts, 0);
    rig_free(t.g);
}

static void ringing_does_not_go_on_forever(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    rig_answer(t.g, t.one, t.first, "180 Ringing", "");
    rig_answer(t.g, t.two, t.second, "180 Ringing", "");
    t.g->n_sent = 0;
    rig_wait(t.g, 180000);
    rig_silence(t.g);
    rig_wait(t.g, 2000); /* timer C: above three minutes */
    bool cancelled = false;
    while (t.g->n_sent)
        cancelled = strncmp(rig_heard(t.g, NULL), "CANCEL ", 7) == 0 || cancelled;
    assert_true(cancelled);
    rig_wait(t.g, 400000);
    assert_int_equal(proxy_count(t.g->p).contexts, 0);
    rig_free(t.g);
}

static void a_late_answer_to_another_request_is_none(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_UDP, "192.0.2.7:5060");
    flow *bob = rig_flow(g, FLOW_TCP, "192.0.2.8:1000");
    rig_register(g, bob, "bob", "<sip:b@192.0.2.8>", "");
    call(g, alice, "MESSAGE", 1, "");
    char sent[RIG_TEXT];
    snprintf(sent, sizeof(sent), "%s", rig_expect(g, bob, "MESSAGE"));
    rig_answer(g, bob, sent, "180 What", ""); /* RFC 4320 4.1: not passed on */
    rig_wait(g, 3000);
    rig_silence(g);
    rig_wait(g, 1000);
    rig_expect(g, alice, "SIP/2.0 100"); /* RFC 4320 4.1: only now */
    rig_wait(g, 60000);
    rig_silence(g); /* RFC 4320 4.2: no 408 */
    rig_answer(g, bob, sent, "200 OK", "");
    rig_silence(g);
    assert_int_equal(proxy_count(g->p).contexts, 0);
    rig_free(g);
}

static void a_flow_that_dies_fails_its_calls_at_once(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    rig_end_flow(t.g, t.one);
    rig_wait(t.g, 1);
    rig_silence(t.g);
    rig_end_flow(t.g, t.two);
    rig_wait(t.g, 1);
    rig_expect(t.g, t.alice, "SIP/2.0 480");
    call(t.g, t.alice, "MESSAGE", 2, "");
    rig_expect(t.g, t.alice, "SIP/2.0 480");
    rig_end_flow(t.g, t.alice);
    rig_wait(t.g, 400000);
    assert_int_equal(proxy_count(t.g->p).contexts, 0);
    rig_free(t.g);
}

static void nobody_is_left_of_a_call_whose_ends_are_gone(void **state)
{
    (void)state;
    three t = fork_call("", "", "INVITE");
    rig_end_flow(t.g, t.alice);
    rig_end_flow(t.g, t.one);
    rig_end_flow(t.g, t.two);
    rig_wait(t.g, 64000);
    assert_int_equal(proxy_count(t.g->p).contexts, 0);
    rig_free(t.g);
}

static void too_much_for_a_datagram_goes_by_stream(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    char filler[1400];
    memset(filler, 'x', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    rig_say(g, alice,
            "MESSAGE sip:x@192.0.2.60 SIP/2.0\nVia: SIP/2.0/TCP a.invalid;branch=z9hG4bKbig\n"
            "Max-Forwards: 70\nFrom: <sip:a@example.com>;tag=a\nTo: <sip:x@192.0.2.60>\n"
            "Call-ID: big\nCSeq: 1 MESSAGE\nSubject: %s\nContent-Length: 0\n\n",
            filler);
    flow *tcp = g->sent[0].to;
    assert_int_equal(tcp->kind, FLOW_TCP);
    has(rig_heard(g, tcp), "Via: SIP/2.0/TCP 192.0.2.1:5060");
    rig_end_flow(g, tcp); /* refused */
    rig_wait(g, 1);
    assert_int_equal(g->sent[0].to->kind, FLOW_UDP);
    has(rig_heard(g, NULL), "Via: SIP/2.0/UDP 192.0.2.1:5060");
    rig_free(g);
}

static void a_retransmission_is_absorbed(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_UDP, "192.0.2.7:5060");
    flow *bob = rig_flow(g, FLOW_TCP, "192.0.2.8:1000");
    rig_register(g, bob, "bob", "<sip:b@192.0.2.8>", "");
    for (int i = 0; i < 2; i++) {
        call(g, alice, "INVITE", 1, "Contact: <sip:a@192.0.2.7>\n");
        rig_expect(g, alice, "SIP/2.0 100");
        if (i == 0)
            rig_expect(g, bob, "INVITE");
    }
    rig_silence(g);
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_to_answer_has_the_call),
        cmocka_unit_test(the_best_rejection_goes_to_the_caller),
        cmocka_unit_test(a_rejection_of_all_stops_the_others),
        cmocka_unit_test(challenges_are_joined),
        cmocka_unit_test(lower_q_waits_for_its_turn),
        cmocka_unit_test(breadth_bounds_a_fork),
        cmocka_unit_test(the_flows_of_an_instance_stand_in_for_each_other),
        cmocka_unit_test(cancel_ends_what_is_pending),
        cmocka_unit_test(a_cancelled_call_that_nobody_ends_ends_all_the_same),
        cmocka_unit_test(ringing_does_not_go_on_forever),
        cmocka_unit_test(a_late_answer_to_another_request_is_none),
        cmocka_unit_test(a_flow_that_dies_fails_its_calls_at_once),
        cmocka_unit_test(nobody_is_left_of_a_call_whose_ends_are_gone),
        cmocka_unit_test(too_much_for_a_datagram_goes_by_stream),
        cmocka_unit_test(a_retransmission_is_absorbed),
    };
    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
