/* WebSocket flows beyond the good case: rules of RFC 6455 enforced, closing from either side, Ping,
 * the trace, and each fault of the layer. */
#include "test/rig.h"

#include <unistd.h>

#include "fault/fault.h"

static void upgrade(rig *x, peer *p)
{
    rig_dial(x, p, rig_listen(x, "ws:127.0.0.1:0"));
    peer_send(p, str_of(RIG_UPGRADE));
    WAIT_FOR(x->l, peer_has(p, "\r\n\r\n"));
    assert_true(peer_has(p, "HTTP/1.1 101 "));
    buf_clear(&p->got);
}

/* The code of a Close frame at the end of what came; 0 when there is none. */
static unsigned close_code(const peer *p)
{
    str left = buf_slice(&p->got);
    frame_head h;
    frame_error e;
    int size;
    while ((size = frame_parse(left, false, &h, &e)) > 0) {
        const uint8_t *body = (const uint8_t *)left.p + size;
        if (h.opcode == FRAME_CLOSE)
            return h.length >= 2 ? (unsigned)(body[0] << 8 | body[1]) : 1005;
        left = str_sub(left, (size_t)size + (size_t)h.length, left.n);
    }
    return 0;
}

static void broken_frames_fail_with_their_code(void **state)
{
    rig *x = *state;
    static const struct {
        str bytes;
        unsigned code;
    } rows[] = {
        {{"\x81\x02hi", 4}, 1002},                                /* no mask */
        {{"\xc1\x80\0\0\0\0", 6}, 1002},                          /* RSV1 */
        {{"\x83\x80\0\0\0\0", 6}, 1002},                          /* opcode 3 */
        {{"\x80\x80\0\0\0\0", 6}, 1002},                          /* continues nothing */
        {{"\x09\x80\0\0\0\0", 6}, 1002},                          /* Ping in fragments */
        {{"\x81\xfe\0\x05\0\0\0\0hello", 13}, 1002},              /* length not shortest */
        {{"\x81\x82\0\0\0\0\xff\xfe", 8}, 1007},                  /* no UTF-8 */
        {{"\x81\x81\0\0\0\0\xc3", 7}, 1007},                      /* half a character */
        {{"\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 14}, 1009}, /* 2 GiB */
        {{"\x88\x82\0\0\0\0\x03\xed", 8}, 1002},                  /* Close 1005 */
        {{"\x88\x81\0\0\0\0\x03", 7}, 1002},                      /* half a code */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer p;
        upgrade(x, &p);
        unsigned closed = x->closed;
        for (size_t k = 0; k < rows[i].bytes.n && p.c; k++)
            peer_send(&p, str_sub(rows[i].bytes, k, 1));
        WAIT_FOR(x->l, p.closed && x->closed == closed + 1);
        assert_int_equal(close_code(&p), rows[i].code);
        assert_int_equal(p.why, CONN_EOF);
        peer_end(&p);
    }
    assert_int_equal(x->messages, 0);
}

static void fragments_and_control_frames_mix(void **state)
{
    rig *x = *state;
    peer p;
    upgrade(x, &p);
    rig_frame(&p, FRAME_TEXT, false, STR("OPTIONS sip:"));
    rig_frame(&p, FRAME_PING, true, STR("now"));
    rig_frame(&p, FRAME_CONTINUATION, false, STR(""));
    WAIT_FOR(x->l, p.got.n == 5);
    assert_memory_equal(p.got.p, "\x8a\x03now", 5);
    assert_int_equal(x->messages, 0);
    rig_frame(&p, FRAME_CONTINUATION, true, STR("x SIP/2.0\r\n\r\n"));
    WAIT_FOR(x->l, x->messages == 1);
    assert_true(str_eq(buf_slice(&x->last), STR("OPTIONS sip:x SIP/2.0\r\n\r\n")));
    /* An empty message and a lone CRLF are nothing to report. */
    rig_frame(&p, FRAME_TEXT, true, STR(""));
    rig_frame(&p, FRAME_TEXT, true, STR("\r\n"));
    rig_frame(&p, FRAME_BINARY, true, STR("x"));
    WAIT_FOR(x->l, x->messages == 2);
    peer_end(&p);
}

static void first_frame_may_come_with_the_handshake(void **state)
{
    rig *x = *state;
    peer p;
    rig_dial(x, &p, rig_listen(x, "ws:127.0.0.1:0"));
    buf b;
    buf_init(&b, 1000);
    buf_str(&b, str_of(RIG_UPGRADE));
    frame_write(&b, FRAME_TEXT, true, STR("hello"), (const uint8_t *)"abcd");
    peer_send(&p, buf_slice(&b));
    buf_free(&b);
    WAIT_FOR(x->l, x->messages == 1 && peer_has(&p, "\x81\x05hello"));
    peer_end(&p);
}

static void we_close_and_the_peer_answers(void **state)
{
    rig *x = *state;
    peer p;
    upgrade(x, &p);
    flow *f = transport_find(x->t, x->last_id);
    flow_close(f, 1008, "not welcome");
    flow_close(f, 1000, "twice is once");
    assert_false(flow_is_open(f));
    assert_int_equal(flow_send(f, STR("x"), NULL), -1);
    WAIT_FOR(x->l, close_code(&p) == 1008);
    assert_int_equal(x->closed, 0);
    rig_frame(&p, FRAME_TEXT, true, STR("crossing")); /* is dropped */
    rig_frame(&p, FRAME_CLOSE, true, STR("\x03\xf0"));
    WAIT_FOR(x->l, p.closed && x->closed == 1);
    assert_string_equal(x->why, "not welcome");
    assert_int_equal(x->messages, 0);
    peer_end(&p);
}

static void a_peer_that_never_answers_our_close_is_left(void **state)
{
    rig *x = *state;
    peer p;
    upgrade(x, &p);
    flow_close(transport_find(x->t, x->last_id), 1000, "done");
    WAIT_FOR(x->l, p.closed && x->closed == 1);
    peer_end(&p);
}

static void closing_inside_the_callback(void **state)
{
    rig *x = *state;
    peer p;
    upgrade(x, &p);
    x->hang_up = true;
    rig_frame(&p, FRAME_TEXT, true, STR("one"));
    rig_frame(&p, FRAME_TEXT, true, STR("two"));
    WAIT_FOR(x->l, close_code(&p) == 1000);
    rig_frame(&p, FRAME_CLOSE, true, STR("\x03\xe8"));
    WAIT_FOR(x->l, p.closed && x->closed == 1);
    assert_int_equal(x->messages, 1);
    assert_string_equal(x->why, "hung up");
    peer_end(&p);
}

static void vanished_peer_is_reported(void **state)
{
    rig *x = *state;
    peer p;
    upgrade(x, &p);
    peer_end(&p);
    WAIT_FOR(x->l, x->closed == 1);
    assert_null(transport_find(x->t, x->last_id));
}

static void pings_keep_it_or_end_it(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.ws_ping_ms = 400});
    peer p;
    upgrade(x, &p);
    for (int i = 0; i < 3; i++) {
        WAIT_FOR(x->l, p.got.n >= 2);
        assert_memory_equal(p.got.p, "\x89\x00", 2);
        buf_clear(&p.got);
        rig_frame(&p, FRAME_PONG, true, STR(""));
    }
    assert_int_equal(x->closed, 0);
    WAIT_FOR(x->l, x->closed == 1); /* no Pong any more */
    assert_string_equal(x->why, "no answer to Ping");
    peer_end(&p);
}

