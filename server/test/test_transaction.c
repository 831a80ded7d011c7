#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/transaction.h"
#include "sip/write.h"

enum { UDP = 7, TCP = 8 };

/* What came out of the table since the last look, as text: "send INVITE;", "timeout;"... */
typedef struct world {
    sip_transactions *t;
    char log[2000];
    size_t n;
    buf sent; /* the last message sent */
    bool broken;
    uint64_t now;
    str cancel_on; /* in the event TIMER_C, cancel */
} world;

static void note(world *w, const char *what, str more)
{
    int n = snprintf(w->log + w->n, sizeof(w->log) - w->n, "%s%.*s;", what, STR_FMT(more));
    w->n += (size_t)n;
    assert_true(w->n < sizeof(w->log));
}

static int on_send(void *owner, sip_transaction *tx, uint64_t flow, str bytes)
{
    world *w = owner;
    assert_int_equal(flow, sip_transaction_flow(tx));
    /* "INVITE" of a request, "180" of a response */
    bool response = str_starts(bytes, STR("SIP/2.0 "));
    size_t from = response ? 8 : 0;
    note(w, w->broken ? "fail " : "send ", str_sub(bytes, from, str_chr(bytes, ' ', from) - from));
    buf_clear(&w->sent);
    buf_str(&w->sent, bytes);
    return w->broken ? -1 : 0;
}

static void on_event(void *owner, sip_transaction *tx, sip_transaction_event ev)
{
    static const char *const names[] = {"timeout", "unreachable", "timer-c", "ended"};
    world *w = owner;
    note(w, names[ev], STR(""));
    if (ev == SIP_TRANSACTION_TIMER_C)
        sip_transaction_cancel(tx, w->cancel_on, w->now);
}

static const sip_transaction_ops ops = {on_send, on_event};

static void open_world(world *w)
{
    memset(w, 0, sizeof(*w));
    buf_init(&w->sent, 65536);
    w->t = sip_transactions_new(&ops, w, NULL, 42);
}

static void close_world(world *w)
{
    sip_transactions_free(w->t);
    buf_free(&w->sent);
}

static void expect(world *w, const char *want)
{
    if (strcmp(w->log, want) != 0)
        fail_msg("got \"%s\", expected \"%s\"", w->log, want);
    w->n = 0;
    w->log[0] = '\0';
}

/* Runs every deadline up to the time, each at its own moment, and notes it. */
static void pass_until(world *w, uint64_t end)
{
    uint64_t at;
    while (sip_transactions_next(w->t, &at) && at <= end) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)at);
        note(w, "@", str_of(text));
        w->now = at;
        sip_transactions_run(w->t, at);
    }
}

static char text_of[2048];

static str request(const char *method, const char *via, const char *to_tag)
{
    int n = snprintf(text_of, sizeof(text_of),
                     "%s sip:bob@b.example SIP/2.0\r\nVia: %s\r\nRoute: <sip:p.example;lr>\r\n"
                     "Max-Forwards: 70\r\nFrom: <sip:alice@a.example>;tag=f\r\n"
                     "To: <sip:bob@b.example>%s\r\nCall-ID: c1\r\nCSeq: 5 %s\r\n"
                     "Content-Length: 0\r\n\r\n",
                     method, via, to_tag, method);
    return (str){text_of, (size_t)n};
}

static str response(unsigned status, const char *method)
{
    int n = snprintf(text_of, sizeof(text_of),
                     "SIP/2.0 %u X\r\nVia: SIP/2.0/UDP us.example;branch=z9hG4bKb1\r\n"
                     "From: <sip:alice@a.example>;tag=f\r\nTo: <sip:bob@b.example>;tag=t\r\n"
                     "Call-ID: c1\r\nCSeq: 5 %s\r\nContent-Length: 0\r\n\r\n",
                     status, method);
    return (str){text_of, (size_t)n};
}

static sip_message *parsed(str text)
{
    static sip_message m;
    assert_int_equal(sip_message_parse(text, SIP_STREAM, &m, NULL), 0);
    return &m;
}

