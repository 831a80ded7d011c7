/* A cursor over a slice, for parsers. Each step takes a mandatory maximum, so that no token is
 * unbounded. A failed step leaves the cursor where it was; cur_at() is then the offset to report.
 */
#ifndef VIADUCT_BASE_CUR_H
#define VIADUCT_BASE_CUR_H

#include "base/str.h"

typedef struct cur {
    str s;
    size_t at; /* offset of the next byte; at <= s.n */
} cur;

typedef bool (*cur_class)(unsigned char c);

cur cur_of(str s);
bool cur_end(const cur *c);
size_t cur_at(const cur *c);
int cur_peek(const cur *c); /* next byte 0..255, or -1 at the end */
str cur_rest(const cur *c); /* what is left, not consumed */

int cur_byte(cur *c, char want);                          /* 0, or -1 */
int cur_lit(cur *c, str want);                            /* 0, or -1 */
int cur_ilit(cur *c, str want);                           /* ASCII case folded */
int cur_span(cur *c, cur_class in, size_t max, str *out); /* 1..max bytes of the class, or -1 */
int cur_span0(cur *c, cur_class in, size_t max,
              str *out); /* 0..max bytes; -1 only when longer than max */
int cur_until(cur *c, char stop, size_t max,
              str *out); /* 0..max bytes before stop; -1 when no stop within */
int cur_u64(cur *c, uint64_t max, uint64_t *out); /* decimal digits, value <= max */
size_t cur_blanks(cur *c, size_t max);            /* skips SP and HTAB; count skipped */

#endif
