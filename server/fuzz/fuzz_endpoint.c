/* A stream of frames gives the same events and answers however it is cut. First byte: the role and
 * whether frames are reported; second byte: the size of the pieces. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/endpoint.h"

enum { MESSAGE_MAX = 300 };

static void no_random(void *p, size_t n)
{
    memset(p, 0x5a, n);
}

static void run(const endpoint_config *config, const uint8_t *in, size_t size, size_t step,
                buf *log)
{
    endpoint e;
    endpoint_init(&e, config);
    for (size_t from = 0; from < size; from += step) {
        size_t n = size - from < step ? size - from : step;
        char *copy = mem_alloc(n), *p = copy;
        endpoint_event ev;
        memcpy(copy, in + from, n);
        while (endpoint_next(&e, &p, &n, &ev)) {
            buf_byte(log, (char)ev.kind);
            buf_str(log, ev.data);
            if (ev.kind == ENDPOINT_TEXT && !utf8_valid(ev.data))
                abort();
            if (ev.data.n > MESSAGE_MAX)
                abort();
            if (ev.kind == ENDPOINT_ERROR && (ev.at > size || !frame_close_valid(ev.code)))
                abort();
            buf_u64(log, ev.kind == ENDPOINT_ERROR ? ev.at : 0);
            endpoint_answer(&e, &ev, log);
        }
        if (n)
            abort();
        free(copy);
    }
    endpoint_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 3)
        return 0;
    const endpoint_config config = {.client = p[0] & 1,
                                    .report_frames = p[0] & 2,
                                    .max_message = MESSAGE_MAX,
                                    .random = no_random};
    size_t step = (size_t)p[1] + 1;
    buf whole, cut;
    buf_init(&whole, 1 << 24);
    buf_init(&cut, 1 << 24);
    run(&config, p + 2, n - 2, n, &whole);
    run(&config, p + 2, n - 2, step, &cut);
    if (!str_eq(buf_slice(&whole), buf_slice(&cut)))
        abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
