/* A growing byte buffer with a ceiling. Appending past the ceiling marks the buffer as failed and
 * drops the bytes; a writer checks buf_failed() once at its end instead of after each step. */
#ifndef VIADUCT_BASE_BUF_H
#define VIADUCT_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

typedef struct buf {
    char *p;
    size_t n;    /* bytes used */
    size_t cap;  /* bytes held */
    size_t max;  /* ceiling */
    bool failed; /* something did not fit */
} buf;

void buf_init(buf *b, size_t max); /* holds no memory until the first append */
void buf_free(buf *b);             /* releases the memory; usable again, same ceiling */
void buf_clear(buf *b);            /* forgets bytes and failure, keeps memory */
void buf_add(buf *b, const void *p, size_t n);
void buf_str(buf *b, str s);
void buf_byte(buf *b, char c);
void buf_u64(buf *b, uint64_t v); /* decimal */
void buf_printf(buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_take(buf *b, size_t n); /* removes the first n bytes (n <= b->n) */
bool buf_failed(const buf *b);
str buf_slice(const buf *b); /* valid until the next change */

#endif
