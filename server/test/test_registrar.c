#include "proxy_rig.h"

#define INSTANCE "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\""

/* A REGISTER as the table wants it, answered on the flow it came on. */
static const char *ask(rig *g, flow *f, unsigned cseq, const char *fields)
{
    static unsigned n;
    rig_say(g, f,
            "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK%u\n"
            "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=1\nTo: <sip:bob@example.com>\n"
            "Call-ID: one\nCSeq: %u REGISTER\n%sContent-Length: 0\n\n",
            ++n, cseq, fields);
    return rig_heard(g, f);
}

static void one_request_one_answer(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *status, *part;
    } rows[] = {
        {"Contact: <sip:b@h.invalid>\n", "200", "Contact: <sip:b@h.invalid>;expires=3600\r\n"},
        {"Contact: <sip:b@h.invalid>;expires=100\nExpires: 200\n", "200", ";expires=100\r\n"},
        {"Contact: <sip:b@h.invalid>\nExpires: 200\n", "200", ";expires=200\r\n"},
        {"Contact: <sip:b@h.invalid>;expires=junk\n", "200", ";expires=3600\r\n"},
        {"Contact: <sip:b@h.invalid>;expires=999999\n", "200", ";expires=7200\r\n"},
        {"Contact: <sip:b@h.invalid>;expires=59\n", "423", "Min-Expires: 60\r\n"},
        {"Contact: <sip:b@h.invalid>;expires=0\n", "200", "CSeq"},
        {"Contact: <sip:b@h.invalid;x=y>;q=0.5;z\n", "200",
         "Contact: <sip:b@h.invalid;x=y>;q=0.5;z;expires=3600\r\n"},
        {"Contact: <sip:b@h.invalid>;q=2\n", "400", "Contact: q is not"},
        {"Contact: sip:b@h.invalid?Route=x\n", "400", "Contact: "},
        {"Contact: <mailto:b@h.invalid>\n", "400", "Contact: "},
        {"Contact: *\nExpires: 0\n", "200", "CSeq"},
        {"Contact: *\n", "400", "Contact: *"},
        {"Contact: *\nExpires: 5\n", "400", "Contact: *"},
        {"Contact: *, <sip:b@h.invalid>\nExpires: 0\n", "400", "Contact: *"},
        {"Contact: <sips:b@h.invalid>\n", "400", "Contact: sips"},
        {"Contact: <sip:b@h.invalid>\nRequire: outbound\n", "200", "CSeq"},
        {"Contact: <sip:b@h.invalid>\nRequire: outbound, nothing\n", "420",
         "Unsupported: nothing\r\n"},
        {"Contact: <sip:b@h.invalid>\nProxy-Require: nothing\n", "420", "Unsupported: nothing\r\n"},
        {"Contact: <sip:b@h.invalid>\nPath: <sip:e.example.com;lr>\n", "420",
         "Unsupported: path\r\n"},
        {"Contact: <sip:b@h.invalid>\nPath: <sip:e.example.com;lr>\nSupported: path\n", "200",
         "Path: <sip:e.example.com;lr>\r\n"},
        {"Contact: <sip:b@h.invalid>;reg-id=1;" INSTANCE "\nSupported: path, outbound\n", "200",
         "Require: outbound\r\n"},
        {"Contact: <sip:b@h.invalid>;reg-id=0;" INSTANCE "\n", "400", "reg-id"},
        {"Contact: <sip:b@h.invalid>;reg-id=1;" INSTANCE
         ", <sip:c@h.invalid>\nSupported: path, outbound\n",
         "400", "several values beside one with reg-id"},
        {"Contact: <sip:b@h.invalid>;reg-id=1;" INSTANCE
         ", <sip:c@h.invalid>;expires=0\nSupported: path, outbound\n",
         "200", "Require: outbound\r\n"},
        {"Via: SIP/2.0/UDP u.invalid;branch=z9hG4bK2\nContact: <sip:b@h.invalid>;reg-id=1;" INSTANCE
         "\nSupported: path, outbound\n",
         "439", "CSeq"},
        {"Via: SIP/2.0/UDP u.invalid;branch=z9hG4bK2\nContact: <sip:b@h.invalid>;reg-id=1;" INSTANCE
         "\nSupported: path, outbound\nPath: <sip:top.example.com;lr>, "
         "<sip:t@e.example.com;lr;ob>\n",
         "200", "Require: outbound\r\n"},
        {"Record-Route: <sip:x.example.com;lr>\nContact: <sip:b@h.invalid>\n", "200", "Date: "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig *g = rig_new();
        flow *ws = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
        const char *text = ask(g, ws, 1, rows[i].fields);
        char start[32];
        snprintf(start, sizeof(start), "SIP/2.0 %s ", rows[i].status);
        if (strncmp(text, start, strlen(start)) != 0)
            fail_msg("row %zu, %s: %s", i, rows[i].fields, text);
        has(text, rows[i].part);
        hasnt(text, "Record-Route");
        if (strcmp(rows[i].status, "200") != 0)
            assert_int_equal(proxy_count(g->p).bindings, 0); /* refused: nothing changed */
        rig_free(g);
    }
}