static void shutdown_says_going_away(void **state)
{
    rig *x = *state;
    peer p, late;
    const listener *li = rig_listen(x, "ws:127.0.0.1:0");
    rig_dial(x, &p, li);
    peer_send(&p, str_of(RIG_UPGRADE));
    WAIT_FOR(x->l, x->opened == 1 && peer_has(&p, "\r\n\r\n"));
    buf_clear(&p.got);
    transport_shutdown(x->t);
    WAIT_FOR(x->l, close_code(&p) == 1001);
    rig_dial(x, &late, li); /* the kernel connects it; nobody answers */
    peer_send(&late, str_of(RIG_UPGRADE));
    rig_frame(&p, FRAME_CLOSE, true, STR("\x03\xe9"));
    WAIT_FOR(x->l, p.closed && x->closed == 1);
    assert_int_equal(late.got.n, 0);
    peer_end(&p);
    peer_end(&late);
}

static void too_long_for_the_queue_is_refused(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.max_queue = 2000, .max_message = 1000});
    peer p;
    upgrade(x, &p);
    flow *f = transport_find(x->t, x->last_id);
    static char big[3000];
    const char *why = NULL;
    assert_int_equal(flow_send(f, (str){big, sizeof(big)}, &why), -1);
    assert_non_null(why);
    static char over[1001];
    rig_frame(&p, FRAME_BINARY, true, (str){over, 1001});
    WAIT_FOR(x->l, p.closed);
    assert_int_equal(close_code(&p), 1009);
    peer_end(&p);
}

