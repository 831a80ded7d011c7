/* Contexts and their errors; sessions are tested with conn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/certificate.h"
#include "test/peer.h"

#include "base/sock.h"

static int set_up(void **state)
{
    certificate *c = calloc(1, sizeof(*c));
    certificate_make(c);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    certificate_remove(*state);
    free(*state);
    return 0;
}

static void bad_files_are_named(void **state)
{
    certificate *c = *state;
    char err[300], want[300];
    assert_null(tls_server("/nonexistent/cert.pem", c->key, NULL, err, sizeof(err)));
    assert_string_equal(err, "/nonexistent/cert.pem: No such file or directory");
    assert_null(tls_server(c->cert, "/nonexistent/key.pem", NULL, err, sizeof(err)));
    assert_string_equal(err, "/nonexistent/key.pem: No such file or directory");
    assert_null(tls_server(c->key, c->key, NULL, err, sizeof(err)));
    snprintf(want, sizeof(want), "%s: holds no certificate in PEM", c->key);
    assert_string_equal(err, want);
    assert_null(tls_server(c->cert, c->cert, NULL, err, sizeof(err)));
    snprintf(want, sizeof(want), "%s: holds no private key in PEM", c->cert);
    assert_string_equal(err, want);
    assert_null(tls_client(c->key, err, sizeof(err)));
    snprintf(want, sizeof(want), "%s: holds no certificate in PEM", c->key);
    assert_string_equal(err, want);
    assert_null(tls_client("/nonexistent/ca.pem", err, sizeof(err)));
    assert_int_equal(strncmp(err, "/nonexistent/ca.pem: ", 21), 0);
    certificate other;
    certificate_make(&other);
    assert_null(tls_server(c->cert, other.key, NULL, err, sizeof(err)));
    snprintf(want, sizeof(want), "%s: key values mismatch", other.key);
    assert_string_equal(err, want);
    certificate_remove(&other);
    tls *t = tls_client(NULL, err, sizeof(err)); /* the system's store */
    assert_non_null(t);
    tls_free(t);
    tls_free(NULL);
}

typedef struct world {
    loop *l;
    peer near, far;
    str alpn;
    char chosen[32];
} world;

/* One handshake over loopback; what the server chose, or how it failed on the client's side. */
static void shake(tls *server, tls *client, const char *host, world *w)
{
    static const conn_limits limits = {1000, 1000, 10000};
    addr any, at, from;
    assert_int_equal(addr_parse(&any, STR("127.0.0.1:0")), 0);
    int listening = sock_listen(&any, &at), fd;
    peer_dial(&w->far, w->l, &at, client, host);
    while ((fd = sock_accept(listening, &from)) == -EAGAIN)
        loop_step(w->l, false);
    w->near = (peer){0};
    buf_init(&w->near.got, 1000);
    w->near.c = conn_accept(w->l, fd, &from, server, &limits, &PEER_HANDLER, &w->near);
    WAIT_FOR(w->l, (w->near.open || w->near.closed) && (w->far.open || w->far.closed));
    str alpn = w->near.c ? conn_alpn(w->near.c) : STR("closed");
    snprintf(w->chosen, sizeof(w->chosen), "%.*s", STR_FMT(alpn));
    peer_end(&w->near);
    peer_end(&w->far);
    close(listening);
}

static void alpn_takes_what_is_known(void **state)
{
    certificate *c = *state;
    static const struct {
        const char *offer[4];
        const char *chosen;
    } rows[] = {
        {{NULL}, ""},
        {{"http/1.1", NULL}, "http/1.1"},
        {{"h2", "http/1.1", NULL}, "http/1.1"},
        {{"sip", NULL}, "sip"},
        {{"stun.turn", "sip/2", NULL}, "sip/2"},
        {{"h2", NULL}, "closed"}, /* RFC 7301 3.2: alert, not silence */
    };
    char err[300];
    world w = {.l = loop_new()};
    tls *server = tls_server(c->cert, c->key, NULL, err, sizeof(err));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tls *client = tls_client(c->ca, err, sizeof(err));
        tls_offer(client, rows[i].offer);
        shake(server, client, "sip.test", &w);
        assert_string_equal(w.chosen, rows[i].chosen);
        tls_free(client);
    }
    tls_free(server);
    loop_free(w.l);
}

static void clients_verify_chain_and_name(void **state)
{
    certificate *c = *state;
    certificate other;
    certificate_make(&other);
    char err[300];
    world w = {.l = loop_new()};
    tls *server = tls_server(c->cert, c->key, NULL, err, sizeof(err));
    tls *client = tls_client(c->ca, err, sizeof(err));
    tls *stranger = tls_client(other.ca, err, sizeof(err));
    static const struct {
        const char *host;
        bool good;
    } rows[] = {{"sip.test", true},   {"SIP.TEST", true}, {NULL, true}, /* dialled 127.0.0.1 */
                {"127.0.0.1", true},  {"::1", true},      {"[::1]", true},
                {"127.0.0.2", false}, {"test", false},    {"www.sip.test", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        shake(server, client, rows[i].host, &w);
        assert_int_equal(w.far.open, rows[i].good);
    }
    shake(server, stranger, "sip.test", &w);
    assert_false(w.far.open);
    assert_int_equal(strncmp(w.far.detail, "certificate not accepted: ", 26), 0);
    tls_trust_all(stranger);
    shake(server, stranger, "sip.test", &w);
    assert_true(w.far.open);
    tls_free(stranger);
    tls_free(client);
    tls_free(server);
    loop_free(w.l);
    certificate_remove(&other);
}

static void keys_are_logged_on_demand(void **state)
{
    certificate *c = *state;
    char path[80], err[300], line[300] = "";
    snprintf(path, sizeof(path), "%s/keys.log", c->dir);
    setenv("SSLKEYLOGFILE", path, 1);
    world w = {.l = loop_new()};
    tls *server = tls_server(c->cert, c->key, NULL, err, sizeof(err));
    tls *client = tls_client(c->ca, err, sizeof(err));
    shake(server, client, "sip.test", &w);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    bool found = false;
    while (fgets(line, sizeof(line), f))
        found |= strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0;
    assert_true(found);
    fclose(f);
    unlink(path);
    unsetenv("SSLKEYLOGFILE");
    tls_free(client);
    tls_free(server);
    loop_free(w.l);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(bad_files_are_named),
        T(alpn_takes_what_is_known),
        T(clients_verify_chain_and_name),
        T(keys_are_logged_on_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
