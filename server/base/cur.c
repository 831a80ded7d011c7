#include "base/cur.h"

cur cur_of(str s)
{
    return (cur){s, 0};
}

bool cur_end(const cur *c)
{
    return c->at >= c->s.n;
}

size_t cur_at(const cur *c)
{
    return c->at;
}

int cur_peek(const cur *c)
{
    return cur_end(c) ? -1 : (unsigned char)c->s.p[c->at];
}

str cur_rest(const cur *c)
{
    return str_sub(c->s, c->at, c->s.n - c->at);
}

int cur_byte(cur *c, char want)
{
    if (cur_end(c) || c->s.p[c->at] != want)
        return -1;
    c->at++;
    return 0;
}

int cur_lit(cur *c, str want)
{
    if (!str_starts(cur_rest(c), want))
        return -1;
    c->at += want.n;
    return 0;
}

int cur_ilit(cur *c, str want)
{
    if (!str_istarts(cur_rest(c), want))
        return -1;
    c->at += want.n;
    return 0;
}

int cur_span0(cur *c, cur_class in, size_t max, str *out)
{
    size_t n = 0, left = c->s.n - c->at;
    while (n < left && in((unsigned char)c->s.p[c->at + n])) {
        if (n == max)
            return -1;
        n++;
    }
    *out = (str){c->s.p + c->at, n};
    c->at += n;
    return 0;
}

int cur_span(cur *c, cur_class in, size_t max, str *out)
{
    if (cur_end(c) || !in((unsigned char)c->s.p[c->at]))
        return -1;
    return cur_span0(c, in, max, out);
}

int cur_until(cur *c, char stop, size_t max, str *out)
{
    size_t hit = str_chr(c->s, stop, c->at);
    if (hit == c->s.n || hit - c->at > max)
        return -1;
    *out = (str){c->s.p + c->at, hit - c->at};
    c->at = hit;
    return 0;
}

static bool digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

int cur_u64(cur *c, uint64_t max, uint64_t *out)
{
    size_t start = c->at;
    str digits;
    if (cur_span(c, digit, 20, &digits) || str_u64(digits, max, out)) {
        c->at = start;
        return -1;
    }
    return 0;
}

size_t cur_blanks(cur *c, size_t max)
{
    size_t n = 0;
    while (n < max && !cur_end(c) && (c->s.p[c->at] == ' ' || c->s.p[c->at] == '\t')) {
        c->at++;
        n++;
    }
    return n;
}
