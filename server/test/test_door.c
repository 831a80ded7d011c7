/* One port, many protocols: pages, handshakes and SIP told apart by ALPN or the first bytes. */
#include "test/rig.h"

#include <sys/resource.h>
#include <unistd.h>

#define PAGE "<!doctype html><title>phone</title>"

static void put_page(rig *x, const char *name, const char *text, size_t n, char *path, size_t pathn)
{
    snprintf(path, pathn, "%s/%s", x->files.dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

/* Sends a request and waits for the answer to end with that text, or for the end. */
static void ask(rig *x, const listener *li, peer *p, const char *request)
{
    rig_dial(x, p, li);
    peer_send(p, str_of(request));
}

static void pages_are_served(void **state)
{
    rig *x = *state;
    char path[80];
    put_page(x, "index.html", PAGE, strlen(PAGE), path, sizeof(path));
    rig_renew(x, (transport_options){.www = x->files.dir});
    static const char *const specs[] = {"plain:127.0.0.1:0", "secure:127.0.0.1:0"};
    for (size_t i = 0; i < 2; i++) {
        const listener *li = rig_listen(x, specs[i]);
        peer p;
        ask(x, li, &p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        WAIT_FOR(x->l, peer_has(&p, PAGE));
        assert_true(peer_has(&p, "HTTP/1.1 200 OK\r\n"));
        assert_true(peer_has(&p, "Content-Type: text/html; charset=utf-8\r\n"));
        assert_true(peer_has(&p, "Content-Length: 35\r\n"));
        assert_true(peer_has(&p, "Cache-Control: no-store\r\n"));
        assert_false(peer_has(&p, "Connection: close"));
        buf_clear(&p.got);
        /* On the same connection: HEAD, then one that asks for the end. */
        peer_send(&p, STR("HEAD /index.html?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                          "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        WAIT_FOR(x->l, p.closed);
        assert_int_equal(p.why, CONN_EOF);
        assert_true(peer_has(&p, "Content-Length: 35\r\n"));
        assert_true(peer_has(&p, "Connection: close\r\n"));
        buf_byte(&p.got, 0);
        char *first = strstr(p.got.p, PAGE);
        assert_non_null(first);
        assert_null(strstr(first + 1, PAGE)); /* none after HEAD */
        peer_end(&p);
    }
    assert_int_equal(x->opened, 0);
    unlink(path);
}

static void large_page_waits_for_a_slow_reader(void **state)
{
    rig *x = *state;
    enum { N = 12 << 20 };
    char *data = malloc(N), path[80];
    for (size_t i = 0; i < N; i++)
        data[i] = (char)('a' + i % 23);
    put_page(x, "big.js", data, N, path, sizeof(path));
    rig_renew(x, (transport_options){.www = x->files.dir, .max_queue = 100000});
    static const char *const specs[] = {"plain:127.0.0.1:0", "secure:127.0.0.1:0"};
    for (size_t i = 0; i < 2; i++) {
        peer p;
        ask(x, rig_listen(x, specs[i]), &p,
            "GET /big.js HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n");
        WAIT_FOR(x->l, p.open);
        conn_pause(p.c, true);
        for (int k = 0; k < 50; k++)
            loop_step(x->l, false);
        conn_pause(p.c, false);
        WAIT_FOR(x->l, p.closed); /* the second answer, 404, ends the connection */
        assert_true(peer_has(&p, "404 Not Found"));
        assert_true(p.got.n > N);
        char *body = memmem(p.got.p, p.got.n, "\r\n\r\n", 4);
        assert_memory_equal(body + 4, data, N);
        peer_end(&p);
    }
    free(data);
    unlink(path);
}

static void bad_requests_get_their_status(void **state)
{
    rig *x = *state;
    static char long_target[20000], long_head[40000];
    snprintf(long_target, sizeof(long_target), "GET /%0*d HTTP/1.1\r\nHost: x\r\n\r\n", 9000, 1);
    snprintf(long_head, sizeof(long_head), "GET / HTTP/1.1\r\nHost: x\r\nX: %0*d", 33000, 1);
    const struct {
        const char *request, *status;
    } rows[] = {
        {"GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
        {"GET /../cert.pem HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405"},
        {"DELETE /cert.pem HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "400"},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"GET /sip HTTP/1.1\r\nHost: x\r\n\r\n", "426"},
        {long_target, "414"},
        {long_head, "431"},
    };
    static const char *const specs[] = {"plain:127.0.0.1:0", "secure:127.0.0.1:0"};
    for (size_t k = 0; k < 2; k++) {
        const listener *li = rig_listen(x, specs[k]);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            peer p;
            char want[30];
            ask(x, li, &p, rows[i].request);
            WAIT_FOR(x->l, p.closed);
            snprintf(want, sizeof(want), "HTTP/1.1 %s ", rows[i].status);
            if (!peer_has(&p, want) || p.why != CONN_EOF)
                fail_msg("%.60s: %s, not %.*s", rows[i].request, rows[i].status, (int)p.got.n,
                         p.got.p);
            peer_end(&p);
        }
    }
    assert_int_equal(x->opened, 0);
}

static void first_bytes_tell_byte_by_byte(void **state)
{
    rig *x = *state;
    static const struct {
        const char *bytes, *answer;
    } rows[] = {
        {"OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 0\r\n\r\n", "OPTIONS sip:x@y SIP/2.0"},
        {"GETTING sip:x@y SIP/2.0\r\nContent-Length: 0\r\n\r\n", "GETTING sip:x@y SIP/2.0"},
        {"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 200 OK"},
        {"\r\n\r\n", "\r\n"},
        {"GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"},
        {RIG_UPGRADE, "101 Switching Protocols"},
    };
    static const char *const specs[] = {"plain:127.0.0.1:0", "secure:[::1]:0"};
    for (size_t k = 0; k < 2; k++) {
        const listener *li = rig_listen(x, specs[k]);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            peer p;
            rig_dial(x, &p, li);
            for (const char *at = rows[i].bytes; *at; at++) {
                peer_send(&p, (str){at, 1});
                loop_step(x->l, false);
            }
            WAIT_FOR(x->l, peer_has(&p, rows[i].answer));
            peer_end(&p);
        }
    }
}

static void what_is_not_served_is_closed(void **state)
{
    rig *x = *state;
    static const struct {
        str bytes;
    } rows[] = {
        {{"\0\1\0\0\x21\x12\xa4\x42"
          "0123456789ab",
          20}}, /* STUN Binding request */
        {{"\0\3\0\0\x21\x12\xa4\x42"
          "0123456789ab",
          20}},                        /* TURN Allocate */
        {{"\x16\x03\x01\x02\0\1", 6}}, /* ClientHello on a plain port */
        {{"\xff\xfe garbage\r\n\r\n", 13}},
    };
    const listener *li = rig_listen(x, "plain:127.0.0.1:0");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer p;
        rig_dial(x, &p, li);
        peer_send(&p, rows[i].bytes);
        WAIT_FOR(x->l, p.closed);
        peer_end(&p);
    }
    assert_int_equal(x->messages, 0);
}

static void alpn_decides_before_the_first_byte(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "secure:127.0.0.1:0");
    static const char *const sip[] = {"sip", NULL}, *const http[] = {"http/1.1", NULL};
    peer p;
    tls_offer(x->client, sip);
    rig_dial(x, &p, li);
    WAIT_FOR(x->l, x->opened == 1); /* a flow at once, nothing sent yet */
    peer_end(&p);
    WAIT_FOR(x->l, x->closed == 1);
    tls_offer(x->client, http);
    ask(x, li, &p, "OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    WAIT_FOR(x->l, p.closed);
    assert_true(peer_has(&p, "HTTP/1.1 400 "));
    assert_int_equal(x->opened, 1);
    peer_end(&p);
}

static void single_protocol_ports_serve_only_that(void **state)
{
    rig *x = *state;
    char path[80];
    put_page(x, "index.html", PAGE, strlen(PAGE), path, sizeof(path));
    rig_renew(x, (transport_options){.www = x->files.dir});
    peer p;
    ask(x, rig_listen(x, "ws:127.0.0.1:0"), &p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    WAIT_FOR(x->l, p.closed);
    assert_true(p.got.n > 0);
    assert_false(peer_has(&p, "200 OK"));
    peer_end(&p);
    ask(x, rig_listen(x, "wss:127.0.0.1:0"), &p,
        "OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    WAIT_FOR(x->l, p.closed);
    assert_true(peer_has(&p, "HTTP/1.1 400 "));
    peer_end(&p);
    ask(x, rig_listen(x, "tcp:127.0.0.1:0"), &p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    WAIT_FOR(x->l, p.closed);
    assert_false(peer_has(&p, "HTTP/1.1"));
    assert_int_equal(x->messages, 0);
    peer_end(&p);
    unlink(path);
}

static void silence_and_halves_time_out(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.setup_ms = 60});
    static const struct {
        const char *spec, *bytes;
    } rows[] = {
        {"plain:127.0.0.1:0", ""},
        {"secure:127.0.0.1:0", ""},
        {"plain:127.0.0.1:0", "GE"},
        {"plain:127.0.0.1:0", "GET / HTTP/1.1\r\nHos"},
        {"ws:127.0.0.1:0", "GET /sip HTTP/1.1\r\n"},
        {"tcp:127.0.0.1:0", ""},
        {"tls:127.0.0.1:0", "OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 5\r\n\r\nhell"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer p;
        ask(x, rig_listen(x, rows[i].spec), &p, rows[i].bytes);
        WAIT_FOR(x->l, p.closed);
        assert_int_equal(x->messages, 0);
        peer_end(&p);
    }
}

static void connections_are_limited(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.max_connections = 2});
    const listener *li = rig_listen(x, "tcp:127.0.0.1:0");
    peer a, b, c;
    rig_dial(x, &a, li);
    rig_dial(x, &b, li);
    WAIT_FOR(x->l, x->opened == 2);
    rig_dial(x, &c, li);
    WAIT_FOR(x->l, c.closed);
    assert_int_equal(transport_count(x->t).refused, 1);
    peer_end(&c);
    peer_end(&a);
    WAIT_FOR(x->l, x->closed == 1);
    rig_dial(x, &c, li); /* room again */
    WAIT_FOR(x->l, x->opened == 3);
    peer_end(&b);
    peer_end(&c);
}

/* With no descriptor left the waiting connection is served once there is one again. */
static void running_out_of_descriptors_passes(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "tcp:127.0.0.1:0");
    peer p;
    rig_dial(x, &p, li);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int unused = dup(0); /* the lowest that is free: so many are in use */
    none.rlim_cur = (rlim_t)unused;
    close(unused);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    WAIT_FOR(x->l, p.open); /* the kernel connected it */
    for (int i = 0; i < 10; i++)
        loop_step(x->l, false);
    assert_int_equal(x->opened, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    WAIT_FOR(x->l, x->opened == 1);
    peer_end(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        T(pages_are_served),
        T(large_page_waits_for_a_slow_reader),
        T(bad_requests_get_their_status),
        T(first_bytes_tell_byte_by_byte),
        T(what_is_not_served_is_closed),
        T(alpn_decides_before_the_first_byte),
        T(single_protocol_ports_serve_only_that),
        T(silence_and_halves_time_out),
        T(connections_are_limited),
        T(running_out_of_descriptors_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
