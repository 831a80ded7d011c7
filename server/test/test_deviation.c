/* Each fault of the proxy changes what a fixed course of events brings onto the wire. That it turns
 * its case red is for the proof of the harness to show. */
#include "proxy_rig.h"

#include "fault/fault.h"

enum { TRANSCRIPT = 1 << 18 };

typedef struct course {
    rig *g;
    flow *alice, *bob, *carol, *dave, *edge; /* WSS, UDP, TLS, WS, TCP */
    unsigned n;
    char *log;
    size_t used;
    char last[RIG_TEXT]; /* the newest message to the flow asked for */
} course;

/* What is random in each run becomes the same: tokens, branches and our tags. */
static void note(course *c, const char *to, const char *text)
{
    char line[RIG_TEXT * 2];
    size_t n = (size_t)snprintf(line, sizeof(line), ">%s\n%s", to, text);
    for (size_t i = 0; i < n && c->used + 1 < TRANSCRIPT; i++) {
        size_t skip = 0;
        if (strncmp(line + i, "z9hG4bK", 7) == 0 && n - i > 14 && line[i + 13] != '\r' &&
            (line[i + 13] == 't' || line[i + 13] == 's') && memchr(line + i, '.', 40))
            skip = strcspn(line + i, ".") + 9;
        else if (strncmp(line + i, ";tag=", 5) == 0 && strcspn(line + i + 5, ";>\r\n") == 16)
            skip = 21;
        else if (strncmp(line + i, "<sip", 4) == 0 && strcspn(line + i, "@>\r") - 27 - 5 < 2 &&
                 line[i + strcspn(line + i, "@>\r")] == '@')
            skip = strcspn(line + i, "@");
        else if (strncmp(line + i, "viaduct", 7) == 0 && line[i + 7] != '\r')
            skip = 7 + strspn(line + i + 7, "abcdefghijklmnopqrstuvwxyzABCDEF") - 1;
        if (skip) {
            c->log[c->used++] = line[i] == '<' ? '@' : line[i] == 'v' ? 'V' : '*';
            i += skip - 1;
        } else {
            c->log[c->used++] = line[i];
        }
    }
    c->log[c->used] = '\0';
}

/* Takes down what was sent; the last message to f, or to anybody, stays in c->last. */
static const char *hear(course *c, const flow *f)
{
    c->last[0] = '\0';
    while (c->g->n_sent) {
        const flow *to = c->g->sent[0].to;
        const char *text = rig_heard(c->g, NULL);
        note(c, to->name, text);
        if (!f || to == f)
            snprintf(c->last, sizeof(c->last), "%s", text);
    }
    return c->last;
}

static void ask(course *c, flow *f, const char *method, const char *uri, const char *fields)
{
    c->n++;
    rig_say(c->g, f,
            "%s %s SIP/2.0\nVia: SIP/2.0/%s host.invalid:5099;branch=z9hG4bKx%u%s\n"
            "From: <sip:who@example.com>;tag=f\nTo: <sip:other@example.com>\nCall-ID: d%u\n"
            "CSeq: 1 %s\nX-One: 1\nX-One: 2\nContact: <sip:who@host.invalid>\n%s"
            "Content-Length: 4\n\nbody",
            method, uri, flow_kind_via(f->kind), c->n, f == c->edge ? "" : ";rport", c->n, method,
            fields);
}

/* An answer, when there was something to answer. */
static void answer(course *c, flow *f, const char *status)
{
    char request[RIG_TEXT];
    snprintf(request, sizeof(request), "%s", c->last);
    if (strstr(request, "\r\nVia: ") && strncmp(request, "SIP/2.0", 7) != 0)
        rig_answer(c->g, f, request, status, "Contact: <sip:uas@host.invalid>\n");
    hear(c, f);
    snprintf(c->last, sizeof(c->last), "%s", request);
}

