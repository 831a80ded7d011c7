/* The attributes of STUN and TURN (RFC 8489 14, RFC 8656 18): walking over those of a message,
 * reading their values, and writing them. A message being written is a buffer that begins with its
 * header (stun_begin()); each writer keeps the header's length right. Sans I/O. */
#ifndef VIADUCT_TURN_ATTR_H
#define VIADUCT_TURN_ATTR_H

#include "base/addr.h"
#include "turn/stun.h"

typedef enum attr_type {
    ATTR_MAPPED_ADDRESS = 0x0001,
    ATTR_USERNAME = 0x0006,
    ATTR_MESSAGE_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN_ATTRIBUTES = 0x000A,
    ATTR_CHANNEL_NUMBER = 0x000C,
    ATTR_LIFETIME = 0x000D,
    ATTR_XOR_PEER_ADDRESS = 0x0012,
    ATTR_DATA = 0x0013,
    ATTR_REALM = 0x0014,
    ATTR_NONCE = 0x0015,
    ATTR_XOR_RELAYED_ADDRESS = 0x0016,
    ATTR_REQUESTED_ADDRESS_FAMILY = 0x0017,
    ATTR_EVEN_PORT = 0x0018,
    ATTR_REQUESTED_TRANSPORT = 0x0019,
    ATTR_DONT_FRAGMENT = 0x001A,
    ATTR_MESSAGE_INTEGRITY_SHA256 = 0x001C,
    ATTR_PASSWORD_ALGORITHM = 0x001D,
    ATTR_USERHASH = 0x001E,
    ATTR_XOR_MAPPED_ADDRESS = 0x0020,
    ATTR_RESERVATION_TOKEN = 0x0022,
    ATTR_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
    ATTR_ADDRESS_ERROR_CODE = 0x8001,
    ATTR_PASSWORD_ALGORITHMS = 0x8002,
    ATTR_ALTERNATE_DOMAIN = 0x8003,
    ATTR_ICMP = 0x8004,
    ATTR_SOFTWARE = 0x8022,
    ATTR_ALTERNATE_SERVER = 0x8023,
    ATTR_FINGERPRINT = 0x8028,
} attr_type;

enum { ATTR_V4 = 1, ATTR_V6 = 2 };      /* address families as attributes number them */
enum { ATTR_MD5 = 1, ATTR_SHA256 = 2 }; /* password algorithms (RFC 8489 18.5) */
enum { ATTR_HEAD = 4, ATTR_TOKEN = 8, ATTR_UNKNOWN_MAX = 32 };

typedef struct attr {
    uint16_t type;
    str value; /* without padding */
    size_t at; /* offset of its head in the message */
} attr;

/* The attribute at *at (begin with 0), which moves on behind it. 1, 0 at the end, -1 when it runs
 * past the message. */
int attr_next(const stun_msg *m, size_t *at, attr *out);
int attr_check(const stun_msg *m); /* 0, or -1 when the attributes do not fit the message exactly */
/* The first attribute of that type; of several only the first counts. Those behind the integrity
 * attributes, which nobody vouches for, are not found, but for MESSAGE-INTEGRITY-SHA256 behind
 * MESSAGE-INTEGRITY and FINGERPRINT behind both (RFC 8489 14.5, 14.6). */
bool attr_find(const stun_msg *m, attr_type type, attr *out);
bool attr_has(const stun_msg *m, attr_type type);
/* attr_next() over attributes that attr_find() may find. */
int attr_next_vouched(const stun_msg *m, size_t *at, attr *out);
/* Types of the comprehension-required attributes that this server does not know, without
 * repetition; at most ATTR_UNKNOWN_MAX. */
size_t attr_unknown(const stun_msg *m, uint16_t out[ATTR_UNKNOWN_MAX]);

/* Values. 0, or -1 and *out unchanged when the value has not the form of its type. */
int attr_u32(str value, uint32_t *out);
int attr_address(str value, addr *out); /* MAPPED-ADDRESS, ALTERNATE-SERVER */
int attr_xor_address(str value, const stun_msg *m, addr *out); /* the XOR- ones */
int attr_error(str value, unsigned *code, str *reason);        /* 300..699 */
int attr_family(str value, uint8_t *out);                      /* the byte as it is, known or not */
int attr_channel(str value, uint16_t *out);
int attr_algorithm(str value, uint16_t *out); /* PASSWORD-ALGORITHM; parameters must be empty */

/* Writers. */
void attr_add(buf *to, attr_type type, str value);
void attr_add_u32(buf *to, attr_type type, uint32_t value);
void attr_add_address(buf *to, attr_type type, const addr *a);
void attr_add_xor_address(buf *to, attr_type type, const addr *a);
void attr_add_error(buf *to, unsigned code, str reason);
void attr_add_address_error(buf *to, uint8_t family, unsigned code, str reason);
void attr_add_unknown(buf *to, const uint16_t *types, size_t n);
void attr_add_family(buf *to, attr_type type, uint8_t family);
void attr_add_channel(buf *to, uint16_t number);
void attr_add_icmp(buf *to, uint8_t type, uint8_t code, uint32_t data);
/* The value of PASSWORD-ALGORITHMS that this server offers: SHA-256, then MD5. */
str attr_algorithms(void);

#endif
