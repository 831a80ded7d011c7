/* What vouches for a STUN message: MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT
 * (RFC 8489 14.5 to 14.7), and the keys of long-term credentials (9.2.2). Text is taken as it is:
 * names and passwords beyond ASCII are to be given as OpaqueString (RFC 8265) makes them. */
#ifndef VIADUCT_TURN_INTEGRITY_H
#define VIADUCT_TURN_INTEGRITY_H

#include "base/digest.h"
#include "turn/attr.h"

/* Longer messages do not pass integrity_check(): no request comes near it. */
enum { INTEGRITY_MAX = 8192 };

typedef struct integrity_key {
    uint8_t p[DIGEST_SHA256];
    size_t n;
} integrity_key;

/* algorithm: ATTR_MD5 or ATTR_SHA256. */
void integrity_long_term(integrity_key *out, uint16_t algorithm, str user, str realm, str password);
void integrity_userhash(uint8_t out[DIGEST_SHA256], str user, str realm);

/* Checks the attribute of that type, either of the two. 0, or -1 when it is absent, malformed or
 * wrong. MESSAGE-INTEGRITY-SHA256 is to have all of its 32 bytes (RFC 8489 14.6: a usage that wants
 * truncation must say so, and TURN does not). */
int integrity_check(const stun_msg *m, attr_type type, str key);
/* 0 when there is none, 1 when it is right, -1 when it is wrong or not the last attribute. */
int integrity_fingerprint(const stun_msg *m);

void integrity_add(buf *to, attr_type type, str key); /* either of the two */
void integrity_add_fingerprint(buf *to);

#endif
