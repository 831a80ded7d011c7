#include "turn/attr.h"

#include <string.h>

enum { ADDRESS_V4 = 8, ADDRESS_V6 = 20, ERROR_HEAD = 4 };

/* ---- walking ---- */

int attr_next(const stun_msg *m, size_t *at, attr *out)
{
    str body = str_sub(m->all, STUN_HEADER, m->all.n);
    if (*at >= body.n)
        return 0;
    str left = str_sub(body, *at, body.n);
    if (left.n < ATTR_HEAD)
        return -1;
    size_t length = stun_u16(left.p + 2);
    size_t padded = (length + 3) / 4 * 4;
    if (padded > left.n - ATTR_HEAD)
        return -1;
    *out = (attr){.type = stun_u16(left.p),
                  .value = str_sub(left, ATTR_HEAD, length),
                  .at = STUN_HEADER + *at};
    *at += ATTR_HEAD + padded;
    return 1;
}

int attr_check(const stun_msg *m)
{
    attr a;
    size_t at = 0;
    int got;
    while ((got = attr_next(m, &at, &a)) > 0)
        continue;
    return got;
}

/* Where an attribute stands: none of the integrity attributes before it, or the first of them. */
typedef enum zone { PLAIN, BEHIND_SHA1, BEHIND_SHA256, BEHIND_FINGERPRINT } zone;

static bool vouched(zone z, uint16_t type)
{
    switch (z) {
    case PLAIN: return true;
    case BEHIND_SHA1: return type == ATTR_MESSAGE_INTEGRITY_SHA256 || type == ATTR_FINGERPRINT;
    case BEHIND_SHA256: return type == ATTR_FINGERPRINT;
    case BEHIND_FINGERPRINT: return false;
    }
    return false;
}

static zone zone_after(zone z, uint16_t type)
{
    if (type == ATTR_MESSAGE_INTEGRITY && z < BEHIND_SHA1)
        return BEHIND_SHA1;
    if (type == ATTR_MESSAGE_INTEGRITY_SHA256 && z < BEHIND_SHA256)
        return BEHIND_SHA256;
    return type == ATTR_FINGERPRINT ? BEHIND_FINGERPRINT : z;
}

bool attr_find(const stun_msg *m, attr_type type, attr *out)
{
    attr a;
    size_t at = 0;
    for (zone z = PLAIN; attr_next(m, &at, &a) > 0; z = zone_after(z, a.type)) {
        if (a.type == type && vouched(z, a.type)) {
            *out = a;
            return true;
        }
    }
    return false;
}

bool attr_has(const stun_msg *m, attr_type type)
{
    attr unused;
    return attr_find(m, type, &unused);
}

int attr_next_vouched(const stun_msg *m, size_t *at, attr *out)
{
    int got = attr_next(m, at, out);
    /* From the first integrity attribute on there is nothing of interest to such a walk. */
    return got > 0 && zone_after(PLAIN, out->type) != PLAIN ? 0 : got;
}

static bool known(uint16_t type)
{
    switch (type) {
    case ATTR_MAPPED_ADDRESS:
    case ATTR_USERNAME:
    case ATTR_MESSAGE_INTEGRITY:
    case ATTR_ERROR_CODE:
    case ATTR_UNKNOWN_ATTRIBUTES:
    case ATTR_CHANNEL_NUMBER:
    case ATTR_LIFETIME:
    case ATTR_XOR_PEER_ADDRESS:
    case ATTR_DATA:
    case ATTR_REALM:
    case ATTR_NONCE:
    case ATTR_XOR_RELAYED_ADDRESS:
    case ATTR_REQUESTED_ADDRESS_FAMILY:
    case ATTR_EVEN_PORT:
    case ATTR_REQUESTED_TRANSPORT:
    case ATTR_DONT_FRAGMENT:
    case ATTR_MESSAGE_INTEGRITY_SHA256:
    case ATTR_PASSWORD_ALGORITHM:
    case ATTR_USERHASH:
    case ATTR_XOR_MAPPED_ADDRESS:
    case ATTR_RESERVATION_TOKEN: return true;
    default: return type >= 0x8000; /* comprehension-optional */
    }
}

size_t attr_unknown(const stun_msg *m, uint16_t out[ATTR_UNKNOWN_MAX])
{
    attr a;
    size_t at = 0, n = 0;
    while (n < ATTR_UNKNOWN_MAX && attr_next_vouched(m, &at, &a) > 0) {
        bool seen = known(a.type);
        for (size_t i = 0; i < n; i++)
            seen = seen || out[i] == a.type;
        if (!seen)
            out[n++] = a.type;
    }
    return n;
}

/* ---- values ---- */

int attr_u32(str value, uint32_t *out)
{
    if (value.n != 4)
        return -1;
    *out = stun_u32(value.p);
    return 0;
}

/* mask: 16 bytes that address and, by its first two, port are XORed with. */
static int read_address(str value, const uint8_t mask[16], addr *out)
{
    if (value.n != ADDRESS_V4 && value.n != ADDRESS_V6)
        return -1;
    uint8_t family = (uint8_t)value.p[1];
    if (family != (value.n == ADDRESS_V4 ? ATTR_V4 : ATTR_V6))
        return -1;
    addr a = {.family = family == ATTR_V4 ? AF_INET : AF_INET6};
    a.port = (uint16_t)(stun_u16(value.p + 2) ^ (mask[0] << 8 | mask[1]));
    for (size_t i = 0; i < value.n - 4; i++)
        a.ip[i] = (uint8_t)((uint8_t)value.p[4 + i] ^ mask[i]);
    *out = a;
    return 0;
}

