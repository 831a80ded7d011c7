/* Messages there and back on each transport, through listeners of their own and the front door. */
#include "test/rig.h"

#include <unistd.h>

#include "base/sock.h"

static void stream_goes_both_ways(void **state)
{
    rig *x = *state;
    static const char *const specs[] = {"tcp:127.0.0.1:0", "tcp:[::1]:0",       "tls:127.0.0.1:0",
                                        "tls:[::1]:0",     "plain:127.0.0.1:0", "secure:[::1]:0"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        peer p;
        rig_dial(x, &p, rig_listen(x, specs[i]));
        unsigned before = x->messages, closed = x->closed;
        peer_send(&p, STR("\r\n" RIG_REQUEST("5", "hello") RIG_REQUEST("0", "")));
        WAIT_FOR(x->l, x->messages == before + 2 &&
                           peer_has(&p, RIG_REQUEST("5", "hello") RIG_REQUEST("0", "")));
        flow *f = transport_find(x->t, x->last_id);
        assert_non_null(f);
        assert_int_equal(flow_kind_of(f), strstr("tls secure", strtok(strdupa(specs[i]), ":"))
                                              ? FLOW_TLS
                                              : FLOW_TCP);
        conn_close(p.c);
        p.c = NULL;
        WAIT_FOR(x->l, x->closed == closed + 1);
        assert_null(transport_find(x->t, x->last_id));
        peer_end(&p);
    }
}

