#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ws/frame.h"

#define K "\x37\xfa\x21\x3d"

static const struct {
    const char *bytes;
    size_t n;
    bool from_client;
    int size; /* of the head, or -1 */
    frame_error error;
    size_t bad_after; /* bytes that must be there before the error is known */
    bool fin;
    uint8_t opcode;
    uint64_t length;
} rows[] = {
#define GOOD(bytes, client, size, fin, opcode, length)                                             \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, client, size, FRAME_OK, 0, fin, opcode, length                   \
    }
#define BAD(bytes, client, error, after)                                                           \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, client, -1, error, after, false, 0, 0                            \
    }
    GOOD("\x81\x85" K, true, 6, true, FRAME_TEXT, 5),
    GOOD("\x81\x05", false, 2, true, FRAME_TEXT, 5),
    GOOD("\x01\x03", false, 2, false, FRAME_TEXT, 3),
    GOOD("\x80\x02", false, 2, true, FRAME_CONTINUATION, 2),
    GOOD("\x89\x00", false, 2, true, FRAME_PING, 0),
    GOOD("\x8a\xfd" K, true, 6, true, FRAME_PONG, 125),
    GOOD("\x88\x80" K, true, 6, true, FRAME_CLOSE, 0),
    GOOD("\x82\x7e\x01\x00", false, 4, true, FRAME_BINARY, 256),
    GOOD("\x82\x7e\x00\x7e", false, 4, true, FRAME_BINARY, 126),
    GOOD("\x82\x7e\xff\xff", false, 4, true, FRAME_BINARY, 65535),
    GOOD("\x82\xfe\xff\xff" K, true, 8, true, FRAME_BINARY, 65535),
    GOOD("\x82\x7f\0\0\0\0\0\1\0\0", false, 10, true, FRAME_BINARY, 65536),
    GOOD("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" K, true, 14, true, FRAME_BINARY, INT64_MAX),
    BAD("\xc1\x80", true, FRAME_E_RESERVED, 1),
    BAD("\xa1\x80", true, FRAME_E_RESERVED, 1),
    BAD("\x91\x80", true, FRAME_E_RESERVED, 1),
    BAD("\xf9\x80", true, FRAME_E_RESERVED, 1),
    BAD("\x83\x80", true, FRAME_E_OPCODE, 1),
    BAD("\x87\x80", true, FRAME_E_OPCODE, 1),
    BAD("\x8b\x80", true, FRAME_E_OPCODE, 1),
    BAD("\x8f\x80", true, FRAME_E_OPCODE, 1),
    BAD("\x08\x80", true, FRAME_E_FRAGMENT, 1),
    BAD("\x09\x80", true, FRAME_E_FRAGMENT, 1),
    BAD("\x0a\x80", true, FRAME_E_FRAGMENT, 1),
    BAD("\x89\xfe\x00\x7e", true, FRAME_E_CONTROL, 2),
    BAD("\x88\xff", true, FRAME_E_CONTROL, 2),
    BAD("\x81\x05", true, FRAME_E_UNMASKED, 2),
    BAD("\x89\x00", true, FRAME_E_UNMASKED, 2),
    BAD("\x81\x85" K, false, FRAME_E_MASKED, 2),
    BAD("\x81\xfe\x00\x7d", true, FRAME_E_MINIMAL, 4),
    BAD("\x81\xfe\x00\x00", true, FRAME_E_MINIMAL, 4),
    BAD("\x81\xff\0\0\0\0\0\0\xff\xff", true, FRAME_E_MINIMAL, 10),
    BAD("\x81\xff\x80\0\0\0\0\0\0\1", true, FRAME_E_LENGTH, 3),
#undef GOOD
#undef BAD
};

