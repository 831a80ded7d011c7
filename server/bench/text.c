#include "bench/text.h"

#include <string.h>

size_t text_find(str s, str what)
{
    const char *hit = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

/* The next line of the head from *at on, without its CRLF; false behind the last one. */
static bool next_line(str s, size_t *at, str *line)
{
    size_t end = *at + text_find(str_sub(s, *at, s.n), STR("\r\n"));
    if (*at >= s.n || end == *at || end >= s.n)
        return false;
    *line = str_sub(s, *at, end - *at);
    *at = end + 2;
    return true;
}

static bool is_header(str line, str name)
{
    return line.n > name.n && line.p[name.n] == ':' && str_istarts(line, name);
}

str text_header(str message, str name, size_t nth)
{
    size_t at = 0;
    str line;
    while (next_line(message, &at, &line))
        if (is_header(line, name) && nth-- == 0)
            return str_trim(str_sub(line, name.n + 1, line.n));
    return (str){NULL, 0};
}

size_t text_number(str message, str name)
{
    uint64_t n = 0;
    (void)str_u64(text_header(message, name, 0), 1 << 20, &n); /* absent or odd counts as 0 */
    return (size_t)n;
}

void text_copy(buf *out, str message, str name)
{
    size_t at = 0;
    str line;
    while (next_line(message, &at, &line)) {
        if (is_header(line, name)) {
            buf_str(out, line);
            buf_str(out, STR("\r\n"));
        }
    }
}

str text_uri(str value)
{
    size_t open = str_chr(value, '<', 0);
    if (open < value.n)
        return str_sub(value, open + 1, str_chr(value, '>', open) - open - 1);
    return str_sub(value, 0, str_chr(value, ';', 0));
}