static void in_dialog(course *c, flow *f, const char *method, const char *invite)
{
    char route[RIG_TEXT / 2];
    rig_lines(invite, "Record-Route", route, sizeof(route));
    char fields[RIG_TEXT];
    size_t n = 0;
    for (char *line = strtok(route, "\n"); line; line = strtok(NULL, "\n"))
        n += (size_t)snprintf(fields + n, sizeof(fields) - n, "Route: %s\n", line + 14);
    rig_say(
        c->g, f,
        "%s sip:who@host.invalid SIP/2.0\nVia: SIP/2.0/%s host.invalid;branch=z9hG4bKi%u;rport\n"
        "Max-Forwards: 70\nFrom: <sip:o@example.com>;tag=uas\nTo: <sip:who@example.com>;tag=f\n"
        "Call-ID: i\nCSeq: %u %s\nContact: <sip:o@host.invalid>\n%sContent-Length: 0\n\n",
        method, flow_kind_via(f->kind), c->n, c->n, method, n ? fields : "");
}

static void registrations(course *c)
{
    static const char *const rows[] = {
        "<sip:d@d.invalid>;expires=10",
        "<sip:d@d.invalid>;expires=100\nExpires: 200",
        "*, <sip:d@d.invalid>\nExpires: 0",
        "<sips:d@d.invalid>",
        "<sip:d@d.invalid>;q=0.5;reg-id=1;+sip.instance=\"<urn:i>\"\nSupported: path, outbound",
        "<sip:e@d.invalid>;q=0.5;reg-id=1;+sip.instance=\"<urn:i>\"\nSupported: path, outbound",
        "<sip:e@d.invalid>\nRequire: nothing",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_say(c->g, c->dave,
                "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/WS d.invalid;branch=z9hG4bKr%u\n"
                "Max-Forwards: 70\nFrom: <sip:dave@example.com>;tag=1\n"
                "To: <sip:dave@example.com>\nCall-ID: r\nCSeq: %u REGISTER\nContact: %s\n"
                "Content-Length: 0\n\n",
                i, i == 5 ? 5 : i + 1, rows[i]);
        hear(c, c->dave);
    }
    for (unsigned i = 1; i <= 2; i++) {
        rig_say(c->g, c->edge,
                "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP e.invalid;branch=z9hG4bKp%u\n"
                "Via: SIP/2.0/TCP d.invalid;branch=z9hG4bKp2\nMax-Forwards: 70\n"
                "From: <sip:eve@example.com>;tag=1\nTo: <sip:eve@example.com>\nCall-ID: p\n"
                "CSeq: %u REGISTER\nContact: <sip:e@e.invalid>;reg-id=1;+sip.instance=\"<urn:i>\"\n"
                "Supported: path, outbound\nPath: <sip:e.example;lr%s>\nContent-Length: 0\n\n",
                i, i, i == 1 ? ";ob" : "");
        hear(c, NULL);
    }
    ask(c, c->dave, "REGISTER", "sip:192.0.2.99", "Max-Forwards: 70\nSupported: path\n");
    hear(c, NULL);
    rig_say(c->g, c->dave,
            "REGISTER sips:example.com SIP/2.0\nVia: SIP/2.0/WS d.invalid;branch=z9hG4bKs1\n"
            "Max-Forwards: 70\nFrom: <sip:sec@example.com>;tag=1\nTo: <sip:sec@example.com>\n"
            "Call-ID: s\nCSeq: 1 REGISTER\nContact: <sips:s@d.invalid>\nContent-Length: 0\n\n");
    hear(c, NULL);
    ask(c, c->alice, "MESSAGE", "sips:sec@example.com", "");
    hear(c, NULL);
    note(c, "old CSeq", rig_register(c->g, c->bob, "old", "<sip:o@192.0.2.8>", ""));
    for (unsigned cseq = 9; cseq >= 8; cseq--) {
        rig_say(
            c->g, c->bob,
            "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP d.invalid;branch=z9hG4bKo%u;rport\n"
            "Max-Forwards: 70\nFrom: <sip:old@example.com>;tag=1\nTo: <sip:old@example.com>\n"
            "Call-ID: o\nCSeq: %u REGISTER\nContact: <sip:o@192.0.2.8>\nContent-Length: 0\n\n",
            cseq, cseq);
        hear(c, NULL);
    }
}