static void trace_shows_all(void **state)
{
    rig *x = *state;
    char path[80], err[200], text[1 << 14] = "";
    snprintf(path, sizeof(path), "%s/trace.jsonl", x->files.dir);
    recorder *r = recorder_open(x->l, path, "server", err, sizeof(err));
    rig_renew(x, (transport_options){.trace = r});
    peer p, q;
    rig_dial(x, &p, rig_listen(x, "secure:127.0.0.1:0"));
    transport_record_header(x->t, NULL);
    peer_send(&p, str_of(RIG_UPGRADE));
    WAIT_FOR(x->l, x->opened == 1);
    rig_frame(&p, FRAME_TEXT, true, STR("hello"));
    WAIT_FOR(x->l, x->messages == 1);
    rig_frame(&p, FRAME_CLOSE, true, STR("\x03\xe8"));
    WAIT_FOR(x->l, p.closed && x->closed == 1);
    rig_dial(x, &q, transport_listener(x->t, 0));
    peer_send(&q, STR("GET /sip HTTP/1.1\r\nHost: x\r\n\r\n"));
    WAIT_FOR(x->l, q.closed);
    peer_end(&p);
    peer_end(&q);
    transport_free(x->t);
    x->t = NULL;
    assert_int_equal(recorder_close(r), 0);
    FILE *f = fopen(path, "re");
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    static const char *const parts[] = {
        "\"sut\":[\"tls:127.0.0.1:",
        ",\"wss:127.0.0.1:",
        "\"n\":1,",
        "\"kind\":\"accept\",\"flow\":\"wss-1\",\"transport\":\"wss\",\"local\":\"127.0.0.1:",
        "\"info\":{\"tls\":\"TLSv1.3\",\"alpn\":\"\",\"sni\":\"\"}",
        "\"kind\":\"handshake\"",
        "\"dir\":\"in\",\"text\":\"GET /sip HTTP/1.1\\r\\n",
        "\"dir\":\"out\",\"text\":\"HTTP/1.1 101 Switching Protocols\\r\\n",
        "\"kind\":\"frame\"",
        "\"text\":\"hello\",\"info\":{\"fin\":true,\"rsv\":0,\"opcode\":1,\"masked\":true,"
        "\"length\":5}",
        "\"kind\":\"message\"",
        "\"dir\":\"in\",\"text\":\"hello\",\"info\":{\"opcode\":1}",
        "\"dir\":\"out\",\"text\":\"hello\",\"info\":{\"opcode\":1}",
        "\"dir\":\"out\",\"text\":\"hello\",\"info\":{\"fin\":true,\"rsv\":0,\"opcode\":1,"
        "\"masked\":false,\"length\":5}",
        "\"opcode\":8,\"masked\":true,\"length\":2,\"close\":1000}",
        "\"kind\":\"close\",\"flow\":\"wss-1\"",
        "\"info\":{\"why\":\"eof\",\"code\":1000}",
        "\"opcode\":8,\"masked\":false,\"length\":2,\"close\":1000}",
        "\"kind\":\"accept\",\"flow\":\"wss-2\"",
        "\"text\":\"GET /sip HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n\"",
        "\"text\":\"HTTP/1.1 426 ",
        "\"kind\":\"close\",\"flow\":\"wss-2\"",
    };
    const char *at = text;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *hit = strstr(at, parts[i]);
        if (!hit)
            fail_msg("no %s in what follows of\n%s", parts[i], at);
        at = hit + 1;
    }
    unlink(path);
}

/* ---- faults: each shows, and only where it should ---- */

static void with_fault(const char *name)
{
    fault_disable_all();
    if (!fault_compiled())
        skip();
    assert_int_equal(fault_enable(name), 0);
}

