#include "proxy/token.h"

#include <string.h>

#include "base/digest.h"
#include "fault/fault.h"

/* version (1), flow id (8), HMAC-SHA256 cut to 88 bits */
enum { VERSION = 1, FACTS = 9, MAC = 11, RAW = FACTS + MAC };

token_key *token_key_new(void)
{
    char key[DIGEST_SHA256];
    digest_random(key, sizeof(key));
    return digest_signer_new((str){key, sizeof(key)});
}

void token_key_free(token_key *key)
{
    digest_signer_free(key);
}

void token_make(token_key *key, uint64_t id, char out[TOKEN_TEXT])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t raw[RAW + 1] = {VERSION}, mac[DIGEST_SHA256]; /* one zero byte for the last sextets */
    for (int i = 0; i < 8; i++)
        raw[1 + i] = (uint8_t)(id >> (56 - 8 * i));
    digest_sign(key, (str){(const char *)raw, FACTS}, mac);
    memcpy(raw + FACTS, mac, MAC);
    for (size_t i = 0; i < TOKEN_TEXT; i++) {
        size_t bit = i * 6, byte = bit / 8;
        unsigned two = (unsigned)raw[byte] << 8 | (byte + 1 <= RAW ? raw[byte + 1] : 0u);
        out[i] = letters[two >> (10 - bit % 8) & 63];
    }
}

int token_read(token_key *key, str text, uint64_t *id)
{
    uint8_t raw[RAW], mac[DIGEST_SHA256];
    if (text.n != TOKEN_TEXT || digest_unbase64url(text, raw, sizeof(raw)) != RAW)
        return -1;
    if (raw[0] != VERSION)
        return -1;
    digest_sign(key, (str){(const char *)raw, FACTS}, mac);
    if (!digest_eq(mac, raw + FACTS, MAC) && !fault_on(FAULT_TOKEN_UNSIGNED))
        return -1;
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | raw[1 + i];
    *id = v;
    return 0;
}