#define PEER "SIP/2.0/UDP peer.example;branch=z9hG4bKp1"
#define OLD "SIP/2.0/UDP peer.example"

static sip_transaction *start(world *w, const char *method, uint64_t flow, uint64_t now)
{
    str m = request(method, "SIP/2.0/UDP us.example;branch=z9hG4bKb1", "");
    return sip_transaction_send(w->t, m, STR("z9hG4bKb1"), str_of(method), flow, flow != UDP, w,
                                now);
}

/* 'n' new, 'a' absorbed, 's' stray: what became of a response. */
static char answer(world *w, unsigned status, const char *method, uint64_t now)
{
    sip_transaction *tx;
    sip_transaction_input r =
        sip_transaction_response(w->t, parsed(response(status, method)), now, &tx);
    assert_int_equal(tx != NULL, r == SIP_TRANSACTION_NEW);
    return r == SIP_TRANSACTION_NEW ? 'n' : r == SIP_TRANSACTION_ABSORBED ? 'a' : 's';
}

static char ask(world *w, const char *method, const char *via, const char *to_tag, uint64_t now,
                sip_transaction **tx)
{
    static const char letters[] = "nak";
    return letters[sip_transaction_request(w->t, parsed(request(method, via, to_tag)), now, tx)];
}

static sip_transaction *serve(world *w, const char *method, const char *via, uint64_t flow)
{
    return sip_transaction_serve(w->t, parsed(request(method, via, "")), flow, flow != UDP, w, 0);
}

static void respond(sip_transaction *tx, unsigned status, uint64_t now, int want)
{
    str r = response(status, "INVITE");
    assert_int_equal(sip_transaction_respond(tx, r, status, now), want);
}

static void invite_client_without_answer_repeats_then_gives_up(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "INVITE", UDP, 0);
    pass_until(&w, 60000);
    expect(&w, "send INVITE;@500;send INVITE;@1500;send INVITE;@3500;send INVITE;@7500;send INVITE;"
               "@15500;send INVITE;@31500;send INVITE;@32000;timeout;ended;");
    (void)start(&w, "INVITE", TCP, 0);
    pass_until(&w, 60000);
    expect(&w, "send INVITE;@32000;timeout;ended;");
    assert_int_equal(sip_transactions_count(w.t), 0);
    close_world(&w);
}

static void other_client_without_answer_repeats_up_to_t2(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "OPTIONS", UDP, 0);
    pass_until(&w, 12000);
    expect(&w, "send OPTIONS;@500;send OPTIONS;@1500;send OPTIONS;@3500;send OPTIONS;"
               "@7500;send OPTIONS;@11500;send OPTIONS;");
    pass_until(&w, 60000);
    expect(&w, "@15500;send OPTIONS;@19500;send OPTIONS;@23500;send OPTIONS;@27500;send OPTIONS;"
               "@31500;send OPTIONS;@32000;timeout;ended;");
    (void)start(&w, "OPTIONS", TCP, 0);
    pass_until(&w, 60000);
    expect(&w, "send OPTIONS;@32000;timeout;ended;");
    close_world(&w);
}

static void other_client_after_provisional_repeats_every_t2(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "OPTIONS", UDP, 0);
    assert_int_equal(answer(&w, 100, "OPTIONS", 100), 'n');
    pass_until(&w, 9000);
    expect(&w, "send OPTIONS;@500;send OPTIONS;@4500;send OPTIONS;@8500;send OPTIONS;");
    assert_int_equal(answer(&w, 200, "OPTIONS", 9000), 'n');
    assert_int_equal(answer(&w, 200, "OPTIONS", 9001), 'a');
    pass_until(&w, 60000);
    expect(&w, "@14000;ended;"); /* timer K */
    assert_int_equal(answer(&w, 200, "OPTIONS", 14000), 's');
    close_world(&w);
}

