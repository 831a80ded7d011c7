/* Allocations, permissions, channels and relaying, by a clock of the test's. */
#include "turn/test/rig.h"

#define PEER "203.0.113.5:4000"

/* ---- Allocate ---- */

static void an_allocation(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    allocated(&x);
    addr relay = answer_addr(&x, ATTR_XOR_RELAYED_ADDRESS);
    addr mapped = answer_addr(&x, ATTR_XOR_MAPPED_ADDRESS);
    assert_true(addr_same_ip(&relay, &x.o.relay[0]));
    assert_in_range(relay.port, 49152, 65535);
    assert_true(addr_eq(&mapped, &x.path.client));
    assert_int_equal(answer_u32(&x, ATTR_LIFETIME), 600);
    assert_true(answer_has(&x, ATTR_SOFTWARE));
    /* The same request again is the same allocation, another one is refused. */
    assert_int_equal(submit(&x), SUCCESS);
    addr again = answer_addr(&x, ATTR_XOR_RELAYED_ADDRESS);
    assert_true(addr_eq(&relay, &again));
    assert_int_equal(turn_allocations(x.t), 1);
    req_allocate(&x);
    assert_int_equal(ask(&x), 437);
    /* A relayed address is no client: nothing goes in circles. */
    x.path.client = relay;
    req(&x, STUN_BINDING);
    assert_int_equal(submit(&x), NO_ANSWER);
    rig_end(&x);
}

static void refused_wishes(void **state)
{
    (void)state;
    enum { TRANSPORT = 1, FAMILY4 = 2, FAMILY6 = 4, MORE6 = 8, MORE4 = 16, EVEN = 32, PAIR = 64 };
    enum { TOKEN = 128, TCP = 256, FAMILY9 = 512, DF = 1024, UNKNOWN = 2048, SHORT = 4096 };
    static const struct {
        unsigned what;
        int result;
    } table[] = {
        {TRANSPORT, SUCCESS},
        {0, 400},
        {SHORT, 400},
        {TCP, 442},
        {TRANSPORT | DF, SUCCESS},
        {TRANSPORT | UNKNOWN, 420},
        {TRANSPORT | TOKEN, 508},
        {TRANSPORT | TOKEN | EVEN, 400},
        {TRANSPORT | TOKEN | FAMILY4, 400},
        {TRANSPORT | TOKEN | MORE6, 400},
        {TRANSPORT | FAMILY4, SUCCESS},
        {TRANSPORT | FAMILY6, SUCCESS},
        {TRANSPORT | FAMILY9, 440},
        {TRANSPORT | FAMILY4 | MORE6, 400},
        {TRANSPORT | MORE6, SUCCESS},
        {TRANSPORT | MORE4, 400},
        {TRANSPORT | EVEN, SUCCESS},
        {TRANSPORT | PAIR, SUCCESS},
        {TRANSPORT | PAIR | MORE6, 400},
        {TRANSPORT | EVEN | MORE6, SUCCESS},
    };
    rig x;
    rig_begin(&x);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned w = table[i].what;
        x.path.client.port++;
        challenge(&x);
        buf *b = req(&x, STUN_ALLOCATE);
        if (w & (TRANSPORT | TCP))
            attr_add_u32(b, ATTR_REQUESTED_TRANSPORT, (w & TCP ? 6u : 17u) << 24);
        if (w & SHORT)
            attr_add(b, ATTR_REQUESTED_TRANSPORT, STR("\021"));
        if (w & DF)
            attr_add(b, ATTR_DONT_FRAGMENT, (str){NULL, 0});
        if (w & UNKNOWN)
            attr_add(b, (attr_type)0x001B, STR("token"));
        if (w & (FAMILY4 | FAMILY6 | FAMILY9))
            attr_add_family(b, ATTR_REQUESTED_ADDRESS_FAMILY,
                            w & FAMILY4   ? ATTR_V4
                            : w & FAMILY6 ? ATTR_V6
                                          : 9);
        if (w & (MORE4 | MORE6))
            attr_add_family(b, ATTR_ADDITIONAL_ADDRESS_FAMILY, w & MORE4 ? ATTR_V4 : ATTR_V6);
        if (w & (EVEN | PAIR))
            attr_add(b, ATTR_EVEN_PORT, (str){w & PAIR ? "\x80" : "\x7f", 1});
        if (w & TOKEN)
            attr_add(b, ATTR_RESERVATION_TOKEN, STR("12345678"));
        unsigned open = x.open;
        assert_int_equal(ask(&x), table[i].result);
        assert_true(answer_has(&x, ATTR_MESSAGE_INTEGRITY));
        assert_int_equal(answer_has(&x, ATTR_RESERVATION_TOKEN), (w & PAIR) && !table[i].result);
        if (table[i].result != SUCCESS) {
            assert_int_equal(x.open, open);
            continue;
        }
        addr relay = answer_addr(&x, ATTR_XOR_RELAYED_ADDRESS);
        assert_int_equal(relay.family, w & FAMILY6 ? AF_INET6 : AF_INET);
        assert_int_equal(x.open, open + (w & (MORE6 | PAIR) ? 2 : 1));
        if (w & (EVEN | PAIR))
            assert_int_equal(relay.port % 2, 0);
    }
    rig_end(&x);
}

