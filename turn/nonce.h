/* Nonces without memory (RFC 8489 9.2): the cookie with the security features, the time of making,
 * random bytes, and a MAC over these and the client's address under a key of this process. So each
 * challenge is fresh, none is valid from another address, and a flood of requests costs no state.
 */
#ifndef VIADUCT_TURN_NONCE_H
#define VIADUCT_TURN_NONCE_H

#include "base/addr.h"
#include "base/digest.h"

enum { NONCE_SIZE = 37 };                           /* characters */
enum { NONCE_ALGORITHMS = 1, NONCE_ANONYMITY = 2 }; /* security features, bits 0 and 1 */

typedef struct nonce_maker {
    uint8_t secret[DIGEST_SHA256];
    uint32_t features;
    uint64_t lifetime_ms;
} nonce_maker;

void nonce_init(nonce_maker *m, uint32_t features, uint64_t lifetime_ms);
void nonce_make(const nonce_maker *m, const addr *client, uint64_t now_ms, char out[NONCE_SIZE]);
/* Ours, for this client, and young enough? */
bool nonce_valid(const nonce_maker *m, const addr *client, uint64_t now_ms, str nonce);
/* The features that any nonce states; 0 when it has no cookie. */
uint32_t nonce_features(str nonce);

#endif
