#include "turn/integrity.h"

#include <string.h>

enum { CRC_SIZE = 4 };
#define FINGERPRINT_XOR 0x5354554Eu

static str bytes(const uint8_t *p, size_t n)
{
    return (str){(const char *)p, n};
}

/* Digest of texts joined by colons. */
static void joined(uint8_t *out, uint16_t algorithm, const str *parts, size_t n)
{
    buf b;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_byte(&b, ':');
        buf_str(&b, parts[i]);
    }
    if (algorithm == ATTR_SHA256)
        digest_sha256(buf_slice(&b), out);
    else
        digest_md5(buf_slice(&b), out);
    buf_free(&b);
}

void integrity_long_term(integrity_key *out, uint16_t algorithm, str user, str realm, str password)
{
    const str parts[] = {user, realm, password};
    joined(out->p, algorithm, parts, 3);
    out->n = algorithm == ATTR_SHA256 ? DIGEST_SHA256 : DIGEST_MD5;
}

void integrity_userhash(uint8_t out[DIGEST_SHA256], str user, str realm)
{
    const str parts[] = {user, realm};
    joined(out, ATTR_SHA256, parts, 2);
}

static size_t size_of(attr_type type)
{
    return type == ATTR_MESSAGE_INTEGRITY ? DIGEST_SHA1 : DIGEST_SHA256;
}

/* The HMAC over the bytes before the attribute, with a header whose length ends just behind it. */
static void compute(str before, attr_type type, str key, uint8_t *out)
{
    char copy[INTEGRITY_MAX];
    size_t length = before.n - STUN_HEADER + ATTR_HEAD + size_of(type);
    memcpy(copy, before.p, before.n);
    copy[2] = (char)(length >> 8);
    copy[3] = (char)length;
    if (type == ATTR_MESSAGE_INTEGRITY)
        digest_hmac_sha1(key, (str){copy, before.n}, out);
    else
        digest_hmac_sha256(key, (str){copy, before.n}, out);
}

int integrity_check(const stun_msg *m, attr_type type, str key)
{
    attr a;
    uint8_t want[DIGEST_SHA256];
    if (!attr_find(m, type, &a) || a.value.n != size_of(type) || a.at > INTEGRITY_MAX)
        return -1;
    compute(str_sub(m->all, 0, a.at), type, key, want);
    return digest_eq(want, a.value.p, a.value.n) ? 0 : -1;
}

void integrity_add(buf *to, attr_type type, str key)
{
    uint8_t mac[DIGEST_SHA256];
    if (buf_failed(to) || to->n > INTEGRITY_MAX) {
        to->failed = true;
        return;
    }
    compute(buf_slice(to), type, key, mac);
    attr_add(to, type, bytes(mac, size_of(type)));
}

/* CRC-32 of ISO 3309, four bits at a time. */
static uint32_t crc32(uint32_t crc, str in)
{
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
                                       0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                       0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    crc = ~crc;
    for (size_t i = 0; i < in.n; i++) {
        crc ^= (uint8_t)in.p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

int integrity_fingerprint(const stun_msg *m)
{
    attr a;
    uint32_t value;
    if (!attr_find(m, ATTR_FINGERPRINT, &a))
        return 0;
    if (attr_u32(a.value, &value) || a.at + ATTR_HEAD + CRC_SIZE != m->all.n)
        return -1;
    return (crc32(0, str_sub(m->all, 0, a.at)) ^ FINGERPRINT_XOR) == value ? 1 : -1;
}

void integrity_add_fingerprint(buf *to)
{
    if (buf_failed(to))
        return;
    stun_set_length(to, to->n - STUN_HEADER + ATTR_HEAD + CRC_SIZE);
    attr_add_u32(to, ATTR_FINGERPRINT, crc32(0, buf_slice(to)) ^ FINGERPRINT_XOR);
}