static void websocket_goes_both_ways(void **state)
{
    rig *x = *state;
    static const char *const specs[] = {"ws:127.0.0.1:0", "ws:[::1]:0", "wss:127.0.0.1:0",
                                        "plain:[::1]:0", "secure:127.0.0.1:0"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        peer p;
        rig_dial(x, &p, rig_listen(x, specs[i]));
        unsigned before = x->messages, closed = x->closed;
        peer_send(&p, str_of(RIG_UPGRADE));
        WAIT_FOR(x->l, peer_has(&p, "\r\n\r\n"));
        assert_true(peer_has(&p, "HTTP/1.1 101 "));
        assert_true(peer_has(&p, "Sec-WebSocket-Protocol: sip\r\n"));
        assert_true(peer_has(&p, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        buf_clear(&p.got);
        rig_frame(&p, FRAME_TEXT, true, STR(RIG_REQUEST("2", "hi")));
        WAIT_FOR(x->l, x->messages == before + 1 && peer_has(&p, RIG_REQUEST("2", "hi")));
        assert_int_equal((uint8_t)p.got.p[0], 0x81);
        buf_clear(&p.got);
        rig_frame(&p, FRAME_BINARY, true, STR(RIG_REQUEST("2", "\xff\xfe")));
        WAIT_FOR(x->l, x->messages == before + 2 && peer_has(&p, "\xff\xfe"));
        assert_int_equal((uint8_t)p.got.p[0], 0x82);
        buf_clear(&p.got);
        rig_frame(&p, FRAME_TEXT, true, STR("\r\n\r\n"));
        WAIT_FOR(x->l, p.got.n == 4);
        assert_memory_equal(p.got.p, "\x81\x02\r\n", 4);
        buf_clear(&p.got);
        rig_frame(&p, FRAME_PING, true, STR("abc"));
        WAIT_FOR(x->l, p.got.n == 5);
        assert_memory_equal(p.got.p,
                            "\x8a\x03"
                            "abc",
                            5);
        buf_clear(&p.got);
        rig_frame(&p, FRAME_CLOSE, true, STR("\x03\xe8"));
        WAIT_FOR(x->l, p.closed && x->closed == closed + 1);
        assert_int_equal(p.why, CONN_EOF);
        assert_int_equal(p.got.n, 4);
        assert_memory_equal(p.got.p, "\x88\x02\x03\xe8", 4);
        peer_end(&p);
    }
}

static void udp_goes_both_ways(void **state)
{
    rig *x = *state;
    static const char *const specs[] = {"udp:127.0.0.1:0", "udp:[::1]:0"};
    for (size_t i = 0; i < 2; i++) {
        const listener *li = rig_listen(x, specs[i]);
        addr any = li->at, mine, from, to;
        any.port = 0;
        int fd = sock_udp(&any, &mine);
        char p[1000];
        unsigned before = x->messages;
        assert_int_equal(sock_udp_send(fd, "\r\n\r\n", 4, &li->at), 0);
        assert_int_equal(sock_udp_send(fd, "\0\1", 2, &li->at), 0);
        assert_int_equal(sock_udp_send(fd, "one", 3, &li->at), 0);
        WAIT_FOR(x->l, x->messages == before + 1);
        uint64_t id = x->last_id;
        assert_int_equal(sock_udp_recv_to(fd, &mine, p, sizeof(p), &from, &to), 3);
        assert_true(addr_eq(&from, &li->at));
        assert_int_equal(sock_udp_send(fd, "two", 3, &li->at), 0);
        WAIT_FOR(x->l, x->messages == before + 2);
        assert_true(x->last_id == id);
        flow *f = transport_find(x->t, id);
        assert_true(addr_eq(flow_remote(f), &mine));
        assert_true(transport_reach(x->t, FLOW_UDP, &mine, NULL, NULL, NULL) == f);
        assert_true(flow_listener(f) == li);
        const char *why = NULL;
        char *large = calloc(1, 70000);
        assert_int_equal(flow_send(f, (str){large, 70000}, &why), -1);
        assert_string_equal(why, "message longer than a datagram");
        free(large);
        close(fd);
        unsigned lost = x->unreachable;
        assert_int_equal(flow_send(f, STR("x"), NULL), 0);
        WAIT_FOR(x->l, x->unreachable == lost + 1);
        assert_string_equal(x->why, "Connection refused");
    }
}

static void reach_dials_once_and_sends_while_connecting(void **state)
{
    rig *x = *state;
    static const char *const specs[] = {"tcp:127.0.0.1:0", "tls:[::1]:0"};
    static const flow_kind kinds[] = {FLOW_TCP, FLOW_TLS};
    for (size_t i = 0; i < 2; i++) {
        const listener *li = rig_listen(x, specs[i]);
        x->echo = false;
        unsigned before = x->messages, opened = x->opened, closed = x->closed;
        flow *f = transport_reach(x->t, kinds[i], &li->at, NULL, NULL, NULL);
        assert_non_null(f);
        assert_false(flow_is_open(f));
        assert_int_equal(flow_send(f, STR(RIG_REQUEST("0", "")), NULL), 0);
        assert_true(transport_reach(x->t, kinds[i], &li->at, NULL, NULL, NULL) == f);
        WAIT_FOR(x->l, x->messages == before + 1 && x->opened == opened + 2);
        assert_true(flow_is_open(f));
        assert_null(flow_listener(f));
        if (kinds[i] == FLOW_TLS) /* another name was not verified on it */
            assert_true(transport_reach(x->t, FLOW_TLS, &li->at, "sip.test", NULL, NULL) != f);
        flow_close(f, 1000, "no longer needed");
        assert_null(transport_find(x->t, 0));
        WAIT_FOR(x->l, x->closed >= closed + 2);
    }
}

static void failed_dial_is_reported(void **state)
{
    rig *x = *state;
    addr at, bound;
    assert_int_equal(addr_parse(&at, STR("127.0.0.1:0")), 0);
    close(sock_listen(&at, &bound));
    flow *f = transport_reach(x->t, FLOW_TCP, &bound, NULL, NULL, NULL);
    assert_non_null(f);
    assert_int_equal(flow_send(f, STR(RIG_REQUEST("0", "")), NULL), 0);
    WAIT_FOR(x->l, x->closed == 1);
    assert_string_equal(x->why, "Connection refused");
    const char *why = NULL;
    assert_null(transport_reach(x->t, FLOW_WS, &bound, NULL, NULL, &why));
    assert_non_null(why);
    assert_null(transport_reach(x->t, FLOW_UDP, &bound, NULL, NULL, &why));
    assert_string_equal(why, "no UDP listener of that family");
    assert_null(transport_reach(x->t, FLOW_TCP, &at, NULL, NULL, &why));
}

static void unverified_tls_server_gets_nothing(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "tls:127.0.0.1:0");
    flow *f = transport_reach(x->t, FLOW_TLS, &li->at, "other.test", NULL, NULL);
    assert_int_equal(flow_send(f, STR(RIG_REQUEST("0", "")), NULL), 0);
    WAIT_FOR(x->l, x->closed == 1);
    assert_non_null(strstr(x->why, "certificate not accepted: hostname mismatch"));
    assert_int_equal(x->messages, 0);
}

static void unframed_stream_is_answered_and_closed(void **state)
{
    rig *x = *state;
    peer p;
    rig_dial(x, &p, rig_listen(x, "tcp:127.0.0.1:0"));
    peer_send(&p, STR("MESSAGE sip:b@sip.test SIP/2.0\r\nFrom: x\r\n\r\nrest"));
    WAIT_FOR(x->l, p.closed);
    assert_int_equal(x->bad, 1);
    assert_int_equal(x->messages, 0);
    assert_true(peer_has(&p, "SIP/2.0 400 Bad"));
    assert_int_equal(p.why, CONN_EOF);
    WAIT_FOR(x->l, x->closed == 1);
    peer_end(&p);
}

static void flow_ids_are_never_reused(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "tcp:127.0.0.1:0");
    uint64_t last = 0;
    for (unsigned i = 1; i <= 3; i++) {
        peer p;
        rig_dial(x, &p, li);
        WAIT_FOR(x->l, p.open);
        WAIT_FOR(x->l, x->opened == i);
        assert_true(x->last_id > last);
        assert_true(x->last_id >> 40 != 0);
        last = x->last_id;
        peer_end(&p);
        WAIT_FOR(x->l, x->closed == i);
    }
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* What a hostile peer may send, cut and changed at random; deterministic by its seed. */
static size_t hostile_bytes(uint32_t *seed, char *out, size_t max)
{
    static const char *const starts[] = {RIG_REQUEST("5", "hello"),
                                         RIG_REQUEST("99999", ""),
                                         "\r\n\r\n\r\n",
                                         RIG_UPGRADE,
                                         "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "\x16\x03\x01\x02\x00\x01",
                                         "",
                                         "INVITE sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n"};
    const char *start = starts[next(seed) % (sizeof(starts) / sizeof(starts[0]))];
    size_t n = strlen(start);
    memcpy(out, start, n);
    for (uint32_t i = next(seed) % 4; n && i; i--) {
        size_t at = next(seed) % n;
        out[at] = (char)next(seed);
    }
    size_t more = next(seed) % 200;
    for (size_t i = 0; i < more && n < max; i++)
        out[n++] = (char)next(seed);
    return next(seed) % 3 ? n : next(seed) % (n + 1);
}

/* Garbage on many connections of all kinds, ended in all ways, while one good flow keeps working.
 */
static void garbage_on_some_flows_leaves_others_alone(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.setup_ms = 200, .www = x->files.dir});
    x->tolerant = true;
    static const char *const specs[] = {"tcp:127.0.0.1:0",   "tls:127.0.0.1:0",
                                        "ws:127.0.0.1:0",    "wss:127.0.0.1:0",
                                        "plain:127.0.0.1:0", "secure:127.0.0.1:0"};
    enum { KINDS = 6, ROUNDS = 60 };
    const listener *li[KINDS];
    for (size_t i = 0; i < KINDS; i++)
        li[i] = rig_listen(x, specs[i]);
    peer good;
    rig_dial(x, &good, li[0]);
    uint32_t seed = 20261122;
    static peer bad[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        char bytes[1000];
        size_t k = i % KINDS;
        bool below_tls = i % 5 == 0; /* garbage where TLS is expected */
        peer_dial(&bad[i], x->l, &li[k]->at, k % 2 && !below_tls ? x->client : NULL, NULL);
        for (int part = 0; part < 3; part++) {
            if (bad[i].c)
                (void)conn_write(bad[i].c, (str){bytes, hostile_bytes(&seed, bytes, 900)});
            loop_step(x->l, false);
        }
        if (i % 4 == 1 && bad[i].c) {
            conn_abort(bad[i].c);
            bad[i].c = NULL;
        }
        buf_clear(&good.got);
        peer_send(&good, STR(RIG_REQUEST("4", "good")));
        WAIT_FOR(x->l, peer_has(&good, RIG_REQUEST("4", "good")));
    }
    for (size_t i = 0; i < ROUNDS; i++)
        peer_end(&bad[i]);
    WAIT_FOR(x->l, transport_count(x->t).flows == 1);
    peer_end(&good);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        T(stream_goes_both_ways),
        T(websocket_goes_both_ways),
        T(udp_goes_both_ways),
        T(reach_dials_once_and_sends_while_connecting),
        T(failed_dial_is_reported),
        T(unverified_tls_server_gets_nothing),
        T(unframed_stream_is_answered_and_closed),
        T(flow_ids_are_never_reused),
        T(garbage_on_some_flows_leaves_others_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
