#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static void *must(void *p, size_t n)
{
    if (!p) {
        fprintf(stderr, "out of memory: %zu bytes\n", n);
        abort();
    }
    return p;
}

void *mem_alloc(size_t n)
{
    return must(malloc(n ? n : 1), n);
}

void *mem_zalloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1), count);
}

void *mem_realloc(void *p, size_t n)
{
    return must(realloc(p, n ? n : 1), n);
}
