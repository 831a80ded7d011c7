#include "sip/write.h"

#include <stdio.h>

#include "sip/charset.h"

static size_t offset(const sip_write *w, const char *p)
{
    return (size_t)(p - w->m->text.p);
}

/* A splice that leaves out cut bytes from at on; the caller fills in its pieces. NULL, and the
 * whole copy marked as failed, when there is no room. */
static sip_splice *splice(sip_write *w, const char *at, size_t cut)
{
    if (w->n == SIP_SPLICES_MAX) {
        w->failed = true;
        return NULL;
    }
    sip_splice *s = &w->splices[w->n++];
    *s = (sip_splice){.at = offset(w, at), .cut = cut};
    return s;
}

static void insert_field(sip_write *w, const char *at, str name, str value)
{
    sip_splice *s = splice(w, at, 0);
    if (s) {
        s->piece[0] = name;
        s->piece[1] = STR(": ");
        s->piece[2] = value;
        s->piece[3] = STR("\r\n");
    }
}

static const char *line_end(const sip_field *f)
{
    return f->line.p + f->line.n;
}

/* Where the empty line begins that ends the head. */
static const char *head_end(const sip_message *m)
{
    if (m->n_fields)
        return line_end(&m->fields[m->n_fields - 1]);
    return m->start.p + m->start.n + 2;
}

/* What sip_message_stamp() found that the top Via lacks. */
static void apply_stamp(sip_write *w)
{
    const sip_message *m = w->m;
    str rest = m->via.params;
    sip_param p;
    bool has_received = false;
    sip_splice *s;
    if (m->received.n == 0 && m->rport == 0)
        return;
    while (sip_param_next(&rest, &p, NULL) == 1) {
        const char *name_end = p.name.p + p.name.n;
        size_t value_n = p.has_value ? (size_t)(p.value.p + p.value.n - name_end) : 0;
        if (m->rport && str_ieq(p.name, STR("rport"))) {
            int n = snprintf(w->rport, sizeof(w->rport), "=%u", (unsigned)m->rport);
            if ((s = splice(w, name_end, value_n)) != NULL)
                s->piece[0] = (str){w->rport, (size_t)n};
        } else if (m->received.n && str_ieq(p.name, STR("received"))) {
            has_received = true;
            if ((s = splice(w, name_end, value_n)) != NULL) {
                s->piece[0] = STR("=");
                s->piece[1] = m->received;
            }
        }
    }
    if (m->received.n && !has_received &&
        (s = splice(w, m->via.text.p + m->via.text.n, 0)) != NULL) {
        s->piece[0] = STR(";received=");
        s->piece[1] = m->received;
    }
}

void sip_write_init(sip_write *w, const sip_message *m)
{
    w->m = m;
    w->n = 0;
    w->failed = false;
    apply_stamp(w);
}

void sip_write_top(sip_write *w, sip_header id, str value)
{
    const sip_field *f = sip_message_field(w->m, id), *next;
    const char *at = w->m->start.p + w->m->start.n + 2;
    if (f) {
        at = f->line.p;
    } else if (id != SIP_VIA && (f = sip_message_field(w->m, SIP_VIA)) != NULL) {
        while ((next = sip_message_next(w->m, f)) != NULL)
            f = next;
        at = line_end(f);
    }
    insert_field(w, at, sip_header_name(id), value);
}

void sip_write_add(sip_write *w, str name, str value)
{
    insert_field(w, head_end(w->m), name, value);
}

void sip_write_lines(sip_write *w, str lines)
{
    sip_splice *s = lines.n ? splice(w, head_end(w->m), 0) : NULL;
    if (s)
        s->piece[0] = lines;
}

void sip_write_remove_field(sip_write *w, const sip_field *f)
{
    (void)splice(w, f->line.p, f->line.n);
}

void sip_write_remove(sip_write *w, sip_header id)
{
    for (const sip_field *f = sip_message_field(w->m, id); f; f = sip_message_next(w->m, f))
        sip_write_remove_field(w, f);
}

