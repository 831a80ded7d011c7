#include "ws/frame.h"

#include <string.h>

int frame_parse(str in, bool from_client, frame_head *h, frame_error *e)
{
    const uint8_t *p = (const uint8_t *)in.p;
    *h = (frame_head){0};
    *e = FRAME_OK;
    if (in.n < 1)
        return 0;
    h->fin = p[0] & 0x80;
    h->rsv = (p[0] >> 4) & 7;
    h->opcode = p[0] & 0x0f;
    if (h->rsv)
        *e = FRAME_E_RESERVED;
    else if (h->opcode > FRAME_PONG || (h->opcode > FRAME_BINARY && h->opcode < FRAME_CLOSE))
        *e = FRAME_E_OPCODE;
    else if (frame_is_control(h->opcode) && !h->fin)
        *e = FRAME_E_FRAGMENT;
    if (*e)
        return -1;
    if (in.n < 2)
        return 0;
    h->masked = p[1] & 0x80;
    h->length = p[1] & 0x7f;
    if (h->masked != from_client)
        *e = from_client ? FRAME_E_UNMASKED : FRAME_E_MASKED;
    else if (frame_is_control(h->opcode) && h->length > FRAME_CONTROL_MAX)
        *e = FRAME_E_CONTROL;
    if (*e)
        return -1;
    size_t at = 2, size = h->length == 127 ? 8 : h->length == 126 ? 2 : 0;
    if (size == 8 && in.n > 2 && p[2] & 0x80) {
        *e = FRAME_E_LENGTH;
        return -1;
    }
    if (in.n < at + size)
        return 0;
    if (size) {
        h->length = 0;
        for (; at < 2 + size; at++)
            h->length = h->length << 8 | p[at];
        if (h->length <= (size == 8 ? 0xffff : FRAME_CONTROL_MAX)) {
            *e = FRAME_E_MINIMAL;
            return -1;
        }
    }
    if (h->masked) {
        if (in.n < at + sizeof(h->key))
            return 0;
        memcpy(h->key, p + at, sizeof(h->key));
        at += sizeof(h->key);
    }
    return (int)at;
}

const char *frame_error_text(frame_error e)
{
    switch (e) {
    case FRAME_OK: return "no error";
    case FRAME_E_RESERVED: return "reserved bit set without an extension";
    case FRAME_E_OPCODE: return "unknown opcode";
    case FRAME_E_FRAGMENT: return "fragmented control frame";
    case FRAME_E_CONTROL: return "control frame longer than 125 bytes";
    case FRAME_E_MINIMAL: return "payload length not in its shortest form";
    case FRAME_E_LENGTH: return "payload length with its top bit set";
    case FRAME_E_UNMASKED: return "frame from a client is not masked";
    case FRAME_E_MASKED: return "frame from a server is masked";
    }
    return "unknown error";
}

void frame_mask(void *p, size_t n, const uint8_t key[4], uint64_t at)
{
    uint8_t *s = p;
    uint8_t turned[8];
    uint64_t wide, word;
    for (size_t i = 0; i < sizeof(turned); i++)
        turned[i] = key[(at + i) & 3];
    memcpy(&wide, turned, sizeof(wide));
    size_t i = 0;
    for (; i + sizeof(word) <= n; i += sizeof(word)) {
        memcpy(&word, s + i, sizeof(word));
        word ^= wide;
        memcpy(s + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        s[i] ^= turned[i & 7];
}

void frame_write(buf *out, uint8_t opcode, bool fin, str payload, const uint8_t key[4])
{
    uint8_t head[FRAME_HEAD_MAX];
    uint8_t mask = key ? 0x80 : 0;
    size_t at = 2;
    head[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
    if (payload.n < 126) {
        head[1] = (uint8_t)(mask | payload.n);
    } else {
        size_t size = payload.n > 0xffff ? 8 : 2;
        head[1] = mask | (size == 8 ? 127 : 126);
        for (size_t shift = size; shift-- > 0;)
            head[at++] = (uint8_t)((uint64_t)payload.n >> (8 * shift));
    }
    if (key) {
        memcpy(head + at, key, 4);
        at += 4;
    }
    buf_add(out, head, at);
    buf_str(out, payload);
    if (key && !buf_failed(out))
        frame_mask(out->p + out->n - payload.n, payload.n, key, 0);
}

bool frame_close_valid(uint16_t code)
{
    if (code >= 3000)
        return code < 5000;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}