static void reliable_other_client_ends_with_the_answer(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "MESSAGE", TCP, 0);
    assert_int_equal(answer(&w, 404, "MESSAGE", 10), 'n');
    pass_until(&w, 10);
    expect(&w, "send MESSAGE;@10;ended;");
    close_world(&w);
}

static void invite_client_acknowledges_a_failure_each_time(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "INVITE", UDP, 0);
    assert_int_equal(answer(&w, 180, "INVITE", 10), 'n');
    expect(&w, "send INVITE;");
    assert_int_equal(answer(&w, 486, "INVITE", 20), 'n');
    expect(&w, "send ACK;");
    sip_message *ack = parsed(buf_slice(&w.sent));
    assert_int_equal(ack->method, SIP_ACK);
    assert_true(str_eq(ack->via.branch, STR("z9hG4bKb1")));
    assert_true(str_eq(ack->to.tag, STR("t")));
    assert_int_equal(ack->cseq, 5);
    assert_true(str_eq(ack->uri_text, STR("sip:bob@b.example")));
    assert_true(str_eq(sip_message_value(ack, SIP_ROUTE), STR("<sip:p.example;lr>")));
    assert_int_equal(answer(&w, 486, "INVITE", 30), 'a');
    assert_int_equal(answer(&w, 200, "INVITE", 31), 'a');
    expect(&w, "send ACK;");
    pass_until(&w, 90000);
    expect(&w, "@32020;ended;"); /* timer D */
    (void)start(&w, "INVITE", TCP, 0);
    assert_int_equal(answer(&w, 600, "INVITE", 20), 'n');
    pass_until(&w, 20);
    expect(&w, "send INVITE;send ACK;@20;ended;");
    close_world(&w);
}

static void invite_client_passes_each_2xx_for_a_while(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "INVITE", UDP, 0);
    assert_int_equal(answer(&w, 200, "INVITE", 100), 'n');
    assert_int_equal(answer(&w, 200, "INVITE", 600), 'n');
    assert_int_equal(answer(&w, 180, "INVITE", 601), 'a');
    assert_int_equal(answer(&w, 486, "INVITE", 602), 'a');
    pass_until(&w, 32099);
    expect(&w, "send INVITE;");
    assert_int_equal(answer(&w, 200, "INVITE", 32099), 'n');
    pass_until(&w, 90000);
    expect(&w, "@32100;ended;"); /* timer M */
    assert_int_equal(answer(&w, 200, "INVITE", 32101), 's');
    close_world(&w);
}

static void ringing_is_watched_by_timer_c(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    (void)start(&w, "INVITE", TCP, 0);
    assert_int_equal(answer(&w, 100, "INVITE", 10), 'n');
    assert_int_equal(answer(&w, 180, "INVITE", 1000), 'n');
    assert_int_equal(answer(&w, 100, "INVITE", 2000), 'n'); /* does not reset it */
    w.cancel_on = STR("Reason: SIP;cause=408\r\n");
    pass_until(&w, 182000);
    expect(&w, "send INVITE;@182000;timer-c;send CANCEL;");
    assert_true(
        str_eq(sip_message_value(parsed(buf_slice(&w.sent)), SIP_REASON), STR("SIP;cause=408")));
    close_world(&w);
}

static void cancel_waits_for_a_provisional_response(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx = start(&w, "INVITE", UDP, 0);
    sip_transaction_cancel(tx, STR("Reason: SIP;cause=200\r\n"), 10);
    expect(&w, "send INVITE;");
    assert_int_equal(answer(&w, 100, "INVITE", 20), 'n');
    expect(&w, "send CANCEL;");
    sip_message *cancel = parsed(buf_slice(&w.sent));
    assert_int_equal(cancel->cseq, 5);
    assert_true(str_eq(cancel->via.branch, STR("z9hG4bKb1")));
    assert_int_equal(cancel->to.tag.n, 0);
    assert_int_equal(sip_message_field(cancel, SIP_REASON) != NULL, 1);
    sip_transaction_cancel(tx, STR(""), 30);
    assert_int_equal(answer(&w, 200, "CANCEL", 40), 'a');
    assert_int_equal(answer(&w, 487, "INVITE", 50), 'n');
    expect(&w, "send ACK;");
    sip_transaction_cancel(tx, STR(""), 60);
    pass_until(&w, 60000);
    expect(&w, "@5040;@32050;ended;"); /* the CANCEL's own timer K is silent */
    close_world(&w);
}