/* Removes up to *count values from the front of one field. */
static void pop_field(sip_write *w, const sip_field *f, size_t *count)
{
    str rest = f->value, item;
    const char *start = NULL;
    int r;
    while ((r = sip_list_next(&rest, &item, NULL)) == 1) {
        if (item.n == 0)
            continue;
        if (*count == 0) {
            if (start)
                (void)splice(w, start, (size_t)(item.p - start));
            return;
        }
        if (start == NULL)
            start = item.p;
        --*count;
    }
    if (r < 0)
        w->failed = true;
    else
        sip_write_remove_field(w, f);
}

void sip_write_pop(sip_write *w, sip_header id, size_t count)
{
    const sip_field *f = sip_message_field(w->m, id);
    for (; f && count && !w->failed; f = sip_message_next(w->m, f))
        pop_field(w, f, &count);
}

void sip_write_replace(sip_write *w, sip_header id, str value)
{
    const sip_field *f = sip_message_field(w->m, id);
    if (f == NULL) {
        sip_write_add(w, sip_header_name(id), value);
        return;
    }
    sip_splice *s = splice(w, f->value.p, f->value.n);
    if (s)
        s->piece[0] = value;
    while ((f = sip_message_next(w->m, f)) != NULL)
        sip_write_remove_field(w, f);
}

void sip_write_uri(sip_write *w, str uri)
{
    sip_splice *s = splice(w, w->m->uri_text.p, w->m->uri_text.n);
    if (s)
        s->piece[0] = uri;
}

void sip_write_max_forwards(sip_write *w, unsigned n)
{
    int digits = snprintf(w->hops, sizeof(w->hops), "%u", n);
    str value = {w->hops, (size_t)digits};
    if (sip_message_field(w->m, SIP_MAX_FORWARDS))
        sip_write_replace(w, SIP_MAX_FORWARDS, value);
    else
        sip_write_top(w, SIP_MAX_FORWARDS, value);
}

void sip_write_length(sip_write *w)
{
    if (sip_message_field(w->m, SIP_CONTENT_LENGTH))
        return;
    int digits = snprintf(w->length, sizeof(w->length), "%zu", w->m->body.n);
    sip_write_add(w, sip_header_name(SIP_CONTENT_LENGTH), (str){w->length, (size_t)digits});
}

/* By place; of several at one place, in the order of the calls. */
static void sort(sip_write *w)
{
    for (size_t i = 1; i < w->n; i++) {
        sip_splice s = w->splices[i];
        size_t k = i;
        for (; k > 0 && w->splices[k - 1].at > s.at; k--)
            w->splices[k] = w->splices[k - 1];
        w->splices[k] = s;
    }
}

/* Emits the original from..to with the (sorted) splices that begin in there. Cuts may overlap. */
static void emit(const sip_write *w, size_t from, size_t to, buf *out)
{
    const char *text = w->m->text.p;
    size_t at = from;
    for (size_t i = 0; i < w->n; i++) {
        const sip_splice *s = &w->splices[i];
        if (s->at < from)
            continue;
        if (s->at >= to)
            break;
        if (s->at > at) {
            buf_add(out, text + at, s->at - at);
            at = s->at;
        }
        for (size_t k = 0; k < 4; k++)
            buf_str(out, s->piece[k]);
        if (s->at + s->cut > at)
            at = s->at + s->cut;
    }
    if (at < to)
        buf_add(out, text + at, to - at);
}

int sip_write_finish(sip_write *w, buf *out)
{
    sort(w);
    emit(w, 0, w->m->text.n, out);
    return w->failed || buf_failed(out) ? -1 : 0;
}

/* Whole fields as they came are copied; what a refused message may have in them (control bytes, no
 * CRLF at the end) must not get into a response. */
static bool is_clean(str line)
{
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\r' && i + 1 < line.n && line.p[i + 1] == '\n')
            i++;
        else if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t' &&
                 (i == 0 || line.p[i - 1] != '\\' || line.p[i] == '\r' || line.p[i] == '\n'))
            return false;
    }
    return line.n >= 2 && line.p[line.n - 1] == '\n';
}

