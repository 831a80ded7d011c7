/* Faults at the wire's edge: bytes of the WebSocket layer changed on their way out or in, so that
 * the layer itself needs no wrong code. */
#include "fault/fault.h"
#include "transport/inside.h"

#ifdef VIADUCT_FAULTS

#include <string.h>

static void set_header(http_head *h, str name, str value)
{
    for (size_t i = 0; i < h->count; i++)
        if (str_ieq(h->headers[i].name, name))
            h->headers[i].value = value;
}

void mangle_request(http_head *h, handshake_policy *p)
{
    if (fault_on(FAULT_WS_VERSION_ANY))
        set_header(h, STR("Sec-WebSocket-Version"), STR("13"));
    if (fault_on(FAULT_WS_PATH_ANY))
        p->path_count = 0;
    if (fault_on(FAULT_WS_SUBPROTOCOL_UNASKED) &&
        !http_has_token(h, STR("Sec-WebSocket-Protocol"), STR("sip")))
        p->subprotocol = (str){NULL, 0};
}

/* Puts text in place of n bytes at an offset. */
static void replace(buf *b, size_t at, size_t n, str text)
{
    buf tail;
    buf_init(&tail, b->n);
    buf_add(&tail, b->p + at + n, b->n - at - n);
    b->n = at;
    buf_str(b, text);
    buf_str(b, buf_slice(&tail));
    buf_free(&tail);
}

/* Offset of the header line (with its CRLF: *n bytes), or false. */
static bool find_line(const buf *b, const char *name, size_t *at, size_t *n)
{
    char *line = memmem(b->p, b->n, name, strlen(name));
    char *end = line ? memmem(line, b->n - (size_t)(line - b->p), "\r\n", 2) : NULL;
    if (!end)
        return false;
    *at = (size_t)(line - b->p);
    *n = (size_t)(end - line) + 2;
    return true;
}

void mangle_answer(buf *out)
{
    size_t at, n;
    if (find_line(out, "Sec-WebSocket-Protocol:", &at, &n)) {
        if (fault_on(FAULT_WS_SUBPROTOCOL_MISSING))
            replace(out, at, n, STR(""));
        else if (fault_on(FAULT_WS_SUBPROTOCOL_FOREIGN))
            replace(out, at, n, STR("Sec-WebSocket-Protocol: chat\r\n"));
    }
    if (!find_line(out, "Sec-WebSocket-Accept:", &at, &n))
        return;
    if (fault_on(FAULT_WS_ACCEPT_WRONG))
        replace(out, at, n, STR("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    if (fault_on(FAULT_WS_EXTENSION_UNASKED))
        replace(out, at, 0, STR("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
}

/* One frame with its length in the 64-bit form. */
static void write_long(buf *out, const frame_head *h, str payload)
{
    buf_byte(out, (char)(h->opcode | (h->fin ? 0x80 : 0)));
    buf_byte(out, 127);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_byte(out, (char)(h->length >> shift));
    buf_str(out, payload);
}

void mangle_frames(buf *out)
{
    if (!fault_on(FAULT_WS_FRAMES_MASKED) && !fault_on(FAULT_WS_RSV_SET) &&
        !fault_on(FAULT_WS_LENGTH_LONG))
        return;
    buf changed;
    buf_init(&changed, 2 * out->n + FRAME_HEAD_MAX);
    str left = buf_slice(out);
    frame_head h;
    frame_error e;
    int size;
    while (left.n && (size = frame_parse(left, false, &h, &e)) > 0) {
        str payload = str_sub(left, (size_t)size, (size_t)h.length);
        left = str_sub(left, (size_t)size + payload.n, left.n);
        size_t start = changed.n;
        static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
        if (fault_on(FAULT_WS_LENGTH_LONG))
            write_long(&changed, &h, payload);
        else
            frame_write(&changed, h.opcode, h.fin, payload,
                        fault_on(FAULT_WS_FRAMES_MASKED) ? key : NULL);
        if (fault_on(FAULT_WS_RSV_SET))
            changed.p[start] = (char)(changed.p[start] | 0x40);
    }
    out->n = 0;
    out->max = out->max > changed.n ? out->max : changed.n;
    buf_str(out, buf_slice(&changed));
    buf_free(&changed);
}

bool mangle_reading(void)
{
    return fault_on(FAULT_WS_UNMASKED_ACCEPTED) || fault_on(FAULT_WS_UTF8_LENIENT) ||
           fault_on(FAULT_WS_FRAGMENTS_LOST);
}

void mangle_input(buf *held, buf *ready)
{
    for (;;) {
        frame_head h = {0};
        frame_error e;
        str in = buf_slice(held);
        /* Which of the two roles wrote the frame is told by the mask bit itself. */
        bool masked = in.n > 1 && (in.p[1] & 0x80);
        int size = in.n > 1 ? frame_parse(in, masked, &h, &e) : 0;
        if (size < 0 || (!masked && in.n > 1 && !fault_on(FAULT_WS_UNMASKED_ACCEPTED))) {
            buf_str(ready, in); /* the layer says what is wrong with it */
            buf_clear(held);
            return;
        }
        if (size == 0 || h.length > in.n - (size_t)size)
            return;
        char *payload = held->p + size;
        if (masked)
            frame_mask(payload, (size_t)h.length, h.key, 0);
        uint8_t opcode = h.opcode;
        if (opcode == FRAME_TEXT && fault_on(FAULT_WS_UTF8_LENIENT))
            opcode = FRAME_BINARY;
        bool lose = fault_on(FAULT_WS_FRAGMENTS_LOST);
        static const uint8_t zero[4];
        if (!(lose && opcode == FRAME_CONTINUATION))
            frame_write(ready, opcode, h.fin || lose, (str){payload, (size_t)h.length}, zero);
        buf_take(held, (size_t)size + (size_t)h.length);
    }
}

#else

void mangle_request(http_head *h, handshake_policy *p)
{
    (void)h;
    (void)p;
}

void mangle_answer(buf *out)
{
    (void)out;
}

void mangle_frames(buf *out)
{
    (void)out;
}

bool mangle_reading(void)
{
    return false;
}

void mangle_input(buf *held, buf *ready)
{
    (void)held;
    (void)ready;
}

#endif
