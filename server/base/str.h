/* A slice: bytes that somebody else owns. Never NUL-terminated by contract. */
#ifndef VIADUCT_BASE_STR_H
#define VIADUCT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct str {
    const char *p; /* may be NULL only when n is 0 */
    size_t n;      /* bytes */
} str;

/* A slice of a string literal. */
#define STR(lit) ((str){"" lit, sizeof(lit) - 1})
/* For printf("%.*s", STR_FMT(s)). */
#define STR_FMT(s) (int)(s).n, (s).p

str str_of(const char *z); /* slice of a NUL-terminated string; NULL gives the empty slice */
str str_sub(str s, size_t from, size_t n); /* clipped to s: never reaches outside */
str str_trim(str s);                       /* without SP, HTAB, CR and LF at both ends */
bool str_eq(str a, str b);
bool str_ieq(str a, str b); /* ASCII letters compare without case */
bool str_ieqz(str a, const char *z);
bool str_starts(str s, str prefix);
bool str_istarts(str s, str prefix);
int str_cmp(str a, str b); /* memcmp order, a prefix sorts first */

/* Offset of the first c at or after from; s.n when there is none. */
size_t str_chr(str s, char c, size_t from);

/* Decimal number of digits only. Returns 0, or -1 when s is empty, has another byte, or exceeds
 * max; *out is then unchanged. */
int str_u64(str s, uint64_t max, uint64_t *out);

/* FNV-1a over the bytes, seeded; the icase form folds ASCII letters. For hash tables, not for
 * secrets. */
uint64_t str_hash(str s, uint64_t seed);
uint64_t str_ihash(str s, uint64_t seed);

/* NUL-terminated copy that the caller frees. Ends the program when memory is out (see mem.h). */
char *str_dup(str s);

#endif