static void handshake_faults(void **state)
{
    rig *x = *state;
    static const char plain[] = "GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static char other_key[400], old[400], elsewhere[400];
    snprintf(other_key, sizeof(other_key), "%s", RIG_UPGRADE);
    memcpy(strstr(other_key, "dGhl"), "AAAA", 4);
    snprintf(old, sizeof(old), "%s", RIG_UPGRADE);
    memcpy(strstr(old, "Version: 13"), "Version: 12", 11);
    snprintf(elsewhere, sizeof(elsewhere), "%s", RIG_UPGRADE);
    memcpy(strstr(elsewhere, "/sip "), "/pis ", 5);
    const struct {
        const char *fault, *request, *has, *has_not;
    } rows[] = {
        {NULL, RIG_UPGRADE, "Sec-WebSocket-Protocol: sip\r\n", "Extensions"},
        {"ws-subprotocol-missing", RIG_UPGRADE, " 101 ", "Sec-WebSocket-Protocol"},
        {"ws-subprotocol-foreign", RIG_UPGRADE, "Sec-WebSocket-Protocol: chat\r\n", ": sip"},
        {NULL, plain, "HTTP/1.1 4", " 101 "},
        {"ws-subprotocol-unasked", plain, " 101 ", "HTTP/1.1 4"},
        {"ws-subprotocol-unasked", RIG_UPGRADE, "Sec-WebSocket-Protocol: sip\r\n", "HTTP/1.1 4"},
        {NULL, other_key, " 101 ", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {"ws-accept-wrong", other_key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "HTTP/1.1 4"},
        {"ws-extension-unasked", RIG_UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate\r\n",
         "HTTP/1.1 4"},
        {NULL, old, "HTTP/1.1 426 ", " 101 "},
        {"ws-version-any", old, " 101 ", "HTTP/1.1 4"},
        {NULL, elsewhere, "HTTP/1.1 404 ", " 101 "},
        {"ws-path-any", elsewhere, " 101 ", "HTTP/1.1 4"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fault_disable_all();
        if (rows[i].fault)
            with_fault(rows[i].fault);
        peer p;
        rig_dial(x, &p, rig_listen(x, "ws:127.0.0.1:0"));
        peer_send(&p, str_of(rows[i].request));
        WAIT_FOR(x->l, peer_has(&p, "\r\n\r\n"));
        if (!peer_has(&p, rows[i].has) || peer_has(&p, rows[i].has_not))
            fail_msg("row %zu: %.*s", i, (int)p.got.n, p.got.p);
        peer_end(&p);
    }
    fault_disable_all();
}

static void frame_faults(void **state)
{
    rig *x = *state;
    static const struct {
        const char *fault;
        uint8_t opcode;
        bool fin;
        str sent, got;
    } rows[] = {
        {NULL, FRAME_TEXT, true, {"hi", 2}, {"\x81\x02hi", 4}},
        {"ws-frames-masked", FRAME_TEXT, true, {"hi", 2}, {"\x81\x82\x37\xfa\x21\x3d\x5f\x93", 8}},
        {"ws-rsv-set", FRAME_TEXT, true, {"hi", 2}, {"\xc1\x02hi", 4}},
        {"ws-length-long", FRAME_TEXT, true, {"hi", 2}, {"\x81\x7f\0\0\0\0\0\0\0\2hi", 12}},
        {"ws-pong-empty", FRAME_PING, true, {"hi", 2}, {"\x8a\x00", 2}},
        {"ws-message-split", FRAME_TEXT, true, {"hi", 2}, {"\x81\x01h\x81\x01i", 6}},
        {"ws-text-always", FRAME_BINARY, true, {"\xff\xfe", 2}, {"\x81\x02\xff\xfe", 4}},
        {"ws-utf8-lenient", FRAME_TEXT, true, {"\xff\xfe", 2}, {"\x82\x02\xff\xfe", 4}},
        {"ws-fragments-lost", FRAME_TEXT, false, {"hi", 2}, {"\x81\x02hi", 4}},
        {"keepalive-pong-double", FRAME_TEXT, true, {"\r\n\r\n", 4}, {"\x81\x04\r\n\r\n", 6}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer p;
        fault_disable_all();
        upgrade(x, &p);
        if (rows[i].fault)
            with_fault(rows[i].fault);
        rig_frame(&p, rows[i].opcode, rows[i].fin, rows[i].sent);
        WAIT_FOR(x->l, p.got.n >= rows[i].got.n);
        assert_int_equal(p.got.n, rows[i].got.n);
        assert_memory_equal(p.got.p, rows[i].got.p, p.got.n);
        peer_end(&p);
    }
    fault_disable_all();
}

static void unmasked_frames_pass_with_the_fault(void **state)
{
    rig *x = *state;
    with_fault("ws-unmasked-accepted");
    peer p;
    upgrade(x, &p);
    static const char bytes[] = "\x81\x02hi";
    for (size_t i = 0; i < 4; i++) {
        peer_send(&p, (str){bytes + i, 1});
        loop_step(x->l, false);
    }
    rig_frame(&p, FRAME_TEXT, true, STR("masked"));
    WAIT_FOR(x->l, x->messages == 2);
    assert_true(str_eq(buf_slice(&x->last), STR("masked")));
    peer_end(&p);
    fault_disable_all();
}

/* What is missing is shown by what comes next instead. */
static void omission_faults(void **state)
{
    rig *x = *state;
    static const struct {
        const char *fault;
        uint8_t opcode;
        str sent;
    } rows[] = {
        {"ws-pong-missing", FRAME_PING, {"hi", 2}},
        {"ws-binary-dropped", FRAME_BINARY, {"hi", 2}},
        {"keepalive-pong-missing-ws", FRAME_TEXT, {"\r\n\r\n", 4}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        with_fault(rows[i].fault);
        peer p;
        upgrade(x, &p);
        rig_frame(&p, rows[i].opcode, true, rows[i].sent);
        rig_frame(&p, FRAME_TEXT, true, STR("next"));
        WAIT_FOR(x->l, p.got.n >= 6);
        assert_int_equal(p.got.n, 6);
        assert_memory_equal(p.got.p, "\x81\x04next", 6);
        peer_end(&p);
    }
    with_fault("ws-close-missing");
    peer p;
    upgrade(x, &p);
    unsigned closed = x->closed;
    rig_frame(&p, FRAME_CLOSE, true, STR("\x03\xe8"));
    WAIT_FOR(x->l, p.closed && x->closed == closed + 1);
    assert_int_equal(p.got.n, 0);
    peer_end(&p);
    fault_disable_all();
}

static void stream_faults(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "tcp:127.0.0.1:0");
    peer p;
    with_fault("keepalive-pong-missing");
    rig_dial(x, &p, li);
    peer_send(&p, STR("\r\n\r\n" RIG_REQUEST("0", "")));
    WAIT_FOR(x->l, peer_has(&p, RIG_REQUEST("0", "")));
    assert_int_equal(p.got.n, strlen(RIG_REQUEST("0", "")));
    peer_end(&p);
    with_fault("keepalive-pong-double");
    rig_dial(x, &p, li);
    peer_send(&p, STR("\r\n\r\n"));
    WAIT_FOR(x->l, p.got.n == 4);
    peer_end(&p);
    with_fault("stream-one-per-read");
    rig_dial(x, &p, li);
    WAIT_FOR(x->l, p.open);
    unsigned before = x->messages;
    peer_send(&p, STR(RIG_REQUEST("1", "a") RIG_REQUEST("1", "b")));
    WAIT_FOR(x->l, x->messages == before + 1);
    peer_send(&p, STR(RIG_REQUEST("1", "c")));
    WAIT_FOR(x->l, x->messages == before + 2);
    assert_true(str_eq(buf_slice(&x->last), STR(RIG_REQUEST("1", "c"))));
    peer_end(&p);
    with_fault("flow-dials-back");
    rig_dial(x, &p, li);
    unsigned closed = x->closed;
    peer_send(&p, STR(RIG_REQUEST("0", "")));
    WAIT_FOR(x->l, x->closed > closed); /* nobody listens at the peer's source port */
    assert_int_equal(p.got.n, 0);
    peer_end(&p);
    fault_disable_all();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        T(broken_frames_fail_with_their_code),
        T(fragments_and_control_frames_mix),
        T(first_frame_may_come_with_the_handshake),
        T(we_close_and_the_peer_answers),
        T(a_peer_that_never_answers_our_close_is_left),
        T(closing_inside_the_callback),
        T(vanished_peer_is_reported),
        T(pings_keep_it_or_end_it),
        T(shutdown_says_going_away),
        T(too_long_for_the_queue_is_refused),
        T(trace_shows_all),
        T(handshake_faults),
        T(frame_faults),
        T(unmasked_frames_pass_with_the_fault),
        T(omission_faults),
        T(stream_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
