/* Flow tokens (RFC 5626 section 5.2): the id of a flow, signed with a key that only this process
 * knows, in characters that are legal in the user part of a URI. The flow is recovered from the
 * token alone; a token that was altered or made elsewhere is not accepted. */
#ifndef VIADUCT_PROXY_TOKEN_H
#define VIADUCT_PROXY_TOKEN_H

#include "base/str.h"

enum { TOKEN_TEXT = 27 };

typedef struct digest_signer token_key;

token_key *token_key_new(void); /* a random one */
void token_key_free(token_key *key);
void token_make(token_key *key, uint64_t id, char out[TOKEN_TEXT]); /* not terminated */

/* 0 and the flow's id, or -1 when the text is no token of this key. */
int token_read(token_key *key, str text, uint64_t *id);

#endif
