/* The long-term credential mechanism, in the order of RFC 8489 9.2.4. */
#include "turn/test/rig.h"

static void binding_needs_none(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    req(&x, STUN_BINDING);
    assert_int_equal(submit(&x), SUCCESS);
    addr seen = answer_addr(&x, ATTR_XOR_MAPPED_ADDRESS);
    assert_true(addr_eq(&seen, &x.path.client));
    assert_false(answer_has(&x, ATTR_FINGERPRINT));
    integrity_add_fingerprint(req(&x, STUN_BINDING));
    assert_int_equal(submit(&x), SUCCESS);
    assert_true(answer_has(&x, ATTR_FINGERPRINT));
    attr_add(req(&x, STUN_BINDING), (attr_type)0x0003, STR("abcd"));
    assert_int_equal(submit(&x), 420);
    attr a;
    stun_msg m;
    assert_true(answer_find(&x, ATTR_UNKNOWN_ATTRIBUTES, &a, &m));
    assert_true(str_eq(a.value, (str){"\0\3", 2}));
    x.req.p[x.req.n - 1] = 0; /* a wrong FINGERPRINT, and indications, draw nothing */
    integrity_add_fingerprint(req(&x, STUN_BINDING));
    x.req.p[x.req.n - 1] = (char)(x.req.p[x.req.n - 1] ^ 1);
    assert_int_equal(submit(&x), NO_ANSWER);
    buf_clear(&x.req);
    stun_begin(&x.req, STUN_INDICATION, STUN_BINDING, NULL);
    assert_int_equal(submit(&x), NO_ANSWER);
    rig_end(&x);
}

static void challenges_are_fresh_and_small(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    char before[NONCE_SIZE];
    stun_msg m;
    attr a;
    for (int bare = 0; bare < 2; bare++) {
        if (bare)
            req(&x, STUN_ALLOCATE);
        else
            req_allocate(&x);
        memcpy(before, x.nonce, NONCE_SIZE);
        assert_int_equal(submit(&x), 401);
        assert_memory_not_equal(before, x.nonce, NONCE_SIZE);
        assert_true(x.answer.n + 28 <= 3 * (x.req.n + 28));
        assert_true(answer_find(&x, ATTR_REALM, &a, &m));
        assert_true(str_eq(a.value, STR("example.org")));
        assert_true(answer_find(&x, ATTR_PASSWORD_ALGORITHMS, &a, &m));
        assert_true(str_eq(a.value, attr_algorithms()));
        assert_int_equal(nonce_features((str){x.nonce, NONCE_SIZE}),
                         NONCE_ALGORITHMS | NONCE_ANONYMITY);
        assert_false(answer_has(&x, ATTR_MESSAGE_INTEGRITY));
    }
    assert_int_equal(x.open, 0);
    rig_end(&x);
}

static void incomplete_and_wrong_credentials(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    challenge(&x);
    for (int without = 0; without < 3; without++) {
        req_allocate(&x);
        if (without != 0)
            attr_add(&x.req, ATTR_USERNAME, STR("alice"));
        if (without != 1)
            attr_add(&x.req, ATTR_REALM, STR("example.org"));
        if (without != 2)
            attr_add(&x.req, ATTR_NONCE, (str){x.nonce, NONCE_SIZE});
        add_integrity(&x, "alice", "secret", ATTR_MESSAGE_INTEGRITY, ATTR_MD5);
        assert_int_equal(submit(&x), 400);
        assert_false(answer_has(&x, ATTR_NONCE));
        assert_false(answer_has(&x, ATTR_REALM));
    }
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "mallory", "secret"), 401);
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "alice", "wrong"), 401);
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "", "secret"), 401);
    /* Integrity is checked before the nonce. */
    char good[NONCE_SIZE];
    memcpy(good, x.nonce, NONCE_SIZE);
    x.nonce[NONCE_SIZE - 1] = x.nonce[NONCE_SIZE - 1] == 'A' ? 'B' : 'A';
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "alice", "wrong"), 401);
    x.nonce[20] = x.nonce[20] == 'A' ? 'B' : 'A';
    req_allocate(&x);
    assert_int_equal(ask(&x), 438);
    assert_true(answer_has(&x, ATTR_PASSWORD_ALGORITHMS));
    req_allocate(&x); /* the nonce of the 438 works */
    assert_int_equal(ask(&x), SUCCESS);
    /* Not from another port. */
    memcpy(x.nonce, good, NONCE_SIZE);
    x.path.client.port++;
    req_allocate(&x);
    assert_int_equal(ask(&x), 438);
    rig_end(&x);
}

