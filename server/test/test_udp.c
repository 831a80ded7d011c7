/* The life of UDP flows: kept by traffic or by flow_keep(), forgotten by time or for want of room.
 */
#include "test/rig.h"

#include <unistd.h>

#include "base/sock.h"

typedef struct caller {
    int fd;
    addr at;
} caller;

static caller make_caller(const char *where)
{
    caller c;
    addr any;
    assert_int_equal(addr_parse(&any, str_of(where)), 0);
    c.fd = sock_udp(&any, &c.at);
    assert_true(c.fd >= 0);
    return c;
}

/* Sends a datagram and gives the id of the flow it arrived on. */
static uint64_t call(rig *x, const caller *c, const listener *li)
{
    unsigned before = x->messages;
    assert_int_equal(sock_udp_send(c->fd, "hello", 5, &li->at), 0);
    WAIT_FOR(x->l, x->messages == before + 1);
    return x->last_id;
}

static void unused_flows_expire_kept_ones_stay(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.udp_idle_ms = 50});
    const listener *li = rig_listen(x, "udp:127.0.0.1:0");
    caller a = make_caller("127.0.0.1:0"), b = make_caller("127.0.0.1:0");
    uint64_t first = call(x, &a, li);
    flow_keep(transport_find(x->t, first), 1000000);
    uint64_t second = call(x, &b, li);
    assert_true(first != second);
    WAIT_FOR(x->l, x->closed == 1);
    assert_null(transport_find(x->t, second));
    assert_string_equal(x->why, "no traffic for too long");
    assert_non_null(transport_find(x->t, first));
    assert_true(call(x, &a, li) == first);
    assert_true(call(x, &b, li) > second); /* a new one, never the old id */
    WAIT_FOR(x->l, x->closed == 2);
    assert_non_null(transport_find(x->t, first));
    close(a.fd);
    close(b.fd);
}

static void the_longest_unused_makes_room(void **state)
{
    rig *x = *state;
    rig_renew(x, (transport_options){.max_udp_flows = 3});
    const listener *li = rig_listen(x, "udp:127.0.0.1:0");
    caller c[5];
    uint64_t id[5];
    for (size_t i = 0; i < 5; i++)
        c[i] = make_caller("127.0.0.1:0");
    for (size_t i = 0; i < 3; i++)
        id[i] = call(x, &c[i], li);
    flow_keep(transport_find(x->t, id[0]), 100000);
    call(x, &c[1], li); /* now 2 is the oldest that is not kept */
    id[3] = call(x, &c[3], li);
    WAIT_FOR(x->l, x->closed == 1);
    assert_null(transport_find(x->t, id[2]));
    id[4] = call(x, &c[4], li);
    WAIT_FOR(x->l, x->closed == 2);
    assert_null(transport_find(x->t, id[1]));
    assert_non_null(transport_find(x->t, id[0]));
    assert_int_equal(transport_count(x->t).flows, 3);
    for (size_t i = 0; i < 5; i++)
        close(c[i].fd);
}

static void closing_a_flow_forgets_it(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "udp:[::1]:0");
    caller a = make_caller("[::1]:0");
    uint64_t id = call(x, &a, li);
    flow_close(transport_find(x->t, id), 0, "unwanted");
    WAIT_FOR(x->l, x->closed == 1);
    assert_true(call(x, &a, li) != id);
    x->hang_up = true;
    x->echo = false;
    call(x, &a, li);
    WAIT_FOR(x->l, x->closed == 2);
    close(a.fd);
}

static void wildcard_listener_has_a_flow_for_each_of_its_addresses(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "udp:0.0.0.0:0");
    caller a = make_caller("127.0.0.1:0");
    uint64_t ids[2];
    static const char *const asked[] = {"127.0.0.1", "127.0.0.2"};
    for (size_t i = 0; i < 2; i++) {
        addr to, from, self;
        char p[10];
        assert_int_equal(addr_parse_host(&to, str_of(asked[i]), li->at.port), 0);
        assert_int_equal(sock_udp_send(a.fd, "ask", 3, &to), 0);
        WAIT_FOR(x->l, x->messages == i + 1);
        ids[i] = x->last_id;
        assert_true(addr_eq(flow_local(transport_find(x->t, ids[i])), &to));
        assert_int_equal(sock_udp_recv_to(a.fd, &a.at, p, sizeof(p), &from, &self), 3);
        assert_true(addr_eq(&from, &to)); /* the echo came from where we asked */
    }
    assert_true(ids[0] != ids[1]);
    close(a.fd);
}

static void many_flows_are_found_again(void **state)
{
    rig *x = *state;
    const listener *li = rig_listen(x, "udp:127.0.0.1:0");
    enum { N = 300 };
    static uint64_t ids[N];
    addr to = li->at;
    for (uint16_t i = 0; i < N; i++) {
        to.port = (uint16_t)(20000 + i);
        ids[i] = flow_id(transport_reach(x->t, FLOW_UDP, &to, NULL, li, NULL));
    }
    for (uint16_t i = 0; i < N; i++) {
        flow *f = transport_find(x->t, ids[i]);
        assert_non_null(f);
        assert_int_equal(flow_remote(f)->port, 20000 + i);
        if (i % 2)
            flow_close(f, 0, "odd");
    }
    WAIT_FOR(x->l, x->closed == N / 2);
    for (uint16_t i = 0; i < N; i++)
        assert_int_equal(transport_find(x->t, ids[i]) != NULL, i % 2 == 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        T(unused_flows_expire_kept_ones_stay),
        T(the_longest_unused_makes_room),
        T(closing_a_flow_forgets_it),
        T(wildcard_listener_has_a_flow_for_each_of_its_addresses),
        T(many_flows_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
