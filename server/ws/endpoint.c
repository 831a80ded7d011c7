#include "ws/endpoint.h"

#include <string.h>

/* A Close reason leaves room for the code. */
enum { REASON_MAX = FRAME_CONTROL_MAX - 2 };

void endpoint_init(endpoint *e, const endpoint_config *config)
{
    *e = (endpoint){.config = config};
    buf_init(&e->message, config->max_message);
    buf_init(&e->control, FRAME_CONTROL_MAX);
}

void endpoint_free(endpoint *e)
{
    buf_free(&e->message);
    buf_free(&e->control);
}

static void consume(endpoint *e, char **p, size_t *n, size_t count)
{
    *p += count;
    *n -= count;
    e->fed += count;
}

/* Nothing is processed after this (section 7.1.7). */
static bool fail(endpoint *e, endpoint_event *ev, uint16_t code, const char *why, uint64_t at)
{
    e->failed = e->peer_done = true;
    endpoint_free(e);
    *ev = (endpoint_event){.kind = ENDPOINT_ERROR, .code = code, .why = why, .at = at};
    return true;
}

/* What a head means after the frames before it: NULL, or why it breaks a rule. */
static const char *out_of_order(const endpoint *e)
{
    if (frame_is_control(e->frame.opcode))
        return NULL;
    if (e->frame.opcode == FRAME_CONTINUATION)
        return e->opcode ? NULL : "continuation frame without a message to continue";
    return e->opcode ? "new message before the last fragment of the one before" : NULL;
}

/* Takes a head from what is left over of earlier input and the new one. Returns 1 when a frame
 * begins, 0 when more is needed, -1 with *ev filled when it is broken. */
static int begin_frame(endpoint *e, char **p, size_t *n, endpoint_event *ev)
{
    frame_error wrong;
    size_t had = e->head_size, add = sizeof(e->head) - had;
    if (add > *n)
        add = *n;
    memcpy(e->head + had, *p, add);
    str head = {(const char *)e->head, had + add};
    int size = frame_parse(head, !e->config->client, &e->frame, &wrong);
    if (size == 0) {
        e->head_size = (uint8_t)head.n;
        consume(e, p, n, add);
        return 0;
    }
    uint64_t start = e->fed - had;
    const char *why = size < 0 ? frame_error_text(wrong) : out_of_order(e);
    if (why) {
        fail(e, ev, CLOSE_PROTOCOL, why, start);
        return -1;
    }
    if (!frame_is_control(e->frame.opcode) &&
        e->frame.length > e->config->max_message - e->message.n) {
        fail(e, ev, CLOSE_TOO_BIG, "message is too long", start);
        return -1;
    }
    consume(e, p, n, (size_t)size - had);
    e->head_size = 0;
    e->in_frame = true;
    e->at = 0;
    if (e->frame.opcode == FRAME_TEXT || e->frame.opcode == FRAME_BINARY) {
        e->opcode = e->frame.opcode;
        utf8_init(&e->text);
    }
    return 1;
}

/* Unmasks and checks the payload bytes that are there. A payload that lies whole in the input and
 * is a message by itself stays there, others move to their buffer. Returns 1 when the frame is
 * complete, 0 when more is needed, -1 with *ev filled when the text is bad. */
static int take_payload(endpoint *e, char **p, size_t *n, endpoint_event *ev)
{
    frame_head *h = &e->frame;
    bool control = frame_is_control(h->opcode);
    bool whole = e->at == 0 && h->length <= *n && (control || e->message.n == 0) && h->fin;
    size_t count = h->length - e->at < *n ? (size_t)(h->length - e->at) : *n;
    if (h->masked)
        frame_mask(*p, count, h->key, e->at);
    if (!control && e->opcode == FRAME_TEXT) {
        size_t good = utf8_feed(&e->text, *p, count);
        uint64_t end = e->fed + count;
        bool ends = h->fin && e->at + count == h->length;
        if (good < count || (ends && !utf8_complete(&e->text))) {
            fail(e, ev, CLOSE_INVALID, "text is not UTF-8", good < count ? e->fed + good : end);
            return -1;
        }
    }
    if (whole)
        e->whole = (str){*p, count};
    else
        buf_add(control ? &e->control : &e->message, *p, count);
    e->at += count;
    consume(e, p, n, count);
    if (e->at < h->length)
        return 0;
    e->in_frame = false;
    e->pending = true;
    return 1;
}

/* The payload of the frame just completed, or of the message it completes. */
static str payload_of(const endpoint *e, bool of_message)
{
    if (e->whole.p)
        return e->whole;
    if (frame_is_control(e->frame.opcode))
        return buf_slice(&e->control);
    str all = buf_slice(&e->message);
    return of_message ? all : str_sub(all, all.n - (size_t)e->frame.length, all.n);
}

