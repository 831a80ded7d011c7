#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ws/utf8.h"

/* good: how many bytes are good when all are fed; cut: does valid text end inside a character? */
static const struct {
    const char *text;
    size_t n, good;
    bool cut;
} rows[] = {
#define ROW(text, good, cut)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, good, cut                                                          \
    }
    ROW("", 0, false),
    ROW("Hello", 5, false),
    ROW("\xc2\x80", 2, false),
    ROW("\xdf\xbf", 2, false),
    ROW("\xe0\xa0\x80", 3, false),
    ROW("\xed\x9f\xbf", 3, false),
    ROW("\xee\x80\x80", 3, false),
    ROW("\xef\xbf\xbf", 3, false), /* non-character, and valid */
    ROW("\xf0\x90\x80\x80", 4, false),
    ROW("\xf4\x8f\xbf\xbf", 4, false),
    ROW("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", 11, false),
    ROW("\x80", 0, false),         /* lone continuation */
    ROW("\xbf", 0, false),         /* lone continuation */
    ROW("a\xc2", 2, true),         /* cut */
    ROW("a\xe1\xbd", 3, true),     /* cut */
    ROW("\xf1\x80\x80", 3, true),  /* cut */
    ROW("\xc0\xaf", 0, false),     /* overlong */
    ROW("\xc1\xbf", 0, false),     /* overlong */
    ROW("\xe0\x9f\xbf", 1, false), /* overlong */
    ROW("\xf0\x8f\xbf\xbf", 1, false),
    ROW("\xed\xa0\x80", 1, false), /* surrogate */
    ROW("\xed\xbf\xbf", 1, false), /* surrogate */
    ROW("\xf4\x90\x80\x80", 1, false),
    ROW("\xf5\x80\x80\x80", 0, false),
    ROW("\xf8\x88\x80\x80\x80", 0, false),
    ROW("\xfe", 0, false),
    ROW("\xff", 0, false),
    ROW("\xc3(", 1, false),
    ROW("\xe1\xbd(", 2, false),
    ROW("0123456789012345678901234567890123456789\xc3\xa4 and then \x80", 52, false),
    ROW("0123456789012345678901234567890\xff", 31, false),
#undef ROW
};

static void sequences_are_judged_as_rfc_3629_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        utf8 u;
        utf8_init(&u);
        assert_int_equal(utf8_feed(&u, rows[i].text, rows[i].n), rows[i].good);
        bool all = rows[i].good == rows[i].n;
        if (all)
            assert_int_equal(utf8_complete(&u), !rows[i].cut);
        assert_int_equal(utf8_valid((str){rows[i].text, rows[i].n}), all && !rows[i].cut);
    }
}

static void segmentation_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t step = 1; step < 5; step++) {
            utf8 u;
            utf8_init(&u);
            size_t at = 0;
            while (at < rows[i].n) {
                size_t n = rows[i].n - at < step ? rows[i].n - at : step;
                size_t good = utf8_feed(&u, rows[i].text + at, n);
                at += good;
                if (good < n)
                    break;
            }
            assert_int_equal(at, rows[i].good);
        }
}

/* Against the definition: decode by arithmetic and compare, for every string of up to three bytes
 * out of the interesting ones, and all four-byte ones behind F0 and F4. */
static bool by_definition(const uint8_t *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t more = s[i] < 0x80 ? 0 : (s[i] & 0xe0) == 0xc0 ? 1 : (s[i] & 0xf0) == 0xe0 ? 2 : 3;
        uint32_t code = s[i];
        if (more == 3 && (s[i] & 0xf8) != 0xf0)
            return false;
        if (more)
            code = s[i] & (0x3fU >> more);
        if (n - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++) {
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (s[i + k] & 0x3f);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
        i += more + 1;
    }
    return true;
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    uint8_t s[4];
    for (unsigned v = 0; v < 0x1000000; v++) {
        s[0] = (uint8_t)(v >> 16);
        s[1] = (uint8_t)(v >> 8);
        s[2] = (uint8_t)v;
        if ((v & 0x3f) > 1 && (v & 0x3f) < 0x3e) /* the middle of each row adds nothing */
            continue;
        for (size_t n = 1; n < 4; n++)
            if (utf8_valid((str){(const char *)s, n}) != by_definition(s, n))
                fail_msg("%02x %02x %02x, first %zu bytes", s[0], s[1], s[2], n);
    }
    for (unsigned v = 0; v < 0x100000; v++) {
        s[0] = (uint8_t)(0xf0 + (v >> 16));
        s[1] = (uint8_t)(v >> 8);
        s[2] = s[3] = (uint8_t)v;
        if (utf8_valid((str){(const char *)s, 4}) != by_definition(s, 4))
            fail_msg("%02x %02x %02x %02x", s[0], s[1], s[2], s[3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_judged_as_rfc_3629_says),
        cmocka_unit_test(segmentation_changes_nothing),
        cmocka_unit_test(agrees_with_the_definition),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
