#include "base/str.h"

#include <string.h>

#include "base/mem.h"

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= 'A' && u <= 'Z') ? (unsigned char)(u + 32) : u;
}

str str_of(const char *z)
{
    return z ? (str){z, strlen(z)} : (str){NULL, 0};
}

str str_sub(str s, size_t from, size_t n)
{
    if (from >= s.n)
        return (str){NULL, 0};
    if (n > s.n - from)
        n = s.n - from;
    return (str){s.p + from, n};
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

str str_trim(str s)
{
    while (s.n && blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_ieq(str a, str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_ieqz(str a, const char *z)
{
    return str_ieq(a, str_of(z));
}

bool str_starts(str s, str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_istarts(str s, str prefix)
{
    return s.n >= prefix.n && str_ieq(str_sub(s, 0, prefix.n), prefix);
}

int str_cmp(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

size_t str_chr(str s, char c, size_t from)
{
    if (from >= s.n)
        return s.n;
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : s.n;
}

int str_u64(str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        uint64_t d = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            return -1;
        v = v * 10 + d;
    }
    if (v > max)
        return -1;
    *out = v;
    return 0;
}

uint64_t str_hash(str s, uint64_t seed)
{
    uint64_t h = 14695981039346656037ULL ^ seed;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211ULL;
    return h;
}

uint64_t str_ihash(str s, uint64_t seed)
{
    uint64_t h = 14695981039346656037ULL ^ seed;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ lower(s.p[i])) * 1099511628211ULL;
    return h;
}

char *str_dup(str s)
{
    char *z = mem_alloc(s.n + 1);
    if (s.n)
        memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    return z;
}