static void write_field(const sip_write *w, const sip_field *f, buf *out)
{
    if (is_clean(f->line)) {
        emit(w, offset(w, f->line.p), offset(w, f->line.p) + f->line.n, out);
        return;
    }
    buf_str(out, f->name);
    buf_str(out, STR(": "));
    for (size_t i = 0; i < f->value.n; i++)
        buf_byte(out, (unsigned char)f->value.p[i] < ' ' ? ' ' : f->value.p[i]);
    buf_str(out, STR("\r\n"));
}

static void write_first(const sip_write *w, sip_header id, buf *out)
{
    const sip_field *f = sip_message_field(w->m, id);
    if (f)
        write_field(w, f, out);
}

static void write_line(buf *out, str name, str value)
{
    buf_str(out, name);
    buf_str(out, STR(": "));
    buf_str(out, value);
    buf_str(out, STR("\r\n"));
}

int sip_write_response(buf *out, const sip_message *request, unsigned status, str reason, str tag,
                       str lines, str body)
{
    sip_write w;
    sip_write_init(&w, request);
    if (tag.n && request->has_to && request->to.tag.n == 0) {
        sip_splice *s = splice(&w, request->to.text.p + request->to.text.n, 0);
        if (s) {
            s->piece[0] = STR(";tag=");
            s->piece[1] = tag;
        }
    }
    sort(&w);
    buf_str(out, STR("SIP/2.0 "));
    buf_u64(out, status);
    buf_byte(out, ' ');
    buf_str(out, reason.n ? reason : sip_reason_of(status));
    buf_str(out, STR("\r\n"));
    for (const sip_field *f = sip_message_field(request, SIP_VIA); f;
         f = sip_message_next(request, f))
        write_field(&w, f, out);
    write_first(&w, SIP_FROM, out);
    write_first(&w, SIP_TO, out);
    write_first(&w, SIP_CALL_ID, out);
    write_first(&w, SIP_CSEQ, out);
    if (status == 100)
        write_first(&w, SIP_TIMESTAMP, out);
    buf_str(out, lines);
    buf_str(out, STR("Content-Length: "));
    buf_u64(out, body.n);
    buf_str(out, STR("\r\n\r\n"));
    buf_str(out, body);
    return buf_failed(out) ? -1 : 0;
}

/* The part that ACK and CANCEL have in common: all of it but To, and the Route fields that a
 * request of the same transaction must have like the INVITE (9.1, 17.1.1.3). */
static int write_hop(buf *out, const sip_message *invite, str method, const sip_field *to,
                     str lines)
{
    sip_write w;
    const sip_field *f;
    if (!invite->has_via || !invite->has_cseq || to == NULL)
        return -1;
    sip_write_init(&w, invite);
    buf_str(out, method);
    buf_byte(out, ' ');
    buf_str(out, invite->uri_text);
    buf_str(out, STR(" SIP/2.0\r\n"));
    write_line(out, STR("Via"), invite->via.text);
    buf_str(out, STR("Max-Forwards: 70\r\n"));
    for (f = sip_message_field(invite, SIP_ROUTE); f; f = sip_message_next(invite, f))
        write_field(&w, f, out);
    write_first(&w, SIP_FROM, out);
    write_line(out, STR("To"), to->value);
    write_first(&w, SIP_CALL_ID, out);
    buf_str(out, STR("CSeq: "));
    buf_u64(out, invite->cseq);
    buf_byte(out, ' ');
    buf_str(out, method);
    buf_str(out, STR("\r\n"));
    buf_str(out, lines);
    buf_str(out, STR("Content-Length: 0\r\n\r\n"));
    return buf_failed(out) ? -1 : 0;
}

int sip_write_ack(buf *out, const sip_message *invite, const sip_message *response)
{
    return write_hop(out, invite, STR("ACK"), sip_message_field(response, SIP_TO), STR(""));
}

int sip_write_cancel(buf *out, const sip_message *invite, str lines)
{
    return write_hop(out, invite, STR("CANCEL"), sip_message_field(invite, SIP_TO), lines);
}
