/* Attributes: walking, reading, writing. */
#include <string.h>

#include "turn/attr.h"
#include "turn/test/vector.h"

#define HEAD(length) "0003" length "2112a442000102030405060708090a0b"

static void walks(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int ok;
        size_t count;
    } table[] = {
        {HEAD("0000"), 0, 0},
        {HEAD("0008") "000d000400000001", 0, 1},
        {HEAD("0008") "8022000161000000", 0, 1},
        {HEAD("000c") "00130000 8022000161ffffff", 0, 2}, /* padding of any value */
        {HEAD("0004") "80220001", -1, 0},                 /* runs past the message */
        {HEAD("0008") "8022ffff61000000", -1, 0},
        {HEAD("0008") "8022000561000000", -1, 0}, /* its padding does */
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        buf b = vector_bytes(table[i].hex);
        stun_msg m;
        assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
        assert_int_equal(attr_check(&m), table[i].ok);
        attr a;
        size_t at = 0, count = 0;
        while (attr_next(&m, &at, &a) > 0)
            count++;
        assert_int_equal(count, table[i].count);
        buf_free(&b);
    }
}

static void only_the_first_counts(void **state)
{
    (void)state;
    buf b = vector_bytes(HEAD("0010") "000d000400000001 000d000400000002");
    stun_msg m;
    attr a;
    uint32_t v;
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_true(attr_find(&m, ATTR_LIFETIME, &a));
    assert_int_equal(attr_u32(a.value, &v), 0);
    assert_int_equal(v, 1);
    assert_false(attr_has(&m, ATTR_DATA));
    buf_free(&b);
}

static void unknown_ones_are_listed_once(void **state)
{
    (void)state;
    /* 0x0003 twice, a known one, an optional unknown one, 0x7abc. */
    buf b =
        vector_bytes(HEAD("001c") "00030000 000d000400000001 00030000 99990000 7abc0000 001b0000");
    stun_msg m;
    uint16_t types[ATTR_UNKNOWN_MAX];
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_int_equal(attr_unknown(&m, types), 3);
    assert_int_equal(types[0], 0x0003);
    assert_int_equal(types[1], 0x7abc);
    assert_int_equal(types[2], 0x001b);
    buf_free(&b);

    buf_init(&b, 4096);
    stun_begin(&b, STUN_REQUEST, STUN_BINDING, NULL);
    for (unsigned t = 0x7000; t < 0x7100; t++)
        attr_add(&b, (attr_type)t, (str){NULL, 0});
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_int_equal(attr_unknown(&m, types), ATTR_UNKNOWN_MAX);
    buf_free(&b);
}

static void values_of_the_wrong_form(void **state)
{
    (void)state;
    buf b = vector_bytes(HEAD("0000"));
    stun_msg m;
    addr a;
    uint32_t u;
    uint16_t w;
    uint8_t f;
    unsigned code;
    str reason;
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    static const char zeros[64];
    for (size_t n = 0; n < sizeof(zeros); n++) {
        str v = {zeros, n};
        assert_int_equal(attr_u32(v, &u), n == 4 ? 0 : -1);
        assert_int_equal(attr_family(v, &f), n == 4 ? 0 : -1);
        assert_int_equal(attr_channel(v, &w), n == 4 ? 0 : -1);
        assert_int_equal(attr_algorithm(v, &w), n == 4 ? 0 : -1);
        assert_int_equal(attr_xor_address(v, &m, &a), -1); /* family 0 */
        assert_int_equal(attr_error(v, &code, &reason), -1);
    }
    assert_int_equal(attr_address((str){"\0\1\0\0\1\2\3\4", 8}, &a), 0);
    assert_int_equal(attr_address((str){"\xff\1\0\0\1\2\3\4", 8}, &a), 0); /* first byte ignored */
    assert_int_equal(attr_address((str){"\0\2\0\0\1\2\3\4", 8}, &a), -1);
    assert_int_equal(attr_address((str){"\0\1\0\0\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0", 20}, &a), -1);
    assert_int_equal(attr_algorithm((str){"\0\2\0\1", 4}, &w), -1);
    assert_int_equal(attr_error((str){"\0\0\4\x64", 4}, &code, &reason), -1); /* number 100 */
    assert_int_equal(attr_error((str){"\0\0\7\0", 4}, &code, &reason), -1);
    assert_int_equal(attr_error((str){"\0\0\xfc\1x", 5}, &code, &reason), 0); /* reserved bits */
    assert_int_equal(code, 401);
    assert_true(str_eq(reason, STR("x")));
    buf_free(&b);
}