static void calls(course *c)
{
    static const char *const users[] = {"bob", "carol", "alice"};
    flow *const callees[] = {c->bob, c->carol, c->alice};
    flow *const callers[] = {c->alice, c->dave, c->carol};
    for (size_t i = 0; i < 3; i++) {
        char uri[64], invite[RIG_TEXT];
        snprintf(uri, sizeof(uri), "sip:%s@example.com", users[i]);
        ask(c, callers[i], "INVITE", uri,
            "Max-Forwards: 70\nRecord-Route: <sip:before.example;lr>\n");
        hear(c, callees[i]);
        snprintf(invite, sizeof(invite), "%s", c->last);
        answer(c, callees[i], "180 Ringing");
        if (i == 0) {
            answer(c, callees[i], "200 OK");
            in_dialog(c, callees[i], "ACK", invite);
            in_dialog(c, callees[i], "INVITE", invite);
            hear(c, callers[i]);
            answer(c, callers[i], "200 OK");
        } else if (i == 1) {
            answer(c, callees[i], "486 Busy Here");
        } else {
            rig_say(
                c->g, callers[i],
                "CANCEL %s SIP/2.0\nVia: SIP/2.0/TLS host.invalid:5099;branch=z9hG4bKx%u;rport\n"
                "Max-Forwards: 70\nFrom: <sip:who@example.com>;tag=f\n"
                "To: <sip:other@example.com>\nCall-ID: d%u\nCSeq: 1 CANCEL\n"
                "Content-Length: 0\n\n",
                uri, c->n, c->n);
            hear(c, NULL);
        }
    }
    ask(c, c->alice, "INVITE", "sip:two@example.com", "Max-Forwards: 70\n");
    hear(c, c->carol);
    answer(c, c->carol, "180 Ringing");
    ask(c, c->alice, "INVITE", "sip:two@example.com", "Max-Forwards: 70\n");
    char fork[2][RIG_TEXT] = {"", ""};
    while (c->g->n_sent) {
        const flow *to = c->g->sent[0].to;
        const char *text = rig_heard(c->g, NULL);
        note(c, to->name, text);
        if (to == c->carol || to == c->dave)
            snprintf(fork[to == c->dave], RIG_TEXT, "%s", text);
    }
    snprintf(c->last, sizeof(c->last), "%s", fork[1]);
    answer(c, c->dave, "180 Ringing");
    snprintf(c->last, sizeof(c->last), "%s", fork[0]);
    answer(c, c->carol, "200 OK");
}