static void nonces_grow_old(void **state)
{
    (void)state;
    rig x;
    rig_begin(&x);
    allocated(&x);
    x.now.ms += 500 * 1000;
    assert_int_equal(refresh(&x, 3600), SUCCESS);
    x.now.ms += 3101 * 1000;
    assert_int_equal(refresh(&x, 3600), 438);
    assert_int_equal(refresh(&x, 3600), SUCCESS);
    rig_end(&x);
}

static void algorithms(void **state)
{
    (void)state;
    static const struct {
        uint16_t chosen; /* 0: attribute absent */
        bool list, right_list;
        uint16_t key;
        attr_type integrity;
        int result;
        attr_type answer;
    } table[] = {
        {ATTR_SHA256, true, true, ATTR_SHA256, ATTR_MESSAGE_INTEGRITY_SHA256, SUCCESS,
         ATTR_MESSAGE_INTEGRITY_SHA256},
        {ATTR_MD5, true, true, ATTR_MD5, ATTR_MESSAGE_INTEGRITY_SHA256, SUCCESS,
         ATTR_MESSAGE_INTEGRITY_SHA256},
        {0, false, true, ATTR_MD5, ATTR_MESSAGE_INTEGRITY, SUCCESS, ATTR_MESSAGE_INTEGRITY},
        {0, false, true, ATTR_MD5, ATTR_MESSAGE_INTEGRITY_SHA256, SUCCESS, ATTR_MESSAGE_INTEGRITY},
        {ATTR_SHA256, false, true, ATTR_SHA256, ATTR_MESSAGE_INTEGRITY_SHA256, 400, 0},
        {0, true, true, ATTR_MD5, ATTR_MESSAGE_INTEGRITY, 400, 0},
        {ATTR_MD5, true, false, ATTR_MD5, ATTR_MESSAGE_INTEGRITY, 400, 0}, /* bid-down */
        {3, true, true, ATTR_MD5, ATTR_MESSAGE_INTEGRITY, 400, 0},
        {ATTR_SHA256, true, true, ATTR_MD5, ATTR_MESSAGE_INTEGRITY_SHA256, 401, 0},
    };
    rig x;
    rig_begin(&x);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        challenge(&x);
        req(&x, STUN_ALLOCATE);
        attr_add_u32(&x.req, ATTR_REQUESTED_TRANSPORT, 17u << 24);
        add_credentials(&x, "alice");
        if (table[i].list)
            attr_add(&x.req, ATTR_PASSWORD_ALGORITHMS,
                     table[i].right_list ? attr_algorithms() : (str){"\0\1\0\0", 4});
        if (table[i].chosen)
            attr_add_u32(&x.req, ATTR_PASSWORD_ALGORITHM, (uint32_t)table[i].chosen << 16);
        add_integrity(&x, "alice", "secret", table[i].integrity, table[i].key);
        assert_int_equal(submit(&x), table[i].result);
        if (table[i].result == SUCCESS) {
            integrity_key k;
            stun_msg m;
            attr a;
            integrity_long_term(&k, table[i].key, STR("alice"), STR("example.org"), STR("secret"));
            assert_true(answer_find(&x, table[i].answer, &a, &m));
            assert_int_equal(integrity_check(&m, table[i].answer, (str){(char *)k.p, k.n}), 0);
            assert_false(answer_has(&x, ATTR_USERNAME));
            assert_false(answer_has(&x, ATTR_NONCE));
        }
        x.path.client.port++;
    }
    rig_end(&x);
}

