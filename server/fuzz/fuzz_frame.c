/* A frame head that is accepted is exactly the one that the writer makes of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"

static void try(const uint8_t *p, size_t n, bool from_client)
{
    frame_head h;
    frame_error e;
    char *copy = mem_alloc(n ? n : 1);
    memcpy(copy, p, n);
    int size = frame_parse((str){copy, n}, from_client, &h, &e);
    if (size > (int)n || (size < 0) != (e != FRAME_OK))
        abort();
    if (size > 0 && h.length <= n - (size_t)size) {
        buf out;
        buf_init(&out, n + FRAME_HEAD_MAX);
        if (h.masked)
            frame_mask(copy + size, (size_t)h.length, h.key, 0);
        frame_write(&out, h.opcode, h.fin, (str){copy + size, (size_t)h.length},
                    h.masked ? h.key : NULL);
        if (out.n != (size_t)size + h.length || memcmp(out.p, p, out.n) != 0)
            abort();
        buf_free(&out);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    try(p, n, true);
    try(p, n, false);
    return 0;
}
