#include "sip/framing.h"

#include "sip/charset.h"
#include "sip/header.h"

void sip_framing_init(sip_framing *f, sip_framing_role role, size_t max_head, size_t max_body)
{
    *f = (sip_framing){.role = role, .max_head = max_head, .max_body = max_body};
    buf_init(&f->held, max_head + max_body);
}

void sip_framing_free(sip_framing *f)
{
    buf_free(&f->held);
}

bool sip_framing_midway(const sip_framing *f)
{
    return f->held.n > 0 && !f->release && !f->failed;
}

static void consume(sip_framing *f, str *bytes, size_t n)
{
    f->fed += n;
    *bytes = (str){bytes->p + n, bytes->n - n};
}

static void fail(sip_framing *f, sip_framing_event *ev, sip_framing_error error, size_t at,
                 const char *text)
{
    f->failed = true;
    *ev = (sip_framing_event){SIP_FRAMING_ERROR, {NULL, 0}, error, text, f->begin + at};
}

/* CRLFs between messages. True with an event; false when *bytes is used up or a message begins. */
static bool keepalive(sip_framing *f, str *bytes, sip_framing_event *ev)
{
    const uint8_t whole = f->role == SIP_FRAMING_SERVER ? 4 : 2;
    while (bytes->n && bytes->p[0] == (f->crlf % 2 ? '\n' : '\r')) {
        consume(f, bytes, 1);
        if (++f->crlf < whole)
            continue;
        f->crlf = 0;
        *ev = (sip_framing_event){.kind = whole == 4 ? SIP_FRAMING_PING : SIP_FRAMING_PONG,
                                  .data = {"\r\n\r\n", whole},
                                  .at = f->fed - whole};
        return true;
    }
    if (bytes->n == 0)
        return false;
    f->begin = f->fed;
    if (f->crlf % 2 || !sip_is(bytes->p[0], SIP_C_TOKEN)) {
        fail(f, ev, SIP_FRAMING_GARBAGE, 0, "no SIP message begins like this");
        return true;
    }
    f->crlf = 0;
    return false;
}

/* A start line ends or begins with "SIP/". Whether it is a good one is for the parser to say, who
 * can have it answered. */
static bool is_start_line(str line)
{
    if (str_istarts(line, STR("SIP/")))
        return true;
    for (size_t at = str_chr(line, ' ', 0); at < line.n; at = str_chr(line, ' ', at + 1))
        if (str_istarts((str){line.p + at + 1, line.n - at - 1}, STR("SIP/")))
            return true;
    return false;
}

/* A header field, folds included: is it Content-Length, and a sound one? */
static void take_field(sip_framing *f, str data, size_t end)
{
    str field = {data.p + f->field, end - f->field};
    char c = (char)(field.p[0] | 0x20);
    uint64_t n;
    if (c != 'c' && c != 'l')
        return;
    size_t at = sip_skip(field, 0, SIP_C_TOKEN);
    if (sip_header_of((str){field.p, at}) != SIP_CONTENT_LENGTH)
        return;
    at = sip_skip_lws(field, at);
    if (at == field.n || field.p[at] != ':')
        return;
    str value = str_trim((str){field.p + at + 1, field.n - at - 1});
    if (str_u64(value, INT64_MAX, &n) || (f->has_length && n != f->length)) {
        f->bad = SIP_FRAMING_BAD_LENGTH;
        f->length_at = f->field;
        return;
    }
    f->has_length = true;
    f->length = n;
    if (f->bad == SIP_FRAMING_OK)
        f->length_at = f->field;
}

/* The head is complete: can the body be told? */
static void end_head(sip_framing *f, str data, size_t end, sip_framing_event *ev)
{
    f->head = end;
    if (f->bad)
        fail(f, ev, f->bad, f->length_at, "Content-Length is not a number, or there are two");
    else if (!f->has_length)
        fail(f, ev, SIP_FRAMING_NO_LENGTH, end, "Content-Length is missing");
    else if (f->length > f->max_body)
        fail(f, ev, SIP_FRAMING_BODY_SIZE, f->length_at, "Content-Length is above the limit");
    else
        return;
    ev->data = (str){data.p, end};
}

