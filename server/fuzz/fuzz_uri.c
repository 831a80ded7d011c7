/* URIs, alone and as addresses: what is accepted is equal to itself, and its key parses to the same
 * key again. */
#include <stdlib.h>

#include "sip/addr.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    sip_error err = {0, NULL};
    sip_addr a;
    sip_uri u, again;
    buf key, second;
    if (sip_addr_parse(text, &a, &err))
        check(err.text && err.at <= size);
    if (sip_uri_parse(text, &u, &err)) {
        check(err.text && err.at <= size);
        return 0;
    }
    check(sip_uri_eq(&u, &u));
    if (u.scheme == SIP_SCHEME_SIP || u.scheme == SIP_SCHEME_SIPS) {
        buf_init(&key, size * 3 + 64);
        buf_init(&second, size * 3 + 64);
        sip_uri_aor(&key, &u);
        check(sip_uri_parse(buf_slice(&key), &again, NULL) == 0);
        sip_uri_aor(&second, &again);
        check(str_eq(buf_slice(&key), buf_slice(&second)));
        sip_unescape(&second, u.user);
        buf_free(&key);
        buf_free(&second);
    }
    return 0;
}