static void refusals(course *c)
{
    static const struct {
        const char *method, *uri, *fields;
    } rows[] = {
        {"MESSAGE", "sip:x@192.0.2.99", "Max-Forwards: 0\n"},
        {"MESSAGE", "tel:+1", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Proxy-Require: nothing\n"},
        {"NEWMETHOD", "sip:x@192.0.2.99", ""},
        {"CANCEL", "sip:x@192.0.2.99", ""},
        {"MESSAGE", "sip:nobody@example.com", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Route: <sip:AQAAAAAAAABl00000000000000A@192.0.2.1;lr>\n"},
        {"MESSAGE", "sip:x@192.0.2.99", "Route: <sip:junk@192.0.2.1;lr>\n"},
        {"MESSAGE", "sips:bob@192.0.2.1:5060", ""},
        {"OPTIONS", "sip:example.com", ""},
        {"SUBSCRIBE", "sips:x@192.0.2.99;transport=tcp", ""},
    };
    flow *const from[] = {c->alice, c->bob, c->edge};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(c, from[i % 3], rows[i].method, rows[i].uri, rows[i].fields);
        hear(c, NULL);
    }
    rig_say(c->g, c->edge, "MESSAGE sip:x@y SIP/2.0\nVia: SIP/2.0/TCP e;branch=z9hG4bK1\n\n");
    hear(c, NULL);
    rig_say(c->g, c->edge,
            "MESSAGE sip:x@y SIP/7.0\nVia: SIP/2.0/TCP e;branch=z9hG4bK2\n"
            "From: <sip:a@b>;tag=1\nTo: <sip:b@b>\nCall-ID: v\nCSeq: 1 MESSAGE\n"
            "Content-Length: 0\n\n");
    hear(c, NULL);
    /* A loop: our own request comes back. */
    ask(c, c->edge, "MESSAGE", "sip:loop@192.0.2.99", "");
    hear(c, NULL);
    char text[RIG_TEXT], *to = text;
    for (const char *in = c->last; *in; in++)
        if (*in != '\r')
            *to++ = *in;
    *to = '\0';
    char *via = strstr(text, "Via:");
    rig_say(c->g, c->edge,
            "MESSAGE sip:loop@192.0.2.99 SIP/2.0\nVia: SIP/2.0/TCP e;branch=z9hG4bKl\n%s",
            via ? via : "");
    hear(c, NULL);
    flow *gone = rig_flow(c->g, FLOW_UDP, "192.0.2.8:5099");
    (void)gone; /* where a response for sent-by goes */
    rig_say(
        c->g, c->bob,
        "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.8:5099;branch=z9hG4bKq;rport\n"
        "Max-Forwards: 70\nFrom: <sip:a@b>;tag=1\nTo: <sip:b@b>\nCall-ID: q\nCSeq: 1 OPTIONS\n"
        "Content-Length: 0\n\n");
    hear(c, NULL);
}

static void silences(course *c)
{
    ask(c, c->alice, "MESSAGE", "sip:carol@example.com", "Max-Forwards: 70\n");
    hear(c, c->carol);
    answer(c, c->carol, "180 What");
    answer(c, c->carol, "503 Full");
    ask(c, c->alice, "MESSAGE", "sip:dave@example.com", "Max-Forwards: 70\n");
    hear(c, c->dave);
    rig_wait(c->g, 40000);
    hear(c, NULL);
    /* Dave's flow ends, with a call in progress that has its token. */
    ask(c, c->dave, "INVITE", "sip:bob@example.com", "Max-Forwards: 70\n");
    hear(c, c->bob);
    char invite[RIG_TEXT];
    snprintf(invite, sizeof(invite), "%s", c->last);
    rig_end_flow(c->g, c->dave);
    in_dialog(c, c->bob, "BYE", invite);
    hear(c, NULL);
    ask(c, c->alice, "MESSAGE", "sip:dave@example.com", "Max-Forwards: 70\n");
    hear(c, NULL);
    rig_register(c->g, c->bob, "dave", "<sip:again@192.0.2.8>", "");
    rig_wait(c->g, 1);
    note(c, "names", c->g->asked);
    char count[16];
    snprintf(count, sizeof(count), "%zu", proxy_count(c->g->p).bindings);
    note(c, "bindings", count);
}

static char *run(void)
{
    course c = {.g = rig_new(), .log = calloc(1, TRANSCRIPT)};
    assert_non_null(c.log);
    c.alice = rig_flow(c.g, FLOW_WSS, "192.0.2.7:1000");
    c.bob = rig_flow(c.g, FLOW_UDP, "192.0.2.8:1000");
    c.carol = rig_flow(c.g, FLOW_TLS, "192.0.2.9:1000");
    c.dave = rig_flow(c.g, FLOW_WS, "192.0.2.10:1000");
    c.edge = rig_flow(c.g, FLOW_TCP, "192.0.2.11:1000");
    note(&c, "", rig_register(c.g, c.alice, "alice", "<sip:a@a.invalid;transport=ws>", ""));
    note(&c, "", rig_register(c.g, c.bob, "bob", "<sip:b@10.0.0.1>", ""));
    note(&c, "", rig_register(c.g, c.carol, "carol", "<sip:c@192.0.2.9>", ""));
    note(&c, "", rig_register(c.g, c.carol, "two", "<sip:c@192.0.2.9>", ""));
    note(&c, "", rig_register(c.g, c.dave, "two", "<sip:d@d.invalid>", ""));
    registrations(&c);
    calls(&c);
    refusals(&c);
    silences(&c);
    rig_free(c.g);
    return c.log;
}

static void the_course_is_the_same_each_time(void **state)
{
    (void)state;
    char *one = run(), *two = run();
    assert_string_equal(one, two);
    free(one);
    free(two);
}

static void every_fault_shows(void **state)
{
    (void)state;
    if (!fault_compiled())
        skip();
    size_t mute = 0;
    char *good = run();
    for (size_t i = FAULT_VIA_WS_ON_WSS; fault_at(i); i++) {
        assert_int_equal(fault_enable(fault_at(i)->name), 0);
        char *bad = run();
        fault_disable_all();
        if (strcmp(good, bad) == 0) {
            print_error("%s changes nothing\n", fault_at(i)->name);
            mute++;
        }
        free(bad);
    }
    free(good);
    assert_int_equal(mute, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_course_is_the_same_each_time),
        cmocka_unit_test(every_fault_shows),
    };
    return cmocka_run_group_tests_name("deviation", tests, NULL, NULL);
}
