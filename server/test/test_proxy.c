#include "proxy_rig.h"

/* A request of alice's for a URI; fields: whole lines. */
static void request(rig *g, flow *f, const char *method, const char *uri, const char *fields)
{
    static unsigned n;
    n++;
    rig_say(g, f,
            "%s %s SIP/2.0\nVia: SIP/2.0/%s alice.invalid;branch=z9hG4bKa%u;rport\n"
            "From: <sip:alice@example.com>;tag=a\nTo: <sip:bob@example.com>\nCall-ID: p%u\n"
            "CSeq: 1 %s\n%sContent-Length: 0\n\n",
            method, uri, flow_kind_via(f->kind), n, n, method, fields);
}

static void refusals_name_their_reason(void **state)
{
    (void)state;
    static const struct {
        const char *method, *uri, *fields, *start, *part;
    } rows[] = {
        {"OPTIONS", "sip:example.com", "", "SIP/2.0 200", "Allow: "},
        {"OPTIONS", "sip:192.0.2.1", "Max-Forwards: 0\n", "SIP/2.0 200", "Supported: "},
        {"OPTIONS", "sip:192.0.2.1:443", "", "SIP/2.0 200", ""},
        {"PUBLISH", "sip:example.com", "", "SIP/2.0 405", "Allow: OPTIONS, REGISTER\r\n"},
        {"MESSAGE", "sip:nobody@example.com", "", "SIP/2.0 404", ""},
        {"MESSAGE", "sip:nobody@example.com", "Max-Forwards: 0\n", "SIP/2.0 483", ""},
        {"MESSAGE", "tel:+1", "", "SIP/2.0 416", ""},
        {"MESSAGE", "nothing:x", "", "SIP/2.0 416", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Max-Forwards: 0\n", "SIP/2.0 483", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Proxy-Require: a\nProxy-Require: b\n", "SIP/2.0 420",
         "Unsupported: a, b\r\n"},
        {"MESSAGE", "sip:x@a.invalid", "", "SIP/2.0 480", ""},
        {"MESSAGE", "sip:x@192.0.2.99;transport=ws", "", "SIP/2.0 480", ""},
        {"MESSAGE", "sips:x@192.0.2.99;transport=udp", "", "SIP/2.0 480", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Max-Breadth: 0\n", "SIP/2.0 440", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Route: <sip:garbage@192.0.2.1;lr>\n", "SIP/2.0 403", ""},
        {"MESSAGE", "sip:x@192.0.2.99", "Route: <sip:192.0.2.1;lr>, bad<\n", "SIP/2.0 400", ""},
        {"CANCEL", "sip:x@192.0.2.99", "", "SIP/2.0 481", ""},
        {"MESSAGE", "sip:x@unknown.example", "", "SIP/2.0 500", ""},
        {"REGISTER", "sip:elsewhere.example", "", "SIP/2.0 421", "Require: path\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig *g = rig_new();
        flow *alice = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
        request(g, alice, rows[i].method, rows[i].uri, rows[i].fields);
        const char *text = rig_heard(g, alice);
        if (strncmp(text, rows[i].start, strlen(rows[i].start)) != 0)
            fail_msg("row %zu: %s", i, text);
        has(text, rows[i].part);
        has(text, ";tag=");
        rig_silence(g);
        rig_free(g);
    }
}

static void malformed_requests_are_answered_and_harm_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *text, *start;
    } rows[] = {
        {"MESSAGE sip:b@example.com SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n\n",
         "SIP/2.0 400 From"},
        {"MESSAGE sip:b@example.com SIP/7.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n\n",
         "SIP/2.0 505"},
        {"MESSAGE sip:b@example.com SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n"
         "From: <sip:a@example.com>;tag=1\nTo: <sip:b@example.com>\nCall-ID: x\nCSeq: 1 INVITE\n\n",
         "SIP/2.0 400 CSeq"},
        {"ACK sip:b@example.com SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n\n", NULL},
        {"SIP/2.0 200 OK\n\n", NULL},
        {"SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnone\nFrom: "
         "<sip:a@b>;tag=1\n"
         "To: <sip:b@b>;tag=2\nCall-ID: x\nCSeq: 1 MESSAGE\nContent-Length: 0\n\n",
         NULL},
        {"nonsense", NULL},
        {"", NULL},
    };
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_say(g, alice, "%s", rows[i].text);
        if (rows[i].start)
            rig_expect(g, alice, rows[i].start);
        rig_silence(g);
        request(g, alice, "OPTIONS", "sip:example.com", "");
        rig_expect(g, alice, "SIP/2.0 200");
    }
    rig_free(g);
}

