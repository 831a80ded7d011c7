#include "ws/utf8.h"

#include <string.h>

/* What may come next inside a character. The first continuation byte is narrower after E0 and F0
 * (overlong forms), ED (surrogates) and F4 (above U+10FFFF). State 0 is between characters. */
enum { BETWEEN, LAST, LAST_2, LAST_3, AFTER_E0, AFTER_ED, AFTER_F0, AFTER_F4, BAD };

static const struct {
    uint8_t low, high, next;
} inside[] = {
    [LAST] = {0x80, 0xbf, BETWEEN},    [LAST_2] = {0x80, 0xbf, LAST},
    [LAST_3] = {0x80, 0xbf, LAST_2},   [AFTER_E0] = {0xa0, 0xbf, LAST},
    [AFTER_ED] = {0x80, 0x9f, LAST},   [AFTER_F0] = {0x90, 0xbf, LAST_2},
    [AFTER_F4] = {0x80, 0x8f, LAST_2},
};

static inline uint8_t lead(uint8_t c)
{
    if (c < 0x80)
        return BETWEEN;
    if (c < 0xc2 || c > 0xf4)
        return BAD;
    if (c < 0xe0)
        return LAST;
    if (c < 0xf0)
        return c == 0xe0 ? AFTER_E0 : c == 0xed ? AFTER_ED : LAST_2;
    return c == 0xf0 ? AFTER_F0 : c == 0xf4 ? AFTER_F4 : LAST_3;
}

void utf8_init(utf8 *u)
{
    u->state = BETWEEN;
}

/* Offset of the first byte at or after i that is not ASCII. Most SIP is ASCII throughout. */
static size_t skip_ascii(const uint8_t *s, size_t i, size_t n)
{
    uint64_t word[4];
    for (; i + sizeof(word) <= n; i += sizeof(word)) {
        memcpy(word, s + i, sizeof(word));
        if ((word[0] | word[1] | word[2] | word[3]) & 0x8080808080808080U)
            break;
    }
    while (i < n && s[i] < 0x80)
        i++;
    return i;
}

size_t utf8_feed(utf8 *u, const void *p, size_t n)
{
    const uint8_t *s = p;
    uint8_t state = u->state;
    size_t i = 0;
    while (i < n) {
        if (state == BETWEEN) {
            if (s[i] < 0x80) {
                i = skip_ascii(s, i, n);
                continue;
            }
            state = lead(s[i]);
            if (state == BAD)
                return i;
        } else {
            if (s[i] < inside[state].low || s[i] > inside[state].high)
                return i;
            state = inside[state].next;
        }
        i++;
    }
    u->state = state;
    return n;
}

bool utf8_complete(const utf8 *u)
{
    return u->state == BETWEEN;
}

bool utf8_valid(str s)
{
    utf8 u;
    utf8_init(&u);
    return utf8_feed(&u, s.p, s.n) == s.n && utf8_complete(&u);
}