static void lifetimes(void **state)
{
    (void)state;
    static const uint32_t table[][2] = {{0, 600},     {1, 600},     {599, 600},        {601, 601},
                                        {3600, 3600}, {3601, 3600}, {UINT32_MAX, 3600}};
    rig x;
    rig_begin(&x);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        x.path.client.port++;
        challenge(&x);
        attr_add_u32(req_allocate(&x), ATTR_LIFETIME, table[i][0]);
        assert_int_equal(ask(&x), SUCCESS);
        assert_int_equal(answer_u32(&x, ATTR_LIFETIME), table[i][1]);
        if (table[i][0]) {
            assert_int_equal(refresh(&x, table[i][0]), SUCCESS);
            assert_int_equal(answer_u32(&x, ATTR_LIFETIME), table[i][1]);
        }
    }
    rig_end(&x);
}

static void ends(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    challenge(&x);
    assert_int_equal(refresh(&x, 600), 437);
    assert_int_equal(permit(&x, PEER), 437);
    assert_int_equal(bind_channel(&x, 0x4000, PEER), 437);
    assert_false(sends(&x, PEER, STR("stray"), false));
    allocated(&x);
    assert_int_equal(permit(&x, PEER), SUCCESS);
    /* Traffic does not prolong it. */
    x.now.ms += 299000;
    assert_true(sends(&x, PEER, STR("x"), false));
    assert_int_equal(permit(&x, PEER), SUCCESS);
    x.now.ms += 299000;
    assert_true(sends(&x, PEER, STR("x"), false));
    x.now.ms += 1999;
    assert_true(sends(&x, PEER, STR("x"), false) == false); /* permission over: 300.999 s */
    x.now.ms += 1;
    assert_int_equal(refresh(&x, 600), 437);
    assert_int_equal(x.open, 0);
    /* Ended by its client; the repetition gets the same answer, a new request does not. */
    allocated(&x);
    assert_int_equal(refresh(&x, 0), SUCCESS);
    assert_int_equal(answer_u32(&x, ATTR_LIFETIME), 0);
    assert_int_equal(x.open, 0);
    assert_int_equal(submit(&x), SUCCESS);
    assert_int_equal(refresh(&x, 0), 437);
    /* With its connection; and by the sweep. */
    allocated(&x);
    turn_closed(x.t, &x.path);
    assert_int_equal(turn_allocations(x.t), 0);
    allocated(&x);
    x.now.ms += 600000;
    turn_expire(x.t, x.now);
    assert_int_equal(x.open, 0);
    rig_end(&x);
}

