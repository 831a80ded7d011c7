/* Header, framing, ChannelData and the telling apart of packets. */
#include <string.h>

#include "turn/stun.h"
#include "turn/test/vector.h"

static void headers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int result;
        stun_class class;
        uint16_t method;
    } table[] = {
        {"000100002112a442000102030405060708090a0b", 0, STUN_REQUEST, STUN_BINDING},
        {"001100002112a442000102030405060708090a0b", 0, STUN_INDICATION, STUN_BINDING},
        {"010100002112a442000102030405060708090a0b", 0, STUN_SUCCESS, STUN_BINDING},
        {"011300002112a442000102030405060708090a0b", 0, STUN_ERROR, STUN_ALLOCATE},
        {"001600002112a442000102030405060708090a0b", 0, STUN_INDICATION, STUN_SEND},
        {"3eef00002112a442000102030405060708090a0b", -1, 0,
         0}, /* RFC 7983: no method is that high */
        {"000900042112a442000102030405060708090a0b80220000", 0, STUN_REQUEST, STUN_CHANNEL_BIND},
        {"400100002112a442000102030405060708090a0b", -1, 0, 0}, /* top bits */
        {"800100002112a442000102030405060708090a0b", -1, 0, 0},
        {"000100002112a443000102030405060708090a0b", -1, 0, 0}, /* cookie */
        {"000100042112a442000102030405060708090a0b", -1, 0, 0}, /* length beyond the bytes */
        {"000100002112a442000102030405060708090a0b80220000", -1, 0, 0}, /* bytes beyond it */
        {"000100022112a442000102030405060708090a0b8022", -1, 0, 0},     /* no multiple of 4 */
        {"000100002112a442000102030405060708090a", -1, 0, 0},
        {"", -1, 0, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        buf b = vector_bytes(table[i].hex);
        stun_msg m;
        assert_int_equal(stun_parse(buf_slice(&b), &m), table[i].result);
        if (table[i].result == 0) {
            assert_int_equal(m.class, table[i].class);
            assert_int_equal(m.method, table[i].method);
            assert_int_equal(m.tid[11], 0x0b);
            buf again;
            buf_init(&again, 100);
            stun_begin(&again, m.class, m.method, m.tid);
            stun_set_length(&again, b.n - STUN_HEADER);
            assert_memory_equal(again.p, b.p, STUN_HEADER);
            buf_free(&again);
        }
        buf_free(&b);
    }
}

static void frames_one_byte_at_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        long size;   /* of the first frame, -1: none */
        size_t told; /* bytes after which that is clear */
    } table[] = {
        {"000100002112a442000102030405060708090a0b", 20, 20},
        {"000100042112a442000102030405060708090a0b80220000 00", 24, 24},
        {"400000000000", 4, 4},
        {"400000016100000040", 8, 8}, /* padded on a stream */
        {"4fff00046162636400", 8, 8},
        {"500000046162636400", 8, 8}, /* reserved, but framed alike */
        {"7fff00056162636465000000", 12, 12},
        {"000100032112a442", -1, 4},
        {"000100042112a443", -1, 8},
        {"16030100", -1, 1 << 20}, /* no bound: first two bits are 00, needs its cookie */
        {"8000", -1, 1},
        {"c000", -1, 1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        buf b = vector_bytes(table[i].hex);
        for (size_t n = 0; n <= b.n; n++) {
            long got = stun_frame((str){b.p, n});
            assert_int_equal(got, n < table[i].told ? 0 : table[i].size);
        }
        buf_free(&b);
    }
}

static void channel_data_of_datagrams(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int result;
        uint16_t number;
        size_t n;
    } table[] = {
        {"40000000", 0, 0x4000, 0},
        {"4fff000161", 0, 0x4fff, 1},
        {"4001000161ffffff", 0, 0x4001, 1}, /* padding is allowed and ignored */
        {"4001000261", -1, 0, 0},           /* shorter than it claims */
        {"50000000", -1, 0, 0},
        {"7fff0000", -1, 0, 0},
        {"3fff0000", -1, 0, 0},
        {"4000", -1, 0, 0},
        {"", -1, 0, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        buf b = vector_bytes(table[i].hex);
        uint16_t number = 0;
        str data = {NULL, 0};
        assert_int_equal(stun_channel_data(buf_slice(&b), &number, &data), table[i].result);
        assert_int_equal(number, table[i].number);
        assert_int_equal(data.n, table[i].n);
        buf_free(&b);
    }
}

static void channel_data_written(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 5; n++) {
        for (int padded = 0; padded < 2; padded++) {
            buf b;
            buf_init(&b, 100);
            stun_channel_write(&b, 0x4123, str_sub(STR("abcde"), 0, n), padded);
            assert_int_equal(b.n, padded ? 4 + (n + 3) / 4 * 4 : 4 + n);
            uint16_t number;
            str data;
            assert_int_equal(stun_channel_data(buf_slice(&b), &number, &data), 0);
            assert_int_equal(number, 0x4123);
            assert_true(str_eq(data, str_sub(STR("abcde"), 0, n)));
            for (size_t i = 4 + n; i < b.n; i++)
                assert_int_equal(b.p[i], 0);
            if (padded)
                assert_int_equal(stun_frame(buf_slice(&b)), b.n);
            buf_free(&b);
        }
    }
}

static void kinds_by_the_first_byte(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char c = (char)first;
        stun_kind want = first <= 3                   ? STUN_MESSAGE
                         : first >= 64 && first <= 79 ? STUN_CHANNEL
                                                      : STUN_OTHER;
        assert_int_equal(stun_kind_of((str){&c, 1}), want);
    }
    assert_int_equal(stun_kind_of((str){NULL, 0}), STUN_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(frames_one_byte_at_a_time),
        cmocka_unit_test(channel_data_of_datagrams),
        cmocka_unit_test(channel_data_written),
        cmocka_unit_test(kinds_by_the_first_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