static void cancel_without_effect_times_out(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx = start(&w, "INVITE", TCP, 0);
    assert_int_equal(answer(&w, 183, "INVITE", 20), 'n');
    sip_transaction_cancel(tx, STR(""), 1000);
    assert_int_equal(answer(&w, 200, "CANCEL", 1001), 'a');
    assert_int_equal(answer(&w, 183, "INVITE", 1002), 'n');
    pass_until(&w, 40000);
    expect(&w, "send INVITE;send CANCEL;@1001;@33000;timeout;ended;");
    close_world(&w);
}

static void clients_tell_that_sending_failed(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.broken = true;
    (void)start(&w, "INVITE", TCP, 100);
    expect(&w, "fail INVITE;"); /* nothing is told from within the call */
    pass_until(&w, 100);
    expect(&w, "@0;unreachable;ended;");
    w.broken = false;
    sip_transaction *tx = start(&w, "OPTIONS", TCP, 100);
    sip_transaction_failed(tx, 200);
    pass_until(&w, 200);
    expect(&w, "send OPTIONS;@0;unreachable;ended;");
    tx = start(&w, "OPTIONS", UDP, 100);
    assert_int_equal(answer(&w, 200, "OPTIONS", 110), 'n');
    sip_transaction_failed(tx, 120);
    pass_until(&w, 90000);
    expect(&w, "send OPTIONS;@0;@5110;ended;");
    close_world(&w);
}

static void invite_server_repeats_its_last_answer(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx, *found;
    assert_int_equal(ask(&w, "INVITE", PEER, "", 0, &tx), 'n');
    assert_null(tx);
    tx = serve(&w, "INVITE", PEER, UDP);
    assert_int_equal(ask(&w, "INVITE", PEER, "", 10, &found), 'a');
    expect(&w, "");
    respond(tx, 100, 20, 0);
    respond(tx, 180, 30, 0);
    assert_int_equal(ask(&w, "INVITE", PEER, "", 40, &found), 'a');
    assert_ptr_equal(found, tx);
    expect(&w, "send 100;send 180;send 180;");
    respond(tx, 486, 50, 0);
    respond(tx, 487, 51, -1);
    respond(tx, 200, 52, -1);
    pass_until(&w, 8000);
    expect(&w, "send 486;@550;send 486;@1550;send 486;@3550;send 486;@7550;send 486;");
    assert_int_equal(ask(&w, "INVITE", PEER, "", 8001, &found), 'a');
    expect(&w, "send 486;");
    assert_int_equal(ask(&w, "ACK", PEER, ";tag=t", 8002, &found), 'a');
    assert_int_equal(ask(&w, "ACK", PEER, ";tag=t", 8003, &found), 'a');
    assert_int_equal(ask(&w, "INVITE", PEER, "", 8004, &found), 'a');
    pass_until(&w, 90000);
    expect(&w, "@13002;ended;"); /* timer I */
    close_world(&w);
}

static void invite_server_tells_of_a_missing_ack(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx = serve(&w, "INVITE", PEER, TCP);
    respond(tx, 486, 50, 0);
    pass_until(&w, 90000);
    expect(&w, "send 486;@32050;timeout;ended;");
    tx = serve(&w, "INVITE", PEER, TCP);
    respond(tx, 486, 50, 0);
    assert_int_equal(ask(&w, "ACK", PEER, ";tag=t", 60, &tx), 'a');
    pass_until(&w, 60);
    expect(&w, "send 486;@60;ended;");
    close_world(&w);
}