/* Looks at what is new in the head. data: the message in progress from its first byte on. After it,
 * either f->head is set, or f->failed with *ev, or all of data is looked at. */
static void scan_head(sip_framing *f, str data, sip_framing_event *ev)
{
    for (;;) {
        size_t lf = str_chr(data, '\n', f->seen);
        if (f->line == 0)
            for (; f->seen < lf; f->seen++)
                if ((unsigned char)data.p[f->seen] < ' ' && data.p[f->seen] != '\r' &&
                    data.p[f->seen] != '\t') {
                    fail(f, ev, SIP_FRAMING_GARBAGE, f->seen, "control byte in the start line");
                    return;
                }
        f->seen = lf;
        if (lf >= f->max_head) {
            fail(f, ev, SIP_FRAMING_HEAD_SIZE, f->max_head, "head is above the limit");
            return;
        }
        if (lf == data.n)
            return;
        if (f->line == 0 && !is_start_line((str){data.p, lf})) {
            fail(f, ev, SIP_FRAMING_GARBAGE, 0, "start line is not one of SIP");
            return;
        }
        size_t text = lf - f->line;
        if (f->line > 0 && (text == 0 || (text == 1 && data.p[f->line] == '\r'))) {
            end_head(f, data, lf + 1, ev);
            return;
        }
        /* The next byte tells whether the field goes on there. Until it is here, f->seen stays at
           this line's end. */
        if (lf + 1 == data.n)
            return;
        if (data.p[lf + 1] != ' ' && data.p[lf + 1] != '\t') {
            if (f->field > 0)
                take_field(f, data, lf + 1);
            f->field = lf + 1;
        }
        f->line = f->seen = lf + 1;
    }
}

static void next_message(sip_framing *f)
{
    f->line = f->field = f->seen = f->head = f->length_at = 0;
    f->length = 0;
    f->has_length = false;
    f->bad = SIP_FRAMING_OK;
}

bool sip_framing_next(sip_framing *f, str *bytes, sip_framing_event *ev)
{
    if (f->release) {
        buf_free(&f->held);
        f->release = false;
    }
    if (f->failed) {
        consume(f, bytes, bytes->n);
        return false;
    }
    if (f->held.n == 0) {
        if (keepalive(f, bytes, ev))
            return true;
        if (bytes->n == 0)
            return false;
    }
    /* What is gathered already goes on in the buffer; else the bytes are looked at where they are.
       Bytes copied beyond the end of the message are left in *bytes, so that each is copied once
       at most. */
    const size_t before = f->held.n;
    str data = *bytes;
    if (before > 0) {
        size_t room = (f->head ? f->head + (size_t)f->length : f->held.max) - before;
        buf_add(&f->held, bytes->p, bytes->n < room ? bytes->n : room);
        data = buf_slice(&f->held);
    }
    if (f->head == 0)
        scan_head(f, data, ev);
    if (f->failed) {
        f->release = before > 0;
        consume(f, bytes, bytes->n);
        return true;
    }
    if (f->head == 0 || data.n < f->head + f->length) {
        if (before == 0)
            buf_str(&f->held, data);
        consume(f, bytes, data.n - before);
        return false;
    }
    size_t size = f->head + (size_t)f->length;
    f->release = before > 0;
    *ev = (sip_framing_event){.kind = SIP_FRAMING_MESSAGE, .data = {data.p, size}, .at = f->begin};
    consume(f, bytes, size - before);
    next_message(f);
    return true;
}

int sip_keepalive(str message)
{
    if (str_eq(message, STR("\r\n\r\n")))
        return 2;
    return str_eq(message, STR("\r\n")) ? 1 : 0;
}