static bool closed_by_peer(endpoint *e, str payload, endpoint_event *ev)
{
    uint64_t start = e->fed - payload.n;
    ev->kind = ENDPOINT_CLOSE;
    ev->code = CLOSE_NONE;
    if (payload.n == 1)
        return fail(e, ev, CLOSE_PROTOCOL, "Close with half a code", start);
    if (payload.n) {
        const uint8_t *p = (const uint8_t *)payload.p;
        ev->code = (uint16_t)(p[0] << 8 | p[1]);
        ev->data = str_sub(payload, 2, payload.n);
        if (!frame_close_valid(ev->code))
            return fail(e, ev, CLOSE_PROTOCOL, "Close with a code that may not be sent", start);
        if (!utf8_valid(ev->data))
            return fail(e, ev, CLOSE_INVALID, "Close reason is not UTF-8", start + 2);
    }
    e->peer_done = true;
    return true;
}

/* The event that the completed frame causes; false when it causes none (a fragment). */
static bool deliver(endpoint *e, endpoint_event *ev)
{
    uint8_t opcode = e->frame.opcode;
    *ev = (endpoint_event){.data = payload_of(e, true)};
    e->pending = false;
    e->release = e->frame.fin;
    e->whole = (str){NULL, 0};
    switch (opcode) {
    case FRAME_CLOSE: return closed_by_peer(e, ev->data, ev);
    case FRAME_PING: ev->kind = ENDPOINT_PING; return true;
    case FRAME_PONG: ev->kind = ENDPOINT_PONG; return true;
    default: break;
    }
    if (!e->frame.fin)
        return false;
    ev->kind = e->opcode == FRAME_TEXT ? ENDPOINT_TEXT : ENDPOINT_BINARY;
    e->opcode = 0;
    return true;
}

/* Lets go of the buffer that the last event pointed into. */
static void release(endpoint *e)
{
    if (!e->release)
        return;
    e->release = false;
    buf_free(frame_is_control(e->frame.opcode) ? &e->control : &e->message);
}

bool endpoint_next(endpoint *e, char **p, size_t *n, endpoint_event *ev)
{
    release(e);
    for (;;) {
        if (e->pending && deliver(e, ev))
            return true;
        if (e->peer_done) {
            consume(e, p, n, *n);
            return false;
        }
        int r = e->in_frame ? 1 : *n ? begin_frame(e, p, n, ev) : 0;
        if (r > 0)
            r = take_payload(e, p, n, ev);
        if (r < 0)
            return true;
        if (r == 0)
            return false;
        if (e->config->report_frames) {
            *ev = (endpoint_event){
                .kind = ENDPOINT_FRAME, .frame = e->frame, .data = payload_of(e, false)};
            return true;
        }
    }
}

static void write_frame(endpoint *e, uint8_t opcode, str payload, buf *out)
{
    uint8_t key[4];
    if (e->config->client)
        e->config->random(key, sizeof(key));
    frame_write(out, opcode, true, payload, e->config->client ? key : NULL);
}

static int send_open(endpoint *e, uint8_t opcode, str data, buf *out)
{
    if (endpoint_closing(e))
        return -1;
    write_frame(e, opcode, data, out);
    return 0;
}

int endpoint_text(endpoint *e, str data, buf *out)
{
    return send_open(e, FRAME_TEXT, data, out);
}

int endpoint_binary(endpoint *e, str data, buf *out)
{
    return send_open(e, FRAME_BINARY, data, out);
}

int endpoint_ping(endpoint *e, str data, buf *out)
{
    return data.n > FRAME_CONTROL_MAX ? -1 : send_open(e, FRAME_PING, data, out);
}

static void write_close(endpoint *e, uint16_t code, str reason, buf *out)
{
    char payload[FRAME_CONTROL_MAX] = {(char)(code >> 8), (char)(code & 0xff)};
    size_t n = 2;
    if (e->close_sent)
        return;
    e->close_sent = true;
    if (reason.n > REASON_MAX) { /* cut in front of a character, not inside it */
        size_t end = REASON_MAX;
        while (end && ((uint8_t)reason.p[end] & 0xc0) == 0x80)
            end--;
        reason.n = end;
    }
    if (reason.n)
        memcpy(payload + n, reason.p, reason.n);
    n += reason.n;
    write_frame(e, FRAME_CLOSE, (str){payload, code == CLOSE_NONE ? 0 : n}, out);
}

void endpoint_close(endpoint *e, uint16_t code, str reason, buf *out)
{
    write_close(e, code, reason, out);
}

void endpoint_answer(endpoint *e, const endpoint_event *ev, buf *out)
{
    switch (ev->kind) {
    case ENDPOINT_PING: write_frame(e, FRAME_PONG, ev->data, out); break;
    case ENDPOINT_CLOSE: write_close(e, ev->code, (str){NULL, 0}, out); break;
    case ENDPOINT_ERROR: write_close(e, ev->code, str_of(ev->why), out); break;
    default: break;
    }
}

bool endpoint_over(const endpoint *e)
{
    return e->failed || (e->peer_done && e->close_sent);
}

bool endpoint_closing(const endpoint *e)
{
    return e->close_sent || e->peer_done;
}
