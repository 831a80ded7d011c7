/* UTF-8 as RFC 3629 defines it, checked as the bytes come: no overlong form, no surrogate, nothing
 * above U+10FFFF. A byte that no valid text can have at its place is reported as soon as it is
 * there, so a receiver can fail fast (RFC 6455 section 8.1). */
#ifndef VIADUCT_WS_UTF8_H
#define VIADUCT_WS_UTF8_H

#include "base/str.h"

typedef struct utf8 {
    uint8_t state; /* 0 between characters */
} utf8;

void utf8_init(utf8 *u);

/* Checks the next bytes of the text. Returns how many are good: n when all are (the last character
 * may still be incomplete), else the offset of the first bad byte; u is then to be thrown away. */
size_t utf8_feed(utf8 *u, const void *p, size_t n);

bool utf8_complete(const utf8 *u); /* does the text end between characters? */
bool utf8_valid(str s);            /* a whole text at once */

#endif
