/* Whatever a request says, the answer is one well-formed response; and any response is judged. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "ws/handshake.h"

static const str paths[] = {{"/ws", 3}};
static const str origins[] = {{"https://good.example", 20}};
static const handshake_policy policies[] = {
    {.paths = paths,
     .path_count = 1,
     .origins = origins,
     .origin_count = 1,
     .subprotocol = {"sip", 3}},
    {.paths = NULL},
};
static const handshake_offer offer = {
    .host = {"a", 1}, .target = {"/", 1}, .subprotocol = {"sip", 3}, .key = "the sample nonce"};

static void answer(const http_head *h, const handshake_policy *policy)
{
    buf out;
    http_head back;
    handshake_verdict v;
    buf_init(&out, HTTP_HEAD_MAX);
    int status = handshake_answer(h, policy, &out, &v);
    str rest = buf_slice(&out);
    long n = http_response(rest, &back);
    if (n > 0 && back.status == 100) {
        rest = str_sub(rest, (size_t)n, rest.n);
        n = http_response(rest, &back);
    }
    if (n <= 0 || back.status != status || v.status != status || !v.why || buf_failed(&out))
        abort();
    if (status == 101 && (size_t)n != rest.n)
        abort();
    (void)handshake_wanted(h, policy, true);
    (void)handshake_wanted(h, policy, false);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    http_head h;
    str in = {(const char *)p, n};
    if (http_request(in, &h) > 0)
        for (size_t i = 0; i < 2; i++)
            answer(&h, &policies[i]);
    if (http_response(in, &h) > 0)
        (void)handshake_check(&h, &offer);
    return 0;
}
