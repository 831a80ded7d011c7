/* Looks up header lines in well-formed SIP text, as the load generator needs it. */
#ifndef VIADUCT_BENCH_TEXT_H
#define VIADUCT_BENCH_TEXT_H

#include "base/buf.h"

size_t text_find(str s, str what); /* offset, or s.n when it is not there */
/* Value of the nth (from 0) header line of that name in a head; empty when there is none. */
str text_header(str message, str name, size_t nth);
size_t text_number(str message, str name); /* decimal value of a header, 0 when absent */
/* Appends all lines of that header as they stand. */
void text_copy(buf *out, str message, str name);
/* What stands between < and > in a value, or the value up to the first ';'. */
str text_uri(str value);

#endif
