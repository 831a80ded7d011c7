#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "libcrypto cannot do %s\n", what);
        abort();
    }
}

void digest_md5(str in, uint8_t out[DIGEST_MD5])
{
    must(EVP_Digest(in.p, in.n, out, NULL, EVP_md5(), NULL), "MD5");
}

void digest_sha1(str in, uint8_t out[DIGEST_SHA1])
{
    must(SHA1((const uint8_t *)in.p, in.n, out) != NULL, "SHA-1");
}

void digest_sha256(str in, uint8_t out[DIGEST_SHA256])
{
    must(SHA256((const uint8_t *)in.p, in.n, out) != NULL, "SHA-256");
}

static void hmac(const EVP_MD *md, str key, str in, uint8_t *out)
{
    /* HMAC() takes a NULL key for "the same as before". */
    const char *k = key.p ? key.p : "";
    must(HMAC(md, k, (int)key.n, (const uint8_t *)in.p, in.n, out, NULL) != NULL, "HMAC");
}

void digest_hmac_sha1(str key, str in, uint8_t out[DIGEST_SHA1])
{
    hmac(EVP_sha1(), key, in, out);
}

void digest_hmac_sha256(str key, str in, uint8_t out[DIGEST_SHA256])
{
    hmac(EVP_sha256(), key, in, out);
}

struct digest_signer {
    EVP_MAC *mac;
    EVP_MAC_CTX *ctx; /* keyed */
};

digest_signer *digest_signer_new(str key)
{
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    digest_signer *s = mem_alloc(sizeof(*s));
    s->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    s->ctx = s->mac ? EVP_MAC_CTX_new(s->mac) : NULL;
    must(s->ctx && EVP_MAC_init(s->ctx, (const uint8_t *)key.p, key.n, params), "HMAC");
    return s;
}

void digest_signer_free(digest_signer *s)
{
    if (!s)
        return;
    EVP_MAC_CTX_free(s->ctx);
    EVP_MAC_free(s->mac);
    free(s);
}

void digest_sign(digest_signer *s, str in, uint8_t out[DIGEST_SHA256])
{
    size_t n;
    must(EVP_MAC_init(s->ctx, NULL, 0, NULL) && /* the same key again */
             EVP_MAC_update(s->ctx, (const uint8_t *)in.p, in.n) &&
             EVP_MAC_final(s->ctx, out, &n, DIGEST_SHA256),
         "HMAC");
}

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(buf *to, str in, const char *alphabet, bool pad)
{
    for (size_t i = 0; i < in.n; i += 3) {
        size_t left = in.n - i < 3 ? in.n - i : 3;
        uint32_t v = (uint32_t)(uint8_t)in.p[i] << 16;
        v |= left > 1 ? (uint32_t)(uint8_t)in.p[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)(uint8_t)in.p[i + 2] : 0;
        char out[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63],
                       alphabet[v & 63]};
        for (size_t k = left + 1; k < 4; k++)
            out[k] = '=';
        buf_add(to, out, pad ? 4 : left + 1);
    }
}

void digest_base64(buf *to, str in)
{
    encode(to, in, STANDARD, true);
}

void digest_base64url(buf *to, str in)
{
    encode(to, in, URL_SAFE, false);
}

static int value(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

/* text without padding */
static long decode(str text, const char *alphabet, uint8_t *out, size_t max)
{
    size_t tail = text.n % 4, n = text.n / 4 * 3 + (tail ? tail - 1 : 0);
    if (tail == 1 || n > max)
        return -1;
    uint32_t v = 0;
    size_t at = 0;
    for (size_t i = 0; i < text.n; i++) {
        int bits = value(text.p[i], alphabet);
        if (bits < 0)
            return -1;
        v = v << 6 | (uint32_t)bits;
        if (i % 4 == 3) {
            out[at++] = (uint8_t)(v >> 16);
            out[at++] = (uint8_t)(v >> 8);
            out[at++] = (uint8_t)v;
            v = 0;
        }
    }
    if (tail == 2) {
        if (v & 15)
            return -1;
        out[at++] = (uint8_t)(v >> 4);
    } else if (tail == 3) {
        if (v & 3)
            return -1;
        out[at++] = (uint8_t)(v >> 10);
        out[at++] = (uint8_t)(v >> 2);
    }
    return (long)at;
}

long digest_unbase64(str text, uint8_t *out, size_t max)
{
    if (text.n % 4)
        return -1;
    for (int pad = 0; pad < 2 && text.n && text.p[text.n - 1] == '='; pad++)
        text.n--;
    return decode(text, STANDARD, out, max);
}

long digest_unbase64url(str text, uint8_t *out, size_t max)
{
    return decode(text, URL_SAFE, out, max);
}

void digest_hex(buf *to, str in)
{
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = (uint8_t)in.p[i];
        char two[2] = {"0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
        buf_add(to, two, 2);
    }
}

void digest_random(void *out, size_t n)
{
    must(RAND_bytes(out, (int)n) == 1, "randomness");
}

uint64_t digest_random_u64(void)
{
    uint64_t v;
    digest_random(&v, sizeof(v));
    return v;
}

bool digest_eq(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
