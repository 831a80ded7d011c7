/* The published vectors, and that each changed byte of them is noticed. */
#include <string.h>

#include "base/mem.h"
#include "turn/integrity.h"
#include "turn/test/vector.h"

#include <stdlib.h>

static const str SHORT_TERM = {"VOkJxbRl1RmTxUk/WvJxBt", 22};

static str key_slice(const integrity_key *k)
{
    return (str){(const char *)k->p, k->n};
}

static void short_term_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *mapped;
    } table[] = {
        {VECTOR_REQUEST, NULL},
        {VECTOR_RESPONSE_V4, "192.0.2.1:32853"},
        {VECTOR_RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        buf b = vector_bytes(table[i].hex);
        stun_msg m;
        attr a;
        addr mapped;
        char text[ADDR_TEXT];
        assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
        assert_int_equal(attr_check(&m), 0);
        assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY, SHORT_TERM), 0);
        assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY_SHA256, SHORT_TERM), -1);
        assert_int_equal(integrity_fingerprint(&m), 1);
        if (table[i].mapped) {
            assert_true(attr_find(&m, ATTR_XOR_MAPPED_ADDRESS, &a));
            assert_int_equal(attr_xor_address(a.value, &m, &mapped), 0);
            assert_string_equal(addr_print(&mapped, text), table[i].mapped);
        }
        /* One changed bit anywhere is found by at least one of the two. */
        for (size_t k = 0; k < b.n; k++) {
            b.p[k] = (char)(b.p[k] ^ 1);
            if (stun_parse(buf_slice(&b), &m) == 0)
                assert_true(integrity_check(&m, ATTR_MESSAGE_INTEGRITY, SHORT_TERM) ||
                            integrity_fingerprint(&m) != 1);
            b.p[k] = (char)(b.p[k] ^ 1);
        }
        buf_free(&b);
    }
}

static void long_term_vectors(void **state)
{
    (void)state;
    static const uint8_t sha256_begins[] = {0x23, 0x41, 0x12, 0xfb};
    static const uint8_t sha256_ends[] = {0xfb, 0xdf, 0x0d, 0xec};
    buf b = vector_bytes(VECTOR_LONG_TERM);
    stun_msg m;
    integrity_key key;
    attr a;
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    integrity_long_term(&key, ATTR_MD5, str_of(VECTOR_USER), STR("example.org"), STR("TheMatrIX"));
    assert_int_equal(key.n, DIGEST_MD5);
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY, key_slice(&key)), 0);
    assert_int_equal(integrity_fingerprint(&m), 0);
    integrity_long_term(&key, ATTR_MD5, str_of(VECTOR_USER), STR("example.org"), STR("TheMatrIx"));
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY, key_slice(&key)), -1);
    buf_free(&b);

    b = vector_bytes(VECTOR_SHA256);
    /* The printed attributes, then the HMAC that they have with the right length. */
    integrity_long_term(&key, ATTR_SHA256, str_of(VECTOR_USER), STR("example.org"),
                        STR("TheMatrIX"));
    buf_take(&b, 0);
    b.n -= ATTR_HEAD;
    integrity_add(&b, ATTR_MESSAGE_INTEGRITY_SHA256, key_slice(&key));
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_int_equal(b.n, STUN_HEADER + 0x88);
    assert_true(attr_find(&m, ATTR_MESSAGE_INTEGRITY_SHA256, &a));
    assert_memory_equal(a.value.p, sha256_begins, 4);
    assert_memory_equal(a.value.p + 28, sha256_ends, 4);
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY_SHA256, key_slice(&key)), 0);
    assert_true(attr_find(&m, ATTR_USERHASH, &a));
    uint8_t hash[DIGEST_SHA256];
    integrity_userhash(hash, str_of(VECTOR_USER), STR("example.org"));
    assert_memory_equal(a.value.p, hash, sizeof(hash));
    buf_free(&b);
}

static void both_attributes_and_fingerprint(void **state)
{
    (void)state;
    buf b;
    stun_msg m;
    buf_init(&b, 1000);
    stun_begin(&b, STUN_REQUEST, STUN_REFRESH, NULL);
    attr_add_u32(&b, ATTR_LIFETIME, 1);
    integrity_add(&b, ATTR_MESSAGE_INTEGRITY, STR("key"));
    integrity_add(&b, ATTR_MESSAGE_INTEGRITY_SHA256, STR("key"));
    attr_add_u32(&b, ATTR_EVEN_PORT, 1); /* vouched for by nothing */
    integrity_add_fingerprint(&b);
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY, STR("key")), 0);
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY_SHA256, STR("key")), 0);
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY_SHA256, STR("Key")), -1);
    assert_int_equal(integrity_fingerprint(&m), 1);
    assert_false(attr_has(&m, ATTR_EVEN_PORT));
    attr_add_u32(&b, ATTR_LIFETIME, 2); /* behind FINGERPRINT */
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_int_equal(integrity_fingerprint(&m), -1);
    buf_free(&b);
}

static void lengths_that_lie(void **state)
{
    (void)state;
    buf b;
    stun_msg m;
    for (size_t n = 0; n <= 40; n += 4) { /* truncated or overlong HMACs */
        char mac[40] = {0};
        buf_init(&b, 1000);
        stun_begin(&b, STUN_REQUEST, STUN_REFRESH, NULL);
        attr_add(&b, ATTR_MESSAGE_INTEGRITY_SHA256, (str){mac, n});
        assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
        assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY_SHA256, STR("key")), -1);
        buf_free(&b);
    }
    char *data = mem_zalloc(1, INTEGRITY_MAX);
    buf_init(&b, 1 << 16);
    stun_begin(&b, STUN_REQUEST, STUN_REFRESH, NULL);
    attr_add(&b, ATTR_DATA, (str){data, INTEGRITY_MAX});
    attr_add(&b, ATTR_MESSAGE_INTEGRITY, (str){data, DIGEST_SHA1});
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_int_equal(integrity_check(&m, ATTR_MESSAGE_INTEGRITY, STR("key")), -1);
    integrity_add(&b, ATTR_MESSAGE_INTEGRITY, STR("key"));
    assert_true(buf_failed(&b));
    buf_free(&b);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_term_vectors),
        cmocka_unit_test(long_term_vectors),
        cmocka_unit_test(both_attributes_and_fingerprint),
        cmocka_unit_test(lengths_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