static void another_users_allocation(void **state)
{
    (void)state;
    rig x;
    addr peer = rig_addr(PEER);
    rig_begin(&x);
    allocated(&x);
    attr_add_u32(req(&x, STUN_REFRESH), ATTR_LIFETIME, 0);
    assert_int_equal(ask_as(&x, "bob", "secret"), 441);
    attr_add_xor_address(req(&x, STUN_CREATE_PERMISSION), ATTR_XOR_PEER_ADDRESS, &peer);
    assert_int_equal(ask_as(&x, "bob", "secret"), 441);
    assert_false(sends(&x, PEER, STR("x"), false));
    attr_add_channel(req(&x, STUN_CHANNEL_BIND), 0x4000);
    attr_add_xor_address(&x.req, ATTR_XOR_PEER_ADDRESS, &peer);
    assert_int_equal(ask_as(&x, "bob", "secret"), 441);
    assert_int_equal(refresh(&x, 600), SUCCESS);
    rig_end(&x);
}

static void reservations(void **state)
{
    (void)state;
    rig x;
    char token[ATTR_TOKEN];
    attr a;
    stun_msg m;
    rig_begin(&x);
    for (int late = 0; late < 2; late++) {
        x.path.client.port++;
        challenge(&x);
        attr_add(req_allocate(&x), ATTR_EVEN_PORT, (str){"\x80", 1});
        assert_int_equal(ask(&x), SUCCESS);
        addr first = answer_addr(&x, ATTR_XOR_RELAYED_ADDRESS);
        assert_true(answer_find(&x, ATTR_RESERVATION_TOKEN, &a, &m));
        memcpy(token, a.value.p, ATTR_TOKEN);
        assert_int_equal(submit(&x), SUCCESS); /* repeated: the same token */
        assert_true(answer_find(&x, ATTR_RESERVATION_TOKEN, &a, &m));
        assert_memory_equal(token, a.value.p, ATTR_TOKEN);
        x.now.ms += late ? 30000 : 29999;
        x.path.client = rig_addr("192.0.2.77:7");
        x.path.transport = TURN_TCP; /* server-wide */
        challenge(&x);
        attr_add(req_allocate(&x), ATTR_RESERVATION_TOKEN, (str){token, ATTR_TOKEN});
        assert_int_equal(ask(&x), late ? 508 : SUCCESS);
        if (!late) {
            addr second = answer_addr(&x, ATTR_XOR_RELAYED_ADDRESS);
            first.port++;
            assert_true(addr_eq(&first, &second));
            assert_int_equal(refresh(&x, 0), SUCCESS);
            challenge(&x);
            attr_add(req_allocate(&x), ATTR_RESERVATION_TOKEN, (str){token, ATTR_TOKEN});
            assert_int_equal(ask(&x), 508); /* used up */
        }
        x.path.transport = TURN_UDP;
    }
    turn_expire(x.t, x.now);
    assert_int_equal(x.open, turn_allocations(x.t));
    rig_end(&x);
}

static void two_families(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    challenge(&x);
    attr_add_family(req_allocate(&x), ATTR_ADDITIONAL_ADDRESS_FAMILY, ATTR_V6);
    assert_int_equal(ask(&x), SUCCESS);
    assert_false(answer_has(&x, ATTR_ADDRESS_ERROR_CODE));
    assert_int_equal(permit(&x, PEER), SUCCESS);
    assert_int_equal(permit(&x, "[2001:db8:9::9]:1"), SUCCESS);
    assert_true(sends(&x, "[2001:db8:9::9]:1", STR("six"), false));
    assert_int_equal(x.from.family, AF_INET6);
    /* One half ends, the other is untouched. */
    attr_add_u32(req(&x, STUN_REFRESH), ATTR_LIFETIME, 0);
    attr_add_family(&x.req, ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_V6);
    assert_int_equal(ask(&x), SUCCESS);
    assert_int_equal(x.open, 1);
    assert_false(sends(&x, "[2001:db8:9::9]:1", STR("six"), false));
    assert_true(sends(&x, PEER, STR("four"), false));
    assert_int_equal(permit(&x, "[2001:db8:9::9]:1"), 443);
    assert_int_equal(bind_channel(&x, 0x4000, "[2001:db8:9::9]:1"), 443);
    attr_add_family(req(&x, STUN_REFRESH), ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_V6);
    assert_int_equal(ask(&x), 443);
    attr_add_u32(req(&x, STUN_REFRESH), ATTR_LIFETIME, 0);
    attr_add_family(&x.req, ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_V4);
    assert_int_equal(ask(&x), SUCCESS);
    assert_int_equal(x.open, 0);
    rig_end(&x);

    rig_prepare(&x);
    x.o.relay[1].family = 0;
    rig_start(&x);
    challenge(&x);
    attr_add_family(req_allocate(&x), ATTR_ADDITIONAL_ADDRESS_FAMILY, ATTR_V6);
    assert_int_equal(ask(&x), SUCCESS);
    attr a;
    stun_msg m;
    assert_true(answer_find(&x, ATTR_ADDRESS_ERROR_CODE, &a, &m));
    assert_memory_equal(a.value.p, "\2\0\4\50", 4);
    rig_end(&x);
}