static void strangers_are_not_registered(void **state)
{
    (void)state;
    static const struct {
        const char *to, *status;
    } rows[] = {{"<sip:bob@other.example>", "SIP/2.0 404"},
                {"<sip:example.com>", "SIP/2.0 404"},
                {"<tel:+1>", "SIP/2.0 400"},
                {"<sips:b%6Fb@EXAMPLE.com:5060;x>", "SIP/2.0 200"}};
    rig *g = rig_new();
    flow *ws = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_say(g, ws,
                "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKs%u\n"
                "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=1\nTo: %s\nCall-ID: s\n"
                "CSeq: %u REGISTER\nContact: <sip:b@h.invalid>\nContent-Length: 0\n\n",
                i, rows[i].to, i + 1);
        rig_expect(g, ws, rows[i].status);
    }
    /* The last one is bob@example.com, whatever it looks like (RFC 3261 10.3 step 5, RFC 5630). */
    has(ask(g, ws, 9, ""), "Contact: <sip:b@h.invalid>");
    rig_free(g);
}

static void an_older_request_changes_nothing(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *ws = rig_flow(g, FLOW_WS, "192.0.2.7:1000");
    has(ask(g, ws, 5, "Contact: <sip:b@h.invalid>\n"), "SIP/2.0 200");
    has(ask(g, ws, 5, "Contact: <sip:b@h.invalid>;expires=0\n"), "SIP/2.0 500 CSeq");
    has(ask(g, ws, 4, "Contact: *\nExpires: 0\n"), "SIP/2.0 500 CSeq");
    has(ask(g, ws, 3, "Contact: <sip:new@h.invalid>, <sip:b@h.invalid>\n"), "SIP/2.0 500 CSeq");
    assert_int_equal(proxy_count(g->p).bindings, 1);
    has(ask(g, ws, 6, "Contact: *\nExpires: 0\n"), "SIP/2.0 200");
    assert_int_equal(proxy_count(g->p).bindings, 0);
    rig_free(g);
}

static void a_reload_replaces_the_binding_of_its_instance(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *one = rig_flow(g, FLOW_WSS, "192.0.2.7:1000");
    flow *two = rig_flow(g, FLOW_WSS, "192.0.2.7:1001");
    rig_register(g, one, "bob", "<sip:x@a.invalid>;reg-id=1;" INSTANCE,
                 "Supported: path, outbound\n");
    /* The same URN, which is compared without case (RFC 4122). */
    const char *text =
        rig_register(g, two, "bob",
                     "<sip:y@b.invalid>;reg-id=1;"
                     "+sip.instance=\"<URN:UUID:00000000-0000-1000-8000-aabbccddeeff>\"",
                     "Supported: path, outbound\n");
    has(text, "sip:y@b.invalid");
    hasnt(text, "sip:x@a.invalid");
    rig_end_flow(g, one);
    assert_int_equal(proxy_count(g->p).bindings, 1);
    /* Another flow of the instance stands beside it, an RFC 3261 contact too. */
    rig_register(g, two, "bob", "<sip:y@b.invalid>;reg-id=2;" INSTANCE,
                 "Supported: path, outbound\n");
    rig_register(g, two, "bob", "<sip:y@b.invalid>", "");
    assert_int_equal(proxy_count(g->p).bindings, 3);
    rig_end_flow(g, two);
    assert_int_equal(proxy_count(g->p).bindings, 0);
    rig_free(g);
}

static void bindings_end_with_their_time(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *tcp = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    rig_register(g, tcp, "bob", "<sip:b@192.0.2.7:1000>;expires=60", "");
    rig_wait(g, 59000);
    has(ask(g, tcp, 1, ""), ";expires=1\r\n");
    rig_wait(g, 1001);
    assert_int_equal(proxy_count(g->p).bindings, 0);
    hasnt(ask(g, tcp, 2, ""), "Contact");
    rig_free(g);
}

static void contacts_are_compared_as_uris(void **state)
{
    (void)state;
    static const struct {
        const char *contact;
        size_t bindings;
    } rows[] = {
        {"<sip:bob@Host.Example;x=1>", 1},      {"<sip:b%6fb@host.example;x=1>", 1},
        {"<sip:bob@host.example:5060;x=1>", 2}, /* a port makes it another one */
        {"<sip:BOB@host.example;x=1>", 3},      {"<sip:bob@host.example;x=1;transport=tcp>", 4},
        {"<sip:nul%00@host.example>", 5},       {"<sip:nul@host.example>", 6},
    };
    rig *g = rig_new();
    flow *tcp = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_register(g, tcp, "bob", rows[i].contact, "");
        assert_int_equal(proxy_count(g->p).bindings, rows[i].bindings);
    }
    rig_free(g);
}

static void there_is_an_end_to_contacts(void **state)
{
    (void)state;
    rig *g = rig_new();
    flow *tcp = rig_flow(g, FLOW_TCP, "192.0.2.7:1000");
    for (unsigned i = 0; i < 64; i++) {
        char contact[64];
        snprintf(contact, sizeof(contact), "<sip:b%u@192.0.2.7>", i);
        has(rig_register(g, tcp, "bob", contact, ""), "SIP/2.0 200");
    }
    has(rig_register(g, tcp, "bob", "<sip:more@192.0.2.7>", ""), "SIP/2.0 403");
    has(rig_register(g, tcp, "bob", "<sip:b0@192.0.2.7>", ""), "SIP/2.0 200");
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_one_answer),
        cmocka_unit_test(strangers_are_not_registered),
        cmocka_unit_test(an_older_request_changes_nothing),
        cmocka_unit_test(a_reload_replaces_the_binding_of_its_instance),
        cmocka_unit_test(bindings_end_with_their_time),
        cmocka_unit_test(contacts_are_compared_as_uris),
        cmocka_unit_test(there_is_an_end_to_contacts),
    };
    return cmocka_run_group_tests_name("registrar", tests, NULL, NULL);
}
