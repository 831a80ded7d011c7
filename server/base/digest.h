/* Hashes, base64 and randomness, over OpenSSL. Out-buffers are the caller's. */
#ifndef VIADUCT_BASE_DIGEST_H
#define VIADUCT_BASE_DIGEST_H

#include "base/buf.h"

enum { DIGEST_MD5 = 16, DIGEST_SHA1 = 20, DIGEST_SHA256 = 32 }; /* bytes */

void digest_md5(str in, uint8_t out[DIGEST_MD5]); /* for Digest authentication only */
void digest_sha1(str in, uint8_t out[DIGEST_SHA1]);
void digest_sha256(str in, uint8_t out[DIGEST_SHA256]);
void digest_hmac_sha1(str key, str in, uint8_t out[DIGEST_SHA1]);
void digest_hmac_sha256(str key, str in, uint8_t out[DIGEST_SHA256]);

/* HMAC-SHA256 with a key of one's own, for many short texts: several times faster than the call
 * above, which sets OpenSSL up anew each time. */
typedef struct digest_signer digest_signer;
digest_signer *digest_signer_new(str key); /* the key is copied */
void digest_signer_free(digest_signer *s);
void digest_sign(digest_signer *s, str in, uint8_t out[DIGEST_SHA256]);

/* RFC 4648: base64 with padding (section 4), base64url without (section 5). */
void digest_base64(buf *to, str in);
void digest_base64url(buf *to, str in);
/* Strict decoding (right alphabet, right padding, zero trailing bits): bytes written, or -1 when
 * the text is malformed or holds more than max bytes. */
long digest_unbase64(str text, uint8_t *out, size_t max);
long digest_unbase64url(str text, uint8_t *out, size_t max);

void digest_hex(buf *to, str in);        /* lower case */
void digest_random(void *out, size_t n); /* ends the program when the system has none */
uint64_t digest_random_u64(void);
bool digest_eq(const void *a, const void *b, size_t n); /* time does not depend on the content */

#endif