static void quotas_and_ports(void **state)
{
    (void)state;
    rig x;
    rig_prepare(&x);
    x.o.user_quota = 2;
    x.o.low = 50000;
    x.o.high = 50002;
    rig_start(&x);
    for (int i = 0; i < 3; i++) {
        x.path.client.port++;
        challenge(&x);
        req_allocate(&x);
        assert_int_equal(ask(&x), i < 2 ? SUCCESS : 486);
    }
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "bob", "secret"), SUCCESS);
    x.path.client.port++;
    challenge(&x);
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "bob", "secret"), 508); /* all ports taken, each once */
    assert_int_equal(x.open, 3);
    rig_end(&x);

    rig_prepare(&x);
    x.o.address_quota = 1;
    x.o.total_quota = 2;
    rig_start(&x);
    static const int results[] = {SUCCESS, 486, SUCCESS, 508};
    static const char *const clients[] = {"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1",
                                          "192.0.2.3:1"};
    for (size_t i = 0; i < 4; i++) {
        x.path.client = rig_addr(clients[i]);
        challenge(&x);
        req_allocate(&x);
        assert_int_equal(ask(&x), results[i]);
    }
    rig_end(&x);
}

static void alternate_server(void **state)
{
    (void)state;
    rig x;
    attr a;
    stun_msg m;
    addr there;
    rig_prepare(&x);
    x.o.alternate[0] = rig_addr("198.51.100.9:3478");
    rig_start(&x);
    challenge(&x); /* 300 only to who authenticated */
    req_allocate(&x);
    assert_int_equal(ask(&x), 300);
    assert_true(answer_has(&x, ATTR_MESSAGE_INTEGRITY));
    assert_true(answer_find(&x, ATTR_ALTERNATE_SERVER, &a, &m));
    assert_int_equal(attr_address(a.value, &there), 0);
    assert_true(addr_eq(&there, &x.o.alternate[0]));
    x.path.client = rig_addr("[2001:db8::77]:1"); /* no alternate of that family */
    challenge(&x);
    req_allocate(&x);
    assert_int_equal(ask(&x), SUCCESS);
    x.path.client = rig_addr("[2002:c000:201::1]:1");
    challenge(&x);
    req_allocate(&x);
    assert_int_equal(ask(&x), 403);
    rig_end(&x);
}

/* ---- peers ---- */