static void a_call_crosses_from_ws_to_udp_and_back(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_WSS, "192.0.2.7:1000");
    flow *bob = rig_flow(g, FLOW_UDP, "192.0.2.8:5060");
    rig_register(g, bob, "bob", "<sip:bob@192.0.2.8>", "");
    request(g, alice, "INVITE", "sip:bob@example.com",
            "Max-Forwards: 70\nContact: <sip:a@x.invalid;transport=ws>\n"
            "Record-Route: <sip:before.example;lr>\nX-Odd:   as  it was\n");
    rig_expect(g, alice, "SIP/2.0 100");
    const char *invite = rig_expect(g, bob, "INVITE sip:bob@192.0.2.8 SIP/2.0\r\n");
    has(invite, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK");
    has(invite, "alice.invalid;branch=");
    has(invite, "rport=1000");
    has(invite, "received=192.0.2.7");
    has(invite, "\r\nMax-Forwards: 69\r\n");
    has(invite, "\r\nMax-Breadth: 60\r\n");
    has(invite, "\r\nX-Odd:   as  it was\r\n");
    has(invite, "\r\nContact: <sip:a@x.invalid;transport=ws>\r\n");
    has(invite, "Record-Route: <sip:192.0.2.1:5060;lr>\r\nRecord-Route: <sip:");
    has(invite, "@192.0.2.1:443;transport=ws;lr>\r\nRecord-Route: <sip:before.example;lr>\r\n");
    char near[256];
    snprintf(near, sizeof(near), "%s",
             strstr(strstr(invite, "Record-Route:") + 5, "Record-Route:"));
    near[strcspn(near, "\r")] = '\0';
    rig_answer(g, bob, invite, "180 Ringing", "Contact: <sip:bob@192.0.2.8>\n");
    const char *ringing = rig_expect(g, alice, "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/WSS");
    hasnt(ringing, "SIP/2.0/UDP");
    has(ringing, near);
    /* Bob's request comes back over the flow that the token names, whatever Alice's host is. */
    rig_say(g, bob,
            "BYE sip:a@x.invalid;transport=ws SIP/2.0\n"
            "Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKbye\nMax-Forwards: 70\n"
            "Route: <sip:192.0.2.1;lr>,%s, <sip:before.example;lr>\n"
            "From: <sip:bob@example.com>;tag=uas\nTo: <sip:alice@example.com>;tag=a\nCall-ID: p\n"
            "CSeq: 1 BYE\nContent-Length: 0\n\n",
            strchr(near, ' '));
    const char *bye = rig_expect(g, alice, "BYE sip:a@x.invalid;transport=ws SIP/2.0\r\n");
    has(bye, "Via: SIP/2.0/WSS 192.0.2.1:443;branch=");
    has(bye, "Route: <sip:before.example;lr>\r\n");
    hasnt(bye, "192.0.2.1;lr");
    hasnt(bye, "Record-Route");
    assert_string_equal(g->asked, "");
    rig_free(g);
}

static void the_token_of_a_dead_flow_draws_430(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
    flow *bob = rig_flow(g, FLOW_TCP, "192.0.2.8:1000");
    rig_register(g, bob, "bob", "<sip:bob@192.0.2.8>", "");
    request(g, alice, "INVITE", "sip:bob@example.com", "Contact: <sip:a@x.invalid>\n");
    rig_expect(g, alice, "SIP/2.0 100");
    const char *invite = rig_heard(g, bob);
    char route[256];
    snprintf(route, sizeof(route), "Route: %s\n",
             strstr(strstr(invite, "Record-Route:") + 5, "Record-Route:") + 14);
    route[strcspn(route, "\r")] = '\n';
    route[strcspn(route, "\n") + 1] = '\0';
    rig_end_flow(g, alice);
    g->n_sent = 0;
    request(g, bob, "MESSAGE", "sip:a@192.0.2.7", route);
    rig_expect(g, bob, "SIP/2.0 430 Flow Failed");
    rig_silence(g); /* and nobody is dialled */
    rig_free(g);
}