static void heads_are_read_as_soon_as_they_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t known = rows[i].size < 0 ? rows[i].bad_after : (size_t)rows[i].size;
        for (size_t n = 0; n <= rows[i].n; n++) {
            /* A copy of exactly n bytes, so that the sanitizer sees any step beyond. */
            char *copy = mem_alloc(n ? n : 1);
            memcpy(copy, rows[i].bytes, n);
            frame_head h;
            frame_error e;
            int r = frame_parse((str){copy, n}, rows[i].from_client, &h, &e);
            assert_int_equal(r, n < known ? 0 : rows[i].size);
            if (r < 0)
                assert_int_equal(e, rows[i].error);
            if (r > 0) {
                assert_int_equal(h.fin, rows[i].fin);
                assert_int_equal(h.opcode, rows[i].opcode);
                assert_true(h.length == rows[i].length);
                assert_int_equal(h.masked, rows[i].from_client);
                if (h.masked)
                    assert_memory_equal(h.key, K, 4);
            }
            free(copy);
        }
        assert_non_null(frame_error_text(rows[i].error));
    }
}

static void bytes_after_the_head_are_left_alone(void **state)
{
    (void)state;
    frame_head h;
    frame_error e;
    assert_int_equal(frame_parse(STR("\x81\x05Hello and more"), false, &h, &e), 2);
}

static void the_mask_is_byte_i_mod_4_at_any_offset(void **state)
{
    (void)state;
    static const uint8_t keys[][4] = {
        {0, 0, 0, 0}, {1, 2, 3, 4}, {0xff, 0, 0xff, 0}, {0x37, 0xfa, 0x21, 0x3d}};
    uint8_t plain[97], work[97];
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 7 + 1);
    for (size_t k = 0; k < 4; k++)
        for (size_t from = 0; from < 12; from++)
            for (size_t n = 0; n <= 70; n++)
                for (uint64_t at = 0; at < 5; at++) {
                    memcpy(work, plain, sizeof(work));
                    frame_mask(work + from, n, keys[k], at);
                    for (size_t i = 0; i < sizeof(work); i++) {
                        bool in = i >= from && i < from + n;
                        uint8_t want = in ? plain[i] ^ keys[k][(at + i - from) % 4] : plain[i];
                        assert_int_equal(work[i], want);
                    }
                }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
    static const uint8_t key[4] = {9, 8, 7, 6};
    char *payload = mem_alloc(70000);
    memset(payload, 'x', 70000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int client = 0; client < 2; client++) {
            buf out;
            buf_init(&out, 1 << 20);
            buf_str(&out, STR("before"));
            frame_write(&out, FRAME_BINARY, true, (str){payload, sizes[i]}, client ? key : NULL);
            frame_head h;
            frame_error e;
            str in = str_sub(buf_slice(&out), 6, out.n);
            int r = frame_parse(in, client, &h, &e);
            assert_true(r > 0);
            assert_true(h.length == sizes[i]);
            assert_int_equal(in.n, (size_t)r + sizes[i]);
            if (client)
                frame_mask(out.p + 6 + r, sizes[i], h.key, 0);
            assert_memory_equal(out.p + 6 + r, payload, sizes[i]);
            buf_free(&out);
        }
    free(payload);
}

static void a_full_buffer_fails_and_takes_no_harm(void **state)
{
    (void)state;
    static const uint8_t key[4] = {1, 2, 3, 4};
    buf out;
    buf_init(&out, 8);
    frame_write(&out, FRAME_TEXT, true, STR("twelve bytes"), key);
    assert_true(buf_failed(&out));
    buf_free(&out);
}

static void close_codes_are_those_of_the_registry(void **state)
{
    (void)state;
    static const struct {
        uint16_t from, to;
        bool valid;
    } ranges[] = {
        {0, 999, false},     {1000, 1003, true}, {1004, 1006, false},  {1007, 1014, true},
        {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        for (uint32_t code = ranges[i].from; code <= ranges[i].to; code++)
            assert_int_equal(frame_close_valid((uint16_t)code), ranges[i].valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read_as_soon_as_they_are_there),
        cmocka_unit_test(bytes_after_the_head_are_left_alone),
        cmocka_unit_test(the_mask_is_byte_i_mod_4_at_any_offset),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_full_buffer_fails_and_takes_no_harm),
        cmocka_unit_test(close_codes_are_those_of_the_registry),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