static void user_hash(void **state)
{
    (void)state;
    rig x;
    uint8_t hash[DIGEST_SHA256];
    rig_begin(&x);
    challenge(&x);
    for (int right = 1; right >= 0; right--) {
        integrity_userhash(hash, right ? STR("alice") : STR("alicia"), STR("example.org"));
        req_allocate(&x);
        attr_add(&x.req, ATTR_USERHASH, (str){(const char *)hash, sizeof(hash)});
        attr_add(&x.req, ATTR_REALM, STR("example.org"));
        attr_add(&x.req, ATTR_NONCE, (str){x.nonce, NONCE_SIZE});
        add_integrity(&x, "alice", "secret", ATTR_MESSAGE_INTEGRITY, ATTR_MD5);
        assert_int_equal(submit(&x), right ? SUCCESS : 401);
    }
    rig_end(&x);
}

static void ephemeral(char *password, size_t n, const char *secret, const char *name)
{
    uint8_t mac[DIGEST_SHA1];
    buf b;
    buf_init(&b, 64);
    digest_hmac_sha1(str_of(secret), str_of(name), mac);
    digest_base64(&b, (str){(const char *)mac, sizeof(mac)});
    assert_true(b.n < n);
    memcpy(password, b.p, b.n);
    password[b.n] = 0;
    buf_free(&b);
}

static void ephemeral_users(void **state)
{
    (void)state;
    rig x;
    char old[64], new[64], none[64];
    rig_prepare(&x);
    assert_null(users_secret(&x.who, "old secret"));
    assert_null(users_secret(&x.who, "new secret"));
    rig_start(&x);
    ephemeral(old, sizeof(old), "old secret", "1700000060:carol");
    ephemeral(new, sizeof(new), "new secret", "1700000060");
    ephemeral(none, sizeof(none), "no secret", "1700000060:carol");
    challenge(&x);
    assert_int_equal(nonce_features((str){x.nonce, NONCE_SIZE}), NONCE_ALGORITHMS);
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "1700000060:carol", none), 401);
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "1700000061:carol", old), 401); /* a changed time */
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "1700000060:carol", old), SUCCESS);
    x.now.unix += 60; /* over, but the allocation is there */
    x.now.ms += 60000;
    req(&x, STUN_REFRESH);
    assert_int_equal(ask_as(&x, "1700000060:carol", old), SUCCESS);
    x.path.client.port++;
    challenge(&x);
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "1700000060", new), 401);
    x.now.unix -= 1;
    req_allocate(&x);
    assert_int_equal(ask_as(&x, "1700000060", new), SUCCESS);
    rig_end(&x);
}

static void other_messages_draw_nothing(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "00",
        "000300002112a44300112233445566778899aabb", /* cookie */
        "000a00002112a44200112233445566778899aabb", /* Connect of RFC 6062 */
        "000600002112a44200112233445566778899aabb", /* Send as a request */
        "001300002112a44200112233445566778899aabb", /* Allocate as an indication */
        "010300002112a44200112233445566778899aabb", /* answers */
        "011300002112a44200112233445566778899aabb",
        "00010004000000000011223344556677 8899aabbccddeeff", /* RFC 3489 */
        "16fefd0000000000000000",
        "80c80000",
        "5000000061",
        "4000000161",
    };
    rig x;
    rig_begin(&x);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        static const char digits[] = "0123456789abcdef";
        buf_clear(&x.req);
        for (const char *p = table[i]; *p && p[1]; p += 2) {
            while (*p == ' ')
                p++;
            buf_byte(&x.req, (char)((strchr(digits, p[0]) - digits) << 4 |
                                    (strchr(digits, p[1]) - digits)));
        }
        turn_input(x.t, &x.path, buf_slice(&x.req), x.now);
        assert_int_equal(x.answers, 0);
    }
    attr_add(req(&x, STUN_ALLOCATE), ATTR_LIFETIME, STR("abcd"));
    x.req.p[STUN_HEADER + 3] = 5; /* an attribute that runs past the message */
    assert_int_equal(submit(&x), 400);
    rig_end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binding_needs_none),
        cmocka_unit_test(challenges_are_fresh_and_small),
        cmocka_unit_test(incomplete_and_wrong_credentials),
        cmocka_unit_test(nonces_grow_old),
        cmocka_unit_test(algorithms),
        cmocka_unit_test(user_hash),
        cmocka_unit_test(ephemeral_users),
        cmocka_unit_test(other_messages_draw_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