static void accepted_invite_absorbs_copies_and_passes_acks(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx = serve(&w, "INVITE", PEER, UDP), *found;
    respond(tx, 200, 100, 0);
    expect(&w, "send 200;");
    assert_int_equal(ask(&w, "INVITE", PEER, "", 200, &found), 'a');
    expect(&w, ""); /* it does not repeat the 2xx itself */
    respond(tx, 200, 600, 0);
    respond(tx, 486, 601, -1);
    expect(&w, "send 200;");
    assert_int_equal(ask(&w, "ACK", PEER, ";tag=t", 700, &found), 'k');
    assert_ptr_equal(found, tx);
    assert_true(sip_transaction_is_final(tx));
    w.broken = true;
    respond(tx, 200, 800, 0);
    pass_until(&w, 90000);
    expect(&w, "fail 200;@0;unreachable;@32100;ended;"); /* timer L */
    close_world(&w);
}

static void other_server_repeats_its_final_answer(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx = serve(&w, "REGISTER", PEER, UDP), *found;
    assert_int_equal(ask(&w, "REGISTER", PEER, "", 10, &found), 'a');
    expect(&w, "");
    respond(tx, 200, 20, 0);
    respond(tx, 500, 21, -1);
    assert_int_equal(ask(&w, "REGISTER", PEER, "", 30, &found), 'a');
    pass_until(&w, 90000);
    expect(&w, "send 200;send 200;@32020;ended;"); /* timer J */
    tx = serve(&w, "REGISTER", PEER, TCP);
    respond(tx, 200, 20, 0);
    pass_until(&w, 20);
    expect(&w, "send 200;@20;ended;");
    tx = serve(&w, "REGISTER", PEER, UDP);
    sip_transaction_abandon(tx, 50);
    respond(tx, 408, 50, -1);
    pass_until(&w, 50);
    expect(&w, "@50;ended;");
    close_world(&w);
}

static void a_server_lives_on_when_sending_fails(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *tx = serve(&w, "INVITE", PEER, TCP), *found;
    w.broken = true;
    respond(tx, 180, 20, 0);
    pass_until(&w, 20);
    expect(&w, "fail 180;@0;unreachable;");
    w.broken = false;
    assert_int_equal(ask(&w, "INVITE", PEER, "", 30, &found), 'a');
    expect(&w, "send 180;");
    close_world(&w);
}

static void matching_is_by_branch_sender_and_method(void **state)
{
    (void)state;
    static const struct {
        const char *method, *via, *to_tag;
        char want;
    } rows[] = {
        {"INVITE", PEER, "", 'a'},
        {"INVITE", "SIP/2.0/TCP PEER.example:5060;x=y;branch=z9hG4bKp1", "", 'a'},
        {"ACK", PEER, ";tag=t", 'a'},
        {"CANCEL", PEER, "", 'n'},
        {"BYE", PEER, "", 'n'},
        {"INVITE", "SIP/2.0/UDP peer.example:5070;branch=z9hG4bKp1", "", 'n'},
        {"INVITE", "SIP/2.0/UDP other.example;branch=z9hG4bKp1", "", 'n'},
        {"INVITE", "SIP/2.0/UDP peer.example;branch=z9hG4bKp2", "", 'n'},
        {"INVITE", OLD, "", 'n'},
    };
    world w;
    open_world(&w);
    sip_transaction *tx = serve(&w, "INVITE", PEER, UDP), *found;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ask(&w, rows[i].method, rows[i].via, rows[i].to_tag, 0, &found),
                         rows[i].want);
        assert_ptr_equal(found, rows[i].want == 'n' ? NULL : tx);
    }
    assert_ptr_equal(sip_transaction_cancelled(w.t, parsed(request("CANCEL", PEER, ""))), tx);
    assert_null(sip_transaction_cancelled(w.t, parsed(request("CANCEL", OLD, ""))));
    close_world(&w);
}