static void peers_by_policy(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        int result;
    } table[] = {
        {"203.0.113.5:1", SUCCESS},
        {"127.0.0.1:1", 403},
        {"127.255.255.255:1", 403},
        {"0.0.0.0:1", 403},
        {"10.1.2.3:1", 403},
        {"172.16.0.1:1", 403},
        {"172.31.255.255:1", 403},
        {"172.32.0.1:1", SUCCESS},
        {"192.168.1.1:1", 403},
        {"169.254.1.1:1", 403},
        {"100.64.0.1:1", 403},
        {"224.0.0.1:1", 403},
        {"255.255.255.255:1", 403},
        {"198.51.100.1:3478", 403},      /* our own listener */
        {"198.51.100.1:22", 403},        /* our own address */
        {"198.51.100.1:50000", SUCCESS}, /* another client's relayed address */
        {"[2001:db8:9::9]:1", SUCCESS},
        {"[::1]:1", 403},
        {"[::]:1", 403},
        {"[::ffff:127.0.0.1]:1", 403},
        {"[::ffff:203.0.113.5]:1", 403},
        {"[::127.0.0.1]:1", 403},
        {"[64:ff9b::7f00:1]:1", 403},
        {"[2001::1]:1", 403},
        {"[2002:7f00:1::1]:1", 403},
        {"[fc00::1]:1", 403},
        {"[fdff::1]:1", 403},
        {"[fe80::1]:1", 403},
        {"[ff02::1]:1", 403},
    };
    rig x;
    rig_begin(&x);
    challenge(&x);
    attr_add_family(req_allocate(&x), ATTR_ADDITIONAL_ADDRESS_FAMILY, ATTR_V6);
    assert_int_equal(ask(&x), SUCCESS);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(bind_channel(&x, (uint16_t)(0x4000 + i), table[i].peer), table[i].result);
        addr a = rig_addr(table[i].peer);
        bool own = addr_same_ip(&a, &x.o.relay[0]); /* permissions know no ports */
        assert_int_equal(permit(&x, table[i].peer), own ? SUCCESS : table[i].result);
        assert_int_equal(sends(&x, table[i].peer, STR("x"), false), table[i].result == SUCCESS);
    }
    rig_end(&x);

    rig_prepare(&x);
    policy_range r;
    assert_int_equal(policy_parse(STR("127.0.0.0/9"), &r), 0);
    policy_allow(&x.peers, &r);
    assert_int_equal(policy_parse(STR("203.0.113.0/29"), &r), 0);
    policy_deny(&x.peers, &r);
    rig_start(&x);
    allocated(&x);
    assert_int_equal(permit(&x, "127.127.0.1:1"), SUCCESS);
    assert_int_equal(permit(&x, "127.128.0.1:1"), 403);
    assert_int_equal(permit(&x, "203.0.113.7:1"), 403);
    assert_int_equal(permit(&x, "203.0.113.8:1"), SUCCESS);
    rig_end(&x);
}

static void permissions_of_addresses(void **state)
{
    (void)state;
    rig x;
    addr one = rig_addr(PEER), two = rig_addr("203.0.113.6:1"), bad = rig_addr("10.0.0.1:1");
    rig_prepare(&x);
    x.o.max_permissions = 2;
    rig_start(&x);
    allocated(&x);
    req(&x, STUN_CREATE_PERMISSION);
    assert_int_equal(ask(&x), 400);
    attr_add(req(&x, STUN_CREATE_PERMISSION), ATTR_XOR_PEER_ADDRESS, STR("short"));
    assert_int_equal(ask(&x), 400);
    assert_false(comes_from(&x, PEER, STR("x")));
    attr_add_xor_address(req(&x, STUN_CREATE_PERMISSION), ATTR_XOR_PEER_ADDRESS, &one);
    attr_add_xor_address(&x.req, ATTR_XOR_PEER_ADDRESS, &bad);
    assert_int_equal(ask(&x), 403); /* all or none */
    assert_false(sends(&x, PEER, STR("x"), false));
    attr_add_xor_address(req(&x, STUN_CREATE_PERMISSION), ATTR_XOR_PEER_ADDRESS, &one);
    attr_add_xor_address(&x.req, ATTR_XOR_PEER_ADDRESS, &two);
    assert_int_equal(ask(&x), SUCCESS);
    assert_true(sends(&x, "203.0.113.6:9999", STR("any port"), false));
    assert_int_equal(permit(&x, "203.0.113.7:1"), 508);
    x.now.ms += 299999;
    assert_true(comes_from(&x, PEER, STR("x")));
    assert_true(sends(&x, PEER, STR("x"), false));
    x.now.ms += 1; /* exactly 300 s, and traffic prolongs nothing */
    assert_false(comes_from(&x, PEER, STR("x")));
    assert_false(sends(&x, PEER, STR("x"), false));
    assert_int_equal(permit(&x, "203.0.113.7:1"), SUCCESS); /* the old ones made room */
    rig_end(&x);
}