static void responses_find_their_way_over_udp(void **state)
{
    (void)state;
    static const struct {
        const char *via;
        uint16_t port;
        const char *stamped;
    } rows[] = {
        {"host.invalid;branch=z9hG4bK1;rport", 1000, ";rport=1000"},
        {"192.0.2.7;branch=z9hG4bK1", 5060, "branch=z9hG4bK1\r\n"},
        {"host.invalid:7777;branch=z9hG4bK1", 7777, ";received=192.0.2.7"},
        {"192.0.2.7:1000;branch=z9hG4bK1", 1000, "branch=z9hG4bK1\r\n"},
        {"192.0.2.7:1000;maddr=192.0.2.200;branch=z9hG4bK1", 1000, "branch=z9hG4bK1\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig *g = rig_new();
        flow *f = rig_flow(g, FLOW_UDP, "192.0.2.7:1000");
        rig_say(g, f,
                "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/UDP %s\nMax-Forwards: 70\n"
                "From: <sip:a@example.com>;tag=1\nTo: <sip:example.com>\nCall-ID: x\n"
                "CSeq: 1 OPTIONS\nContent-Length: 0\n\n",
                rows[i].via);
        assert_int_equal(g->n_sent, 1);
        assert_int_equal(g->sent[0].to->remote.port, rows[i].port);
        has(rig_heard(g, NULL), rows[i].stamped);
        rig_free(g);
    }
}

static void names_are_asked_for_and_addresses_tried_in_turn(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    g->name = "far.example";
    g->n_found = 2;
    assert_int_equal(addr_parse(&g->found[0], STR("192.0.2.50:1")), 0);
    assert_int_equal(addr_parse(&g->found[1], STR("192.0.2.51:1")), 0);
    request(g, alice, "MESSAGE", "sip:x@far.example:5070", "");
    assert_string_equal(g->asked, "far.example ");
    flow *first = g->sent[0].to;
    assert_int_equal(first->remote.port, 5070);
    char branch[512];
    snprintf(branch, sizeof(branch), "%s", rig_field(rig_expect(g, first, "MESSAGE"), "Via"));
    rig_end_flow(g, first);
    rig_wait(g, 1);
    flow *second = g->sent[0].to;
    assert_int_equal(second->remote.ip[3], 51);
    const char *again = rig_expect(g, second, "MESSAGE sip:x@far.example:5070");
    assert_string_not_equal(rig_field(again, "Via"), branch);
    rig_answer(g, second, again, "200 OK", "");
    rig_expect(g, alice, "SIP/2.0 200");
    rig_free(g);
}

static void an_ack_to_a_2xx_is_sent_on_by_name_too(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    g->name = "far.example";
    g->n_found = 1;
    assert_int_equal(addr_parse(&g->found[0], STR("192.0.2.50:1")), 0);
    request(g, alice, "ACK", "sip:x@far.example", "Max-Forwards: 9\n");
    const char *ack = rig_heard(g, NULL);
    has(ack, "ACK sip:x@far.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK");
    has(ack, "Max-Forwards: 8\r\n");
    request(g, alice, "ACK", "sip:x@unknown.example", "");
    request(g, alice, "ACK", "sip:x@192.0.2.99", "Max-Forwards: 0\n");
    rig_silence(g);
    rig_free(g);
}

static void a_strict_router_is_obeyed_and_undone(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    /* 16.6 step 6: a next hop without lr. */
    request(g, alice, "MESSAGE", "sip:x@192.0.2.60",
            "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.61>, <sip:192.0.2.62;lr>\n");
    const char *out = rig_heard(g, NULL);
    has(out, "MESSAGE sip:192.0.2.61 SIP/2.0\r\n");
    has(out, "Route: <sip:192.0.2.62;lr>, <sip:x@192.0.2.60>\r\n");
    /* 16.4: a previous hop that put our Record-Route value into the Request-URI. */
    request(g, alice, "MESSAGE", "sip:192.0.2.1:5060;lr",
            "Route: <sip:192.0.2.62;lr>, <sip:x@192.0.2.60>\n");
    out = rig_heard(g, NULL);
    has(out, "MESSAGE sip:x@192.0.2.60 SIP/2.0\r\n");
    has(out, "Route: <sip:192.0.2.62;lr>\r\n");
    /* 16.4: maddr names us, at the port and transport used. */
    request(g, alice, "OPTIONS", "sip:example.com:5060;maddr=192.0.2.1;transport=tcp", "");
    rig_expect(g, alice, "SIP/2.0 200");
    rig_free(g);
}

static void loops_are_found_and_spirals_are_not_loops(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    flow *far = rig_flow(g, FLOW_UDP, "192.0.2.60:5060");
    request(g, alice, "MESSAGE", "sip:x@192.0.2.60", "");
    char text[RIG_TEXT], *c = text;
    for (const char *in = rig_heard(g, far); *in; in++)
        if (*in != '\r')
            *c++ = *in;
    *c = '\0';
    char *body = strstr(text, "Via:");
    rig_say(g, far,
            "MESSAGE sip:x@192.0.2.60 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.60;branch=z9hG4bKl1\n%s",
            body);
    rig_expect(g, far, "SIP/2.0 482");
    rig_say(g, far,
            "MESSAGE sip:y@192.0.2.61 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.60;branch=z9hG4bKl2\n%s",
            body);
    has(rig_heard(g, NULL), "MESSAGE sip:y@192.0.2.61 SIP/2.0\r\n");
    rig_free(g);
}

static void sips_stays_on_secure_flows(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_TLS, "192.0.2.7:1000");
    flow *bob = rig_flow(g, FLOW_WSS, "192.0.2.8:1000");
    flow *carol = rig_flow(g, FLOW_WS, "192.0.2.9:1000");
    rig_register(g, carol, "carol", "<sip:c@c.invalid;transport=ws>", "");
    rig_say(g, bob,
            "REGISTER sips:example.com SIP/2.0\nVia: SIP/2.0/WSS b.invalid;branch=z9hG4bKr\n"
            "Max-Forwards: 70\nFrom: <sips:bob@example.com>;tag=1\nTo: <sips:bob@example.com>\n"
            "Call-ID: r\nCSeq: 1 REGISTER\nContact: <sips:b@b.invalid;transport=ws>\n"
            "Content-Length: 0\n\n");
    rig_expect(g, bob, "SIP/2.0 200");
    request(g, alice, "MESSAGE", "sips:carol@example.com", "");
    has(rig_expect(g, alice, "SIP/2.0 480"), "Warning: 380 ");
    request(g, alice, "INVITE", "sips:bob@example.com", "Contact: <sips:a@192.0.2.7>\n");
    rig_expect(g, alice, "SIP/2.0 100");
    const char *invite = rig_expect(g, bob, "INVITE sips:b@b.invalid;transport=ws");
    has(invite, "Record-Route: <sips:");
    hasnt(invite, "Record-Route: <sip:");
    /* Called by a sip URI it becomes sip, on the secure flow (RFC 5630 5.3). */
    request(g, alice, "MESSAGE", "sip:bob@example.com", "");
    rig_expect(g, bob, "MESSAGE sip:b@b.invalid;transport=ws SIP/2.0");
    request(g, alice, "MESSAGE", "sips:x@192.0.2.60", "");
    assert_int_equal(g->sent[0].to->kind, FLOW_TLS);
    rig_free(g);
}

