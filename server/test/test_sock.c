#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sock.h"

static addr any_port(const char *text)
{
    addr a;
    assert_int_equal(addr_parse(&a, str_of(text)), 0);
    return a;
}

static void wait_for(int fd, short what)
{
    struct pollfd p = {fd, what, 0};
    assert_int_equal(poll(&p, 1, 5000), 1);
}

static void tcp_connects(const char *where)
{
    addr at = any_port(where), bound, peer;
    int listening = sock_listen(&at, &bound);
    assert_true(listening >= 0);
    assert_true(bound.port != 0);
    assert_int_equal(sock_accept(listening, &peer), -EAGAIN);
    int fd = sock_connect(&bound, NULL);
    assert_true(fd >= 0);
    wait_for(fd, POLLOUT);
    assert_int_equal(sock_error(fd), 0);
    wait_for(listening, POLLIN);
    int got = sock_accept(listening, &peer);
    assert_true(got >= 0);
    addr local = sock_local(fd), remote = sock_peer(fd);
    assert_true(addr_eq(&peer, &local));
    assert_true(addr_eq(&bound, &remote));
    int on = 0;
    socklen_t n = sizeof(on);
    assert_int_equal(getsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
    assert_true(on);
    close(got);
    close(fd);
    close(listening);
}

static void tcp_of_both_families(void **state)
{
    (void)state;
    tcp_connects("127.0.0.1:0");
    tcp_connects("[::1]:0");
}

static void families_do_not_share_a_port(void **state)
{
    (void)state;
    addr at = any_port("[::]:0"), bound, also;
    int six = sock_listen(&at, &bound);
    assert_true(six >= 0);
    addr four = any_port("0.0.0.0:0");
    four.port = bound.port;
    int fd = sock_listen(&four, &also); /* would be in use, were the first dual-stack */
    assert_true(fd >= 0);
    close(fd);
    close(six);
}

static void failures_are_errno(void **state)
{
    (void)state;
    addr at = any_port("127.0.0.1:0"), bound, again;
    int fd = sock_listen(&at, &bound);
    assert_int_equal(sock_listen(&bound, &again), -EADDRINUSE);
    close(fd);
    addr foreign = any_port("198.51.100.77:0");
    assert_int_equal(sock_listen(&foreign, &again), -EADDRNOTAVAIL);
    assert_int_equal(sock_udp(&foreign, &again), -EADDRNOTAVAIL);
}

static void refused_connect_is_told(void **state)
{
    (void)state;
    addr at = any_port("127.0.0.1:0"), bound;
    close(sock_listen(&at, &bound));
    int fd = sock_connect(&bound, NULL);
    if (fd >= 0) {
        wait_for(fd, POLLOUT);
        assert_int_equal(sock_error(fd), ECONNREFUSED);
        close(fd);
    } else {
        assert_int_equal(fd, -ECONNREFUSED);
    }
}

static void udp_exchanges(const char *where)
{
    addr at = any_port(where), a, b, from, to;
    int left = sock_udp(&at, &a), right = sock_udp(&at, &b);
    assert_true(left >= 0 && right >= 0);
    char p[100];
    assert_int_equal(sock_udp_recv_to(right, &b, p, sizeof(p), &from, &to), -EAGAIN);
    assert_int_equal(sock_udp_send(left, "hello", 5, &b), 0);
    wait_for(right, POLLIN);
    assert_int_equal(sock_udp_recv_to(right, &b, p, sizeof(p), &from, &to), 5);
    assert_memory_equal(p, "hello", 5);
    assert_true(addr_eq(&from, &a));
    assert_true(addr_eq(&to, &b));
    assert_int_equal(sock_udp_send(left, "", 0, &b), 0);
    wait_for(right, POLLIN);
    assert_int_equal(sock_udp_recv_to(right, &b, p, sizeof(p), &from, &to), 0);
    assert_int_equal(sock_udp_send(left, "too long", 8, &b), 0);
    wait_for(right, POLLIN);
    assert_int_equal(sock_udp_recv_to(right, &b, p, 4, &from, &to), -EMSGSIZE);
    close(right);

    /* Nobody listens there any more: the ICMP error names the destination. */
    assert_int_equal(sock_udp_error(left, &to), 0);
    assert_int_equal(sock_udp_send(left, "x", 1, &b), 0);
    wait_for(left, POLLERR);
    assert_int_equal(sock_udp_error(left, &to), ECONNREFUSED);
    assert_true(addr_eq(&to, &b));
    assert_int_equal(sock_udp_error(left, &to), 0);
    close(left);
}

static void udp_of_both_families(void **state)
{
    (void)state;
    udp_exchanges("127.0.0.1:0");
    udp_exchanges("[::1]:0");
}

/* A socket bound to all addresses knows which one a datagram was for, and answers from it. */
static void wildcard_answers_from_the_address_it_was_asked_at(void **state)
{
    (void)state;
    static const struct {
        const char *wildcard, *client, *asked;
    } rows[] = {{"0.0.0.0:0", "127.0.0.1:0", "127.0.0.2:0"}, {"[::]:0", "[::1]:0", "[::1]:0"}};
    for (size_t i = 0; i < 2; i++) {
        addr at = any_port(rows[i].wildcard), mine = any_port(rows[i].client), bound, client;
        addr asked = any_port(rows[i].asked), from, to;
        int server = sock_udp(&at, &bound), fd = sock_udp(&mine, &client);
        asked.port = bound.port;
        char p[10];
        assert_int_equal(sock_udp_send(fd, "ask", 3, &asked), 0);
        wait_for(server, POLLIN);
        assert_int_equal(sock_udp_recv_to(server, &bound, p, sizeof(p), &from, &to), 3);
        assert_true(addr_eq(&to, &asked));
        assert_true(addr_eq(&from, &client));
        assert_int_equal(sock_udp_send_from(server, "tell", 4, &from, &to), 0);
        wait_for(fd, POLLIN);
        assert_int_equal(sock_udp_recv_to(fd, &client, p, sizeof(p), &from, &to), 4);
        assert_true(addr_eq(&from, &asked));
        close(server);
        close(fd);
    }
}

static void limit_of_descriptors_rises(void **state)
{
    (void)state;
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(sock_raise_limit(), before.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_of_both_families),
        cmocka_unit_test(families_do_not_share_a_port),
        cmocka_unit_test(failures_are_errno),
        cmocka_unit_test(refused_connect_is_told),
        cmocka_unit_test(udp_of_both_families),
        cmocka_unit_test(limit_of_descriptors_rises),
        cmocka_unit_test(wildcard_answers_from_the_address_it_was_asked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
