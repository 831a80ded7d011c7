/* One stream of bytes, cut at places that its first byte decides: the events must be the same as
 * when it comes at once, and all bytes be consumed. */
#include <stdlib.h>
#include <string.h>

#include "sip/framing.h"

enum { MAX_HEAD = 512, MAX_BODY = 256, EVENTS_MAX = 4096 };

typedef struct event {
    sip_framing_kind kind;
    sip_framing_error error;
    uint64_t at;
    uint64_t hash;
} event;

static void check(bool ok)
{
    if (!ok)
        abort();
}

static size_t run(str text, size_t step, sip_framing_role role, event *events)
{
    sip_framing f;
    sip_framing_event ev;
    size_t n = 0;
    sip_framing_init(&f, role, MAX_HEAD, MAX_BODY);
    for (size_t at = 0; at < text.n; at += step) {
        str bytes = str_sub(text, at, step);
        while (sip_framing_next(&f, &bytes, &ev)) {
            if (ev.kind == SIP_FRAMING_MESSAGE)
                check(ev.data.n <= MAX_HEAD + MAX_BODY && ev.at + ev.data.n <= text.n &&
                      memcmp(ev.data.p, text.p + ev.at, ev.data.n) == 0);
            if (n < EVENTS_MAX)
                events[n++] = (event){ev.kind, ev.error, ev.at, str_hash(ev.data, 0)};
        }
        check(bytes.n == 0);
    }
    sip_framing_free(&f);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static event whole[EVENTS_MAX], cut[EVENTS_MAX];
    if (size < 2)
        return 0;
    str text = {(const char *)data + 1, size - 1};
    sip_framing_role role = data[0] & 1 ? SIP_FRAMING_CLIENT : SIP_FRAMING_SERVER;
    size_t n = run(text, text.n, role, whole);
    check(n == run(text, (size_t)(data[0] >> 1) + 1, role, cut));
    for (size_t i = 0; i < n; i++)
        check(whole[i].kind == cut[i].kind && whole[i].error == cut[i].error &&
              whole[i].at == cut[i].at && whole[i].hash == cut[i].hash);
    return 0;
}
