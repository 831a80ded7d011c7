/* Heads of requests and responses, whole and cut: what a prefix says is never taken back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/http.h"

static long parse(long (*parser)(str, http_head *), const uint8_t *p, size_t n, http_head *h)
{
    char *copy = mem_alloc(n ? n : 1);
    memcpy(copy, p, n);
    long r = parser((str){copy, n}, h);
    free(copy);
    return r;
}

static void ask(const http_head *h)
{
    http_target t;
    uint64_t length;
    (void)http_target_of(h, &t);
    (void)http_body_length(h, &length);
    (void)http_keeps_alive(h);
    for (size_t i = 0; i < h->count; i++) {
        http_list l = http_list_of(h, h->headers[i].name);
        str element;
        while (http_list_next(&l, &element))
            if (!element.n)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    long (*const parsers[])(str, http_head *) = {http_request, http_response};
    if (n < 2)
        return 0;
    size_t cut = ((size_t)p[0] << 8 | p[1]) % (n - 1);
    p += 2;
    n -= 2;
    for (size_t i = 0; i < 2; i++) {
        http_head whole, part;
        long all = parsers[i]((str){(const char *)p, n}, &whole);
        long some = parse(parsers[i], p, cut, &part);
        if (all > (long)n || (all < 0 && (whole.error == HTTP_OK || whole.at > n)))
            abort();
        if (some != 0 && some != all)
            abort();
        if (some == 0 && all > 0 && (size_t)all <= cut)
            abort();
        if (all > 0)
            ask(&whole);
    }
    (void)http_looks_like((str){(const char *)p, n});
    return 0;
}
