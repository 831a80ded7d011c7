#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_init(buf *b, size_t max)
{
    *b = (buf){.max = max};
}

void buf_free(buf *b)
{
    free(b->p);
    *b = (buf){.max = b->max};
}

void buf_clear(buf *b)
{
    b->n = 0;
    b->failed = false;
}

/* Room for n more bytes, or false and the buffer marked as failed. */
static bool grow(buf *b, size_t n)
{
    if (b->failed || n > b->max - b->n) {
        b->failed = true;
        return false;
    }
    size_t need = b->n + n;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    b->p = mem_realloc(b->p, cap);
    b->cap = cap;
    return true;
}

void buf_add(buf *b, const void *p, size_t n)
{
    if (n && grow(b, n)) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}

void buf_str(buf *b, str s)
{
    buf_add(b, s.p, s.n);
}

void buf_byte(buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_u64(buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_printf(buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
    } else {
        char *line = mem_alloc((size_t)n + 1);
        (void)vsnprintf(line, (size_t)n + 1, fmt, again);
        buf_add(b, line, (size_t)n);
        free(line);
    }
    va_end(again);
}

void buf_take(buf *b, size_t n)
{
    if (n < b->n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

bool buf_failed(const buf *b)
{
    return b->failed;
}

str buf_slice(const buf *b)
{
    return (str){b->p, b->n};
}