static void channels_of_peers(void **state)
{
    (void)state;
    static const struct {
        uint16_t number;
        const char *peer;
        int result;
    } table[] = {
        {0x3fff, PEER, 400},
        {0x5000, PEER, 400},
        {0x7ffe, PEER, 400}, /* RFC 5766 allowed it */
        {0x4fff, PEER, SUCCESS},
        {0x4fff, PEER, SUCCESS},
        {0x4ffe, PEER, 400},               /* the peer has another number */
        {0x4fff, "203.0.113.5:4001", 400}, /* the number another peer */
        {0x4000, "203.0.113.5:4001", SUCCESS},
        {0x4001, "203.0.113.5:4002", 508},
    };
    rig x;
    rig_prepare(&x);
    x.o.max_channels = 2;
    rig_start(&x);
    allocated(&x);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(bind_channel(&x, table[i].number, table[i].peer), table[i].result);
    addr peer = rig_addr(PEER);
    attr_add_channel(req(&x, STUN_CHANNEL_BIND), 0x4000);
    assert_int_equal(ask(&x), 400);
    attr_add_xor_address(req(&x, STUN_CHANNEL_BIND), ATTR_XOR_PEER_ADDRESS, &peer);
    assert_int_equal(ask(&x), 400);

    assert_true(sends_on(&x, 0x4fff, STR("payload")));
    assert_true(addr_eq(&x.to, &peer));
    assert_true(str_eq(buf_slice(&x.payload), STR("payload")));
    assert_true(sends_on(&x, 0x4fff, (str){NULL, 0})); /* an empty datagram */
    assert_int_equal(x.payload.n, 0);
    assert_false(sends_on(&x, 0x4005, STR("unbound")));
    assert_true(comes_from(&x, PEER, STR("abcde")));
    assert_memory_equal(x.answer.p, "\x4f\xff\0\5abcde", 9);
    assert_int_equal(x.answer.n, 9);
    assert_true(comes_from(&x, "203.0.113.5:5", STR("x"))); /* no channel: a Data indication */
    assert_true(answer_has(&x, ATTR_DATA));
    /* The binding lives 600 s, the permission 300 s. */
    x.now.ms += 300000;
    assert_false(sends_on(&x, 0x4fff, STR("x")));
    assert_int_equal(permit(&x, PEER), SUCCESS);
    assert_int_equal(refresh(&x, 3600), SUCCESS);
    x.now.ms += 299999;
    assert_true(sends_on(&x, 0x4fff, STR("x")));
    x.now.ms += 1;
    assert_int_equal(permit(&x, PEER), SUCCESS);
    assert_false(sends_on(&x, 0x4fff, STR("x")));
    assert_int_equal(bind_channel(&x, 0x4ffe, PEER), SUCCESS);
    rig_end(&x);
}

static void data_both_ways(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    allocated(&x);
    addr relay = answer_addr(&x, ATTR_XOR_RELAYED_ADDRESS), peer = rig_addr(PEER);
    assert_int_equal(permit(&x, PEER), SUCCESS);
    assert_true(sends(&x, PEER, STR("hello"), false));
    assert_true(addr_eq(&x.from, &relay));
    assert_true(addr_eq(&x.to, &peer));
    assert_true(str_eq(buf_slice(&x.payload), STR("hello")));
    assert_false(x.df);
    assert_true(sends(&x, PEER, (str){NULL, 0}, true));
    assert_int_equal(x.payload.n, 0);
    assert_true(x.df);
    assert_true(comes_from(&x, PEER, STR("from the peer")));
    stun_msg m;
    attr a;
    assert_true(answer_find(&x, ATTR_DATA, &a, &m));
    assert_int_equal(m.class, STUN_INDICATION);
    assert_int_equal(m.method, STUN_DATA);
    assert_true(str_eq(a.value, STR("from the peer")));
    addr from = answer_addr(&x, ATTR_XOR_PEER_ADDRESS);
    assert_true(addr_eq(&from, &peer));
    assert_true(x.answered_data);
    assert_true(addr_eq(&x.answered.client, &x.path.client));
    /* Broken Send indications, and unknown attributes in them. */
    unsigned before = x.sends;
    for (int i = 0; i < 3; i++) {
        buf_clear(&x.req);
        stun_begin(&x.req, STUN_INDICATION, STUN_SEND, NULL);
        if (i != 0)
            attr_add(&x.req, ATTR_DATA, STR("x"));
        if (i != 1)
            attr_add_xor_address(&x.req, ATTR_XOR_PEER_ADDRESS, &peer);
        if (i == 2)
            attr_add(&x.req, (attr_type)0x7777, STR("x"));
        assert_int_equal(submit(&x), NO_ANSWER);
    }
    assert_int_equal(x.sends, before);
    /* On a stream ChannelData is padded. */
    rig_end(&x);
    rig_prepare(&x);
    x.path.transport = TURN_TCP;
    rig_start(&x);
    allocated(&x);
    assert_int_equal(bind_channel(&x, 0x4001, PEER), SUCCESS);
    assert_true(comes_from(&x, PEER, STR("abcde")));
    assert_memory_equal(x.answer.p, "\x40\1\0\5abcde\0\0\0", 12);
    assert_int_equal(x.answer.n, 12);
    rig_end(&x);
}

