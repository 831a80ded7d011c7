#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/digest.h"

static void assert_hex(const uint8_t *p, size_t n, const char *hex)
{
    buf b;
    buf_init(&b, 200);
    digest_hex(&b, (str){(const char *)p, n});
    buf_byte(&b, 0);
    assert_string_equal(b.p, hex);
    buf_free(&b);
}

static void hashes_of_abc(void **state)
{
    (void)state;
    uint8_t out[32];
    digest_md5(STR("abc"), out);
    assert_hex(out, DIGEST_MD5, "900150983cd24fb0d6963f7d28e17f72");
    digest_sha1(STR("abc"), out);
    assert_hex(out, DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_sha256(STR("abc"), out);
    assert_hex(out, DIGEST_SHA256,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Test case 2 of RFC 2202 and of RFC 4231. */
static void hmacs_of_the_rfcs(void **state)
{
    (void)state;
    uint8_t out[32];
    digest_hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), out);
    assert_hex(out, DIGEST_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    digest_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
    assert_hex(out, DIGEST_SHA256,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    digest_hmac_sha1((str){NULL, 0}, (str){NULL, 0}, out);
    assert_hex(out, DIGEST_SHA1, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

/* RFC 4648 section 10. */
static void base64_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf b;
        buf_init(&b, 100);
        digest_base64(&b, str_of(rows[i].plain));
        assert_true(str_eq(buf_slice(&b), str_of(rows[i].coded)));
        uint8_t out[16];
        long n = digest_unbase64(str_of(rows[i].coded), out, sizeof(out));
        assert_int_equal(n, strlen(rows[i].plain));
        assert_memory_equal(out, rows[i].plain, (size_t)n);
        buf_free(&b);
    }
    buf b;
    buf_init(&b, 100);
    digest_base64url(&b, STR("\xfb\xff\xfe\x01"));
    assert_true(str_eq(buf_slice(&b), STR("-__-AQ")));
    uint8_t out[16];
    assert_int_equal(digest_unbase64url(STR("-__-AQ"), out, sizeof(out)), 4);
    assert_memory_equal(out, "\xfb\xff\xfe\x01", 4);
    buf_free(&b);
}

static void malformed_base64_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"Z",
                                       "Zg",
                                       "Zg=",
                                       "Zg===",
                                       "Z===",
                                       "=",
                                       "Zm9v=",
                                       "Zh==",
                                       "Zm9=",
                                       "Zm 9v",
                                       "Zm-v",
                                       "Zg==Zg==",
                                       "Zm9vYmFyZm9vYmFyZm9vYmFy"};
    uint8_t out[16];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(digest_unbase64(str_of(rows[i]), out, sizeof(out)), -1);
    assert_int_equal(digest_unbase64url(STR("AQ=="), out, sizeof(out)), -1);
    assert_int_equal(digest_unbase64url(STR("A+"), out, sizeof(out)), -1);
    assert_int_equal(digest_unbase64url(STR("AR"), out, sizeof(out)), -1);
}

static void random_and_comparison(void **state)
{
    (void)state;
    assert_true(digest_random_u64() != digest_random_u64());
    assert_true(digest_eq("abc", "abc", 3));
    assert_false(digest_eq("abc", "abd", 3));
    assert_true(digest_eq("abc", "abd", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_abc),         cmocka_unit_test(hmacs_of_the_rfcs),
        cmocka_unit_test(base64_of_the_rfc),     cmocka_unit_test(malformed_base64_is_refused),
        cmocka_unit_test(random_and_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