int attr_address(str value, addr *out)
{
    static const uint8_t none[16];
    return read_address(value, none, out);
}

int attr_xor_address(str value, const stun_msg *m, addr *out)
{
    /* RFC 8489 14.2: the cookie, and for IPv6 the transaction ID behind it; they stand like that in
     * the header. */
    return read_address(value, (const uint8_t *)m->all.p + 4, out);
}

int attr_error(str value, unsigned *code, str *reason)
{
    if (value.n < ERROR_HEAD)
        return -1;
    unsigned class = (uint8_t)value.p[2] & 7, number = (uint8_t)value.p[3];
    if (class < 3 || class > 6 || number > 99)
        return -1;
    *code = class * 100 + number;
    *reason = str_sub(value, ERROR_HEAD, value.n);
    return 0;
}

int attr_family(str value, uint8_t *out)
{
    if (value.n != 4)
        return -1;
    *out = (uint8_t)value.p[0];
    return 0;
}

int attr_channel(str value, uint16_t *out)
{
    if (value.n != 4)
        return -1;
    *out = stun_u16(value.p);
    return 0;
}

int attr_algorithm(str value, uint16_t *out)
{
    if (value.n != 4 || stun_u16(value.p + 2) != 0)
        return -1;
    *out = stun_u16(value.p);
    return 0;
}

str attr_algorithms(void)
{
    return (str){"\0\2\0\0\0\1\0\0", 8};
}

/* ---- writers ---- */

void attr_add(buf *to, attr_type type, str value)
{
    static const char zero[3];
    char head[ATTR_HEAD] = {(char)(type >> 8), (char)type, (char)(value.n >> 8), (char)value.n};
    if (value.n > 65535) {
        to->failed = true;
        return;
    }
    buf_add(to, head, sizeof(head));
    buf_str(to, value);
    buf_add(to, zero, (4 - value.n % 4) % 4);
    if (!buf_failed(to))
        stun_set_length(to, to->n - STUN_HEADER);
}

void attr_add_u32(buf *to, attr_type type, uint32_t value)
{
    char v[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};
    attr_add(to, type, (str){v, sizeof(v)});
}

static void write_address(buf *to, attr_type type, const addr *a, const uint8_t mask[16])
{
    bool v4 = a->family == AF_INET;
    size_t n = v4 ? ADDRESS_V4 : ADDRESS_V6;
    uint16_t port = (uint16_t)(a->port ^ (mask[0] << 8 | mask[1]));
    char v[ADDRESS_V6] = {0, v4 ? ATTR_V4 : ATTR_V6, (char)(port >> 8), (char)port};
    for (size_t i = 0; i < n - 4; i++)
        v[4 + i] = (char)(a->ip[i] ^ mask[i]);
    attr_add(to, type, (str){v, n});
}

void attr_add_address(buf *to, attr_type type, const addr *a)
{
    static const uint8_t none[16];
    write_address(to, type, a, none);
}

void attr_add_xor_address(buf *to, attr_type type, const addr *a)
{
    uint8_t mask[16];
    memcpy(mask, to->p + 4, sizeof(mask));
    write_address(to, type, a, mask);
}

static void write_error(buf *to, attr_type type, uint8_t family, unsigned code, str reason)
{
    char v[ERROR_HEAD + 127] = {(char)family, 0, (char)(code / 100), (char)(code % 100)};
    reason = str_sub(reason, 0, sizeof(v) - ERROR_HEAD);
    if (reason.n)
        memcpy(v + ERROR_HEAD, reason.p, reason.n);
    attr_add(to, type, (str){v, ERROR_HEAD + reason.n});
}

void attr_add_error(buf *to, unsigned code, str reason)
{
    write_error(to, ATTR_ERROR_CODE, 0, code, reason);
}

void attr_add_address_error(buf *to, uint8_t family, unsigned code, str reason)
{
    write_error(to, ATTR_ADDRESS_ERROR_CODE, family, code, reason);
}

void attr_add_unknown(buf *to, const uint16_t *types, size_t n)
{
    char v[2 * ATTR_UNKNOWN_MAX];
    n = n < ATTR_UNKNOWN_MAX ? n : ATTR_UNKNOWN_MAX;
    for (size_t i = 0; i < n; i++) {
        v[2 * i] = (char)(types[i] >> 8);
        v[2 * i + 1] = (char)types[i];
    }
    attr_add(to, ATTR_UNKNOWN_ATTRIBUTES, (str){v, 2 * n});
}

void attr_add_family(buf *to, attr_type type, uint8_t family)
{
    attr_add_u32(to, type, (uint32_t)family << 24);
}

void attr_add_channel(buf *to, uint16_t number)
{
    attr_add_u32(to, ATTR_CHANNEL_NUMBER, (uint32_t)number << 16);
}

void attr_add_icmp(buf *to, uint8_t type, uint8_t code, uint32_t data)
{
    char v[8] = {0,
                 0,
                 (char)type,
                 (char)code,
                 (char)(data >> 24),
                 (char)(data >> 16),
                 (char)(data >> 8),
                 (char)data};
    attr_add(to, ATTR_ICMP, (str){v, sizeof(v)});
}