/* RFC 2543: no branch, or one that is just the cookie (RFC 4475 3.2.1). */
static void old_clients_are_matched_by_their_fields(void **state)
{
    (void)state;
    static const char *const vias[] = {OLD, "SIP/2.0/UDP peer.example;branch=z9hG4bK",
                                       "SIP/2.0/UDP peer.example;branch=1"};
    for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
        world w;
        open_world(&w);
        sip_transaction *tx = serve(&w, "INVITE", vias[i], UDP), *found;
        assert_int_equal(ask(&w, "INVITE", vias[i], "", 10, &found), 'a');
        assert_int_equal(ask(&w, "INVITE", "SIP/2.0/UDP peer.example:5061", "", 10, &found), 'n');
        assert_ptr_equal(sip_transaction_cancelled(w.t, parsed(request("CANCEL", vias[i], ""))),
                         tx);
        respond(tx, 486, 20, 0);
        assert_int_equal(ask(&w, "ACK", vias[i], ";tag=t", 30, &found), 'a');
        pass_until(&w, 90000);
        expect(&w, "send 486;@5030;ended;");
        /* another call with the same Via */
        tx = serve(&w, "OPTIONS", vias[i], UDP);
        str other = request("OPTIONS", vias[i], "");
        char *id = strstr(text_of, "Call-ID: c1");
        assert_non_null(id);
        id[10] = '2';
        assert_int_equal(sip_transaction_request(w.t, parsed(other), 0, &found),
                         SIP_TRANSACTION_NEW);
        close_world(&w);
    }
}

static void client_and_server_keys_never_meet(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    sip_transaction *found;
    (void)start(&w, "OPTIONS", TCP, 0);
    assert_int_equal(ask(&w, "OPTIONS", "SIP/2.0/UDP us.example;branch=z9hG4bKb1", "", 0, &found),
                     'n');
    assert_int_equal(answer(&w, 200, "INVITE", 0), 's');
    assert_int_equal(answer(&w, 200, "OPTIONS", 0), 'n');
    close_world(&w);
}

static void many_live_side_by_side(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    world w;
    open_world(&w);
    for (int i = 0; i < MANY; i++) {
        char branch[40];
        (void)snprintf(branch, sizeof(branch), "z9hG4bK%d", i);
        (void)sip_transaction_send(w.t, STR("OPTIONS x"), str_of(branch), STR("OPTIONS"), TCP, true,
                                   &w, (uint64_t)(i * 7919 % 1000));
        w.n = 0;
    }
    assert_int_equal(sip_transactions_count(w.t), MANY);
    uint64_t at, last = 0;
    for (size_t left = MANY; sip_transactions_next(w.t, &at);) {
        assert_true(at >= last);
        last = at;
        sip_transactions_run(w.t, at);
        assert_true(sip_transactions_count(w.t) < left);
        left = sip_transactions_count(w.t);
        w.n = 0;
    }
    assert_int_equal(sip_transactions_count(w.t), 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invite_client_without_answer_repeats_then_gives_up),
        cmocka_unit_test(other_client_without_answer_repeats_up_to_t2),
        cmocka_unit_test(other_client_after_provisional_repeats_every_t2),
        cmocka_unit_test(reliable_other_client_ends_with_the_answer),
        cmocka_unit_test(invite_client_acknowledges_a_failure_each_time),
        cmocka_unit_test(invite_client_passes_each_2xx_for_a_while),
        cmocka_unit_test(ringing_is_watched_by_timer_c),
        cmocka_unit_test(cancel_waits_for_a_provisional_response),
        cmocka_unit_test(cancel_without_effect_times_out),
        cmocka_unit_test(clients_tell_that_sending_failed),
        cmocka_unit_test(invite_server_repeats_its_last_answer),
        cmocka_unit_test(invite_server_tells_of_a_missing_ack),
        cmocka_unit_test(accepted_invite_absorbs_copies_and_passes_acks),
        cmocka_unit_test(other_server_repeats_its_final_answer),
        cmocka_unit_test(a_server_lives_on_when_sending_fails),
        cmocka_unit_test(matching_is_by_branch_sender_and_method),
        cmocka_unit_test(old_clients_are_matched_by_their_fields),
        cmocka_unit_test(client_and_server_keys_never_meet),
        cmocka_unit_test(many_live_side_by_side),
    };
    return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