static void an_edge_puts_itself_on_the_path(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *alice = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
    request(g, alice, "REGISTER", "sip:192.0.2.60",
            "Supported: path, outbound\nContact: <sip:a@a.invalid>;reg-id=1\n");
    const char *out = rig_heard(g, NULL);
    has(out, "Path: <sip:192.0.2.1:5060;lr>\r\nPath: <sip:");
    has(out, "@192.0.2.1:80;transport=ws;lr;ob>\r\n");
    hasnt(out, "Record-Route");
    /* The home proxy's request comes back over the token, and its INVITE is recorded without ob. */
    char path[512];
    snprintf(path, sizeof(path), "%s", strchr(strstr(strstr(out, "Path:") + 5, "Path:"), ' ') + 1);
    path[strcspn(path, "\r")] = '\0';
    flow *home = rig_flow(g, FLOW_UDP, "192.0.2.61:5060");
    char fields[1024];
    snprintf(fields, sizeof(fields),
             "Route: <sip:192.0.2.1:5060;lr>, %s\nContact: <sip:h@192.0.2.61>\n", path);
    request(g, home, "INVITE", "sip:a@a.invalid", fields);
    rig_expect(g, home, "SIP/2.0 100");
    const char *invite = rig_expect(g, alice, "INVITE sip:a@a.invalid");
    has(invite, "Record-Route: <sip:");
    hasnt(invite, ";ob");
    hasnt(invite, "\r\nRoute:");
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_name_their_reason),
        cmocka_unit_test(malformed_requests_are_answered_and_harm_nobody),
        cmocka_unit_test(a_call_crosses_from_ws_to_udp_and_back),
        cmocka_unit_test(the_token_of_a_dead_flow_draws_430),
        cmocka_unit_test(responses_find_their_way_over_udp),
        cmocka_unit_test(names_are_asked_for_and_addresses_tried_in_turn),
        cmocka_unit_test(an_ack_to_a_2xx_is_sent_on_by_name_too),
        cmocka_unit_test(a_strict_router_is_obeyed_and_undone),
        cmocka_unit_test(loops_are_found_and_spirals_are_not_loops),
        cmocka_unit_test(sips_stays_on_secure_flows),
        cmocka_unit_test(an_edge_puts_itself_on_the_path),
    };
    return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
