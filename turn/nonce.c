#include "turn/nonce.h"

#include <string.h>

enum { COOKIE = 9, FEATURES = 4, TIME = 4, RANDOM = 4, MAC = 10, RAW = TIME + RANDOM + MAC };
static const char COOKIE_TEXT[COOKIE + 1] = "obMatJos2";

void nonce_init(nonce_maker *m, uint32_t features, uint64_t lifetime_ms)
{
    digest_random(m->secret, sizeof(m->secret));
    m->features = features;
    m->lifetime_ms = lifetime_ms;
}

static void mac(const nonce_maker *m, const addr *client, const uint8_t *raw, uint8_t out[MAC])
{
    uint8_t in[TIME + RANDOM + sizeof(client->ip) + 2], full[DIGEST_SHA256];
    memcpy(in, raw, TIME + RANDOM);
    memcpy(in + TIME + RANDOM, client->ip, sizeof(client->ip));
    in[sizeof(in) - 2] = (uint8_t)(client->port >> 8);
    in[sizeof(in) - 1] = (uint8_t)client->port;
    digest_hmac_sha256((str){(const char *)m->secret, sizeof(m->secret)},
                       (str){(const char *)in, sizeof(in)}, full);
    memcpy(out, full, MAC);
}

static void append(char *out, size_t size, const uint8_t *raw, size_t n)
{
    buf b;
    buf_init(&b, 64);
    digest_base64(&b, (str){(const char *)raw, n});
    memcpy(out, b.p, size);
    buf_free(&b);
}

void nonce_make(const nonce_maker *m, const addr *client, uint64_t now_ms, char out[NONCE_SIZE])
{
    uint32_t t = (uint32_t)(now_ms / 1000);
    uint8_t bits[3] = {(uint8_t)(m->features >> 16), (uint8_t)(m->features >> 8),
                       (uint8_t)m->features};
    uint8_t raw[RAW] = {(uint8_t)(t >> 24), (uint8_t)(t >> 16), (uint8_t)(t >> 8), (uint8_t)t};
    digest_random(raw + TIME, RANDOM);
    mac(m, client, raw, raw + TIME + RANDOM);
    /* The time of making would show a clock; a mask by the random bytes' neighbours hides it. */
    for (size_t i = 0; i < TIME; i++)
        raw[i] ^= raw[TIME + RANDOM + i];
    memcpy(out, COOKIE_TEXT, COOKIE);
    append(out + COOKIE, FEATURES, bits, sizeof(bits));
    append(out + COOKIE + FEATURES, NONCE_SIZE - COOKIE - FEATURES, raw, RAW);
}

uint32_t nonce_features(str nonce)
{
    uint8_t bits[3];
    if (!str_starts(nonce, str_of(COOKIE_TEXT)) ||
        digest_unbase64(str_sub(nonce, COOKIE, FEATURES), bits, sizeof(bits)) != sizeof(bits))
        return 0;
    return (uint32_t)bits[0] << 16 | (uint32_t)bits[1] << 8 | bits[2];
}

bool nonce_valid(const nonce_maker *m, const addr *client, uint64_t now_ms, str nonce)
{
    uint8_t raw[RAW], want[MAC];
    if (nonce.n != NONCE_SIZE || nonce_features(nonce) != m->features ||
        digest_unbase64(str_sub(nonce, COOKIE + FEATURES, nonce.n), raw, RAW) != RAW)
        return false;
    for (size_t i = 0; i < TIME; i++)
        raw[i] ^= raw[TIME + RANDOM + i];
    mac(m, client, raw, want);
    if (!digest_eq(want, raw + TIME + RANDOM, MAC))
        return false;
    uint32_t made =
        (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
    return (now_ms / 1000 - made) * 1000 < m->lifetime_ms;
}
