/* Whatever parses is walked, read and checked without going astray; a frame is inside its bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "turn/integrity.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *copy = mem_alloc(n ? n : 1);
    if (n)
        memcpy(copy, p, n);
    str in = {copy, n};
    stun_msg m;
    uint16_t number, types[ATTR_UNKNOWN_MAX];
    str data;
    long size = stun_frame(in);
    if (size > (long)n)
        abort();
    if (stun_channel_data(in, &number, &data) == 0 && (number >> 12 != 4 || data.n > n - 4))
        abort();
    if (stun_parse(in, &m) == 0) {
        attr a;
        size_t at = 0;
        int got;
        if (stun_frame(in) != (long)n)
            abort();
        while ((got = attr_next(&m, &at, &a)) > 0) {
            addr address;
            uint32_t u;
            unsigned code;
            str reason;
            (void)attr_xor_address(a.value, &m, &address);
            (void)attr_u32(a.value, &u);
            if (attr_error(a.value, &code, &reason) == 0 && (code < 300 || code > 699))
                abort();
        }
        if (got != attr_check(&m))
            abort();
        (void)attr_unknown(&m, types);
        (void)integrity_check(&m, ATTR_MESSAGE_INTEGRITY, STR("key"));
        (void)integrity_check(&m, ATTR_MESSAGE_INTEGRITY_SHA256, STR("key"));
        (void)integrity_fingerprint(&m);
    }
    free(copy);
    return 0;
}
