/* Via values and lists of them. */
#include <stdlib.h>

#include "sip/via.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size}, rest = text, item;
    sip_error err = {0, NULL};
    sip_via v;
    int r;
    while ((r = sip_list_next(&rest, &item, &err)) == 1) {
        check(item.n == 0 || (item.p >= text.p && item.p + item.n <= text.p + text.n));
        if (sip_via_parse(item, &v, &err)) {
            check(err.text && err.at <= item.n);
            continue;
        }
        check(v.transport.n && v.host.text.n && sip_via_same_sender(&v, &v));
        check(sip_params_check(v.params, NULL) == 0);
    }
    if (r < 0)
        check(err.text && err.at <= size);
    return 0;
}