static void written_and_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.1:0", "255.255.255.255:65535", "[::]:1",
                                        "[2001:db8::ff:0:1]:49152"};
    buf b;
    stun_msg m;
    attr a;
    char text[ADDR_TEXT];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        addr in, out;
        assert_int_equal(addr_parse(&in, str_of(texts[i])), 0);
        buf_init(&b, 1000);
        stun_begin(&b, STUN_SUCCESS, STUN_BINDING, NULL);
        attr_add_xor_address(&b, ATTR_XOR_MAPPED_ADDRESS, &in);
        attr_add_address(&b, ATTR_MAPPED_ADDRESS, &in);
        assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
        assert_true(attr_find(&m, ATTR_XOR_MAPPED_ADDRESS, &a));
        assert_int_equal(attr_xor_address(a.value, &m, &out), 0);
        assert_string_equal(addr_print(&out, text), texts[i]);
        assert_true(attr_find(&m, ATTR_MAPPED_ADDRESS, &a));
        assert_int_equal(attr_address(a.value, &out), 0);
        assert_true(addr_eq(&in, &out));
        buf_free(&b);
    }
    static const struct {
        const char *hex;
        int which;
    } table[] = {
        {"0113001c2112a442000102030405060708090a0b0009001500000414556e6b6e6f776e2041747472696275746"
         "5"
         "000000",
         0},
        {"0113000c2112a442000102030405060708090a0b000a000600037abc001b0000", 1},
        {"010300082112a442000102030405060708090a0b0017000402000000", 2},
        {"010300082112a442000102030405060708090a0b000c00044fff0000", 3},
        {"0117000c2112a442000102030405060708090a0b800400080000030400000 5dc", 4},
        {"0103000c2112a442000102030405060708090a0b8001000702000508663a2900", 5},
    };
    static const uint16_t types[] = {0x0003, 0x7abc, 0x001b};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        buf want = vector_bytes(table[i].hex);
        assert_int_equal(stun_parse(buf_slice(&want), &m), 0);
        buf_init(&b, 1000);
        stun_begin(&b, m.class, m.method, m.tid);
        switch (table[i].which) {
        case 0: attr_add_error(&b, 420, STR("Unknown Attribute")); break;
        case 1: attr_add_unknown(&b, types, 3); break;
        case 2: attr_add_family(&b, ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_V6); break;
        case 3: attr_add_channel(&b, 0x4fff); break;
        case 4: attr_add_icmp(&b, 3, 4, 1500); break;
        default: attr_add_address_error(&b, ATTR_V6, 508, STR("f:)")); break;
        }
        assert_int_equal(b.n, want.n);
        assert_memory_equal(b.p, want.p, b.n);
        buf_free(&b);
        buf_free(&want);
    }
}

static void a_reason_is_cut(void **state)
{
    (void)state;
    char reason[500];
    memset(reason, 'r', sizeof(reason));
    buf b;
    stun_msg m;
    attr a;
    buf_init(&b, 1000);
    stun_begin(&b, STUN_ERROR, STUN_ALLOCATE, NULL);
    attr_add_error(&b, 400, (str){reason, sizeof(reason)});
    assert_int_equal(stun_parse(buf_slice(&b), &m), 0);
    assert_true(attr_find(&m, ATTR_ERROR_CODE, &a));
    assert_int_equal(a.value.n, 4 + 127);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks),
        cmocka_unit_test(only_the_first_counts),
        cmocka_unit_test(unknown_ones_are_listed_once),
        cmocka_unit_test(values_of_the_wrong_form),
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(a_reason_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