static void icmp(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        uint8_t type, code;
        bool told;
        const char *value;
    } table[] = {
        {PEER, 3, 3, true, "\0\0\3\3\0\0\0\0"},
        {PEER, 3, 4, true, "\0\0\3\4\0\0\5\xdc"},
        {PEER, 11, 0, true, "\0\0\13\0\0\0\0\0"},
        {PEER, 8, 0, false, ""},
        {PEER, 1, 0, false, ""},
        {"203.0.113.99:1", 3, 3, false, ""}, /* no permission for the quoted destination */
        {"[2001:db8:9::9]:1", 1, 4, true, "\0\0\1\4\0\0\0\0"},
        {"[2001:db8:9::9]:1", 2, 0, true, "\0\0\2\0\0\0\5\xdc"},
        {"[2001:db8:9::9]:1", 3, 0, true, "\0\0\3\0\0\0\0\0"},
        {"[2001:db8:9::9]:1", 11, 0, false, ""},
    };
    rig x;
    rig_begin(&x);
    challenge(&x);
    attr_add_family(req_allocate(&x), ATTR_ADDITIONAL_ADDRESS_FAMILY, ATTR_V6);
    assert_int_equal(ask(&x), SUCCESS);
    assert_int_equal(bind_channel(&x, 0x4000, PEER), SUCCESS);
    assert_int_equal(permit(&x, "[2001:db8:9::9]:1"), SUCCESS);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned before = x.answers;
        addr peer = rig_addr(table[i].peer);
        turn_peer_icmp(x.t, x.relays->owner, &peer, table[i].type, table[i].code, 1500, x.now);
        assert_int_equal(x.answers, before + table[i].told);
        if (!table[i].told)
            continue;
        attr a;
        stun_msg m;
        assert_true(answer_find(&x, ATTR_ICMP, &a, &m)); /* never ChannelData */
        assert_memory_equal(a.value.p, table[i].value, 8);
        assert_false(answer_has(&x, ATTR_DATA));
        addr quoted = answer_addr(&x, ATTR_XOR_PEER_ADDRESS);
        assert_true(addr_eq(&quoted, &peer));
    }
    rig_end(&x);
}

static void bandwidth(void **state)
{
    (void)state;
    static const char block[1000];
    rig x;
    rig_prepare(&x);
    x.o.bandwidth = 10000;
    rig_start(&x);
    allocated(&x);
    assert_int_equal(permit(&x, PEER), SUCCESS);
    unsigned passed = 0;
    for (int i = 0; i < 3000; i++, x.now.ms++) /* 3 s of 1 MB a second, both ways */
        passed += i % 2 ? sends(&x, PEER, (str){block, 1000}, false)
                        : comes_from(&x, PEER, (str){block, 1000});
    assert_in_range(passed, 30, 40); /* one second's worth at once, then the rate */
    assert_int_equal(refresh(&x, 600), SUCCESS);
    rig_end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation),
        cmocka_unit_test(refused_wishes),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(ends),
        cmocka_unit_test(another_users_allocation),
        cmocka_unit_test(reservations),
        cmocka_unit_test(two_families),
        cmocka_unit_test(quotas_and_ports),
        cmocka_unit_test(alternate_server),
        cmocka_unit_test(peers_by_policy),
        cmocka_unit_test(permissions_of_addresses),
        cmocka_unit_test(channels_of_peers),
        cmocka_unit_test(data_both_ways),
        cmocka_unit_test(icmp),
        cmocka_unit_test(bandwidth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
