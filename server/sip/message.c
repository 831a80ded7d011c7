#include "sip/message.h"

#include <stdio.h>
#include <string.h>

#include "sip/charset.h"

enum { CSEQ_MAX = 0x7fffffff, MAX_FORWARDS_MAX = 255 }; /* 8.1.1.5; 20.22 */

/* A message being parsed. The first thing wrong is kept; reading goes on, because a response to the
 * request needs its other fields. */
typedef struct parser {
    const char *base; /* the bytes given: offsets count from here */
    sip_message *m;
    sip_refusal *why;
    bool refused;
} parser;

static void refuse(parser *p, sip_refusal_kind kind, const char *at, str header, const char *text)
{
    if (p->refused)
        return;
    p->refused = true;
    *p->why = (sip_refusal){kind, (size_t)(at - p->base), header, text, 0};
}

static void refuse_field(parser *p, const sip_field *f, size_t at, const char *text)
{
    refuse(p, SIP_REFUSED_HEADER, f->value.p + at, sip_header_name(f->id), text);
}

/* Offset of the first control byte (below space) at or after at; n when there is none. Heads are
 * mostly printable, so eight bytes are looked at in one step. */
static size_t next_control(const char *s, size_t at, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = 0x0101010101010101U;
    while (n - at >= 8) {
        uint64_t w;
        memcpy(&w, s + at, 8);
        /* Top bit of each byte below 0x20; a borrow can only spoil bytes above the first hit. */
        uint64_t hit = (w - ones * 0x20) & ~w & (ones * 0x80);
        if (hit)
            return at + (size_t)(__builtin_ctzll(hit) >> 3);
        at += 8;
    }
#endif
    while (at < n && (unsigned char)s[at] >= 0x20)
        at++;
    return at;
}

/* End of the line that at lies in: *stop where its text ends, the result where the next begins.
 * Continuation lines belong to it when folds is set. */
static size_t line_end(parser *p, str s, size_t at, bool folds, size_t *stop)
{
    for (;;) {
        at = next_control(s.p, at, s.n);
        if (at == s.n) {
            refuse(p, SIP_REFUSED_HEADER, s.p + at, STR(""), "message ends within its head");
            *stop = at;
            return at;
        }
        size_t next = 0;
        if (s.p[at] == '\r' && at + 1 < s.n && s.p[at + 1] == '\n') {
            next = at + 2;
        } else if (s.p[at] == '\n') {
            refuse(p, SIP_REFUSED_HEADER, s.p + at, STR(""), "line feed without carriage return");
            next = at + 1;
        } else if (s.p[at] != '\t' && !(at > 0 && s.p[at - 1] == '\\')) {
            /* a quoted-pair may have any but CR and LF */
            refuse(p, SIP_REFUSED_HEADER, s.p + at, STR(""), "control byte in the head");
        }
        if (next && !(folds && next < s.n && (s.p[next] == ' ' || s.p[next] == '\t'))) {
            *stop = at;
            return next;
        }
        at = next ? next : at + 1;
    }
}

/* The next field, with its id, in its place among those of the same id; NULL when there are
 * too many. Filled in place by the caller: copying it there would cost more than parsing it. */
static sip_field *add_field(parser *p, sip_header id, const char *at)
{
    sip_message *m = p->m;
    if (m->n_fields == SIP_FIELDS_MAX) {
        refuse(p, SIP_REFUSED_TOO_MANY, at, STR(""), "too many header fields");
        return NULL;
    }
    sip_field *f = &m->fields[m->n_fields++];
    uint8_t index = (uint8_t)m->n_fields;
    if (m->first[id] == 0)
        m->first[id] = index;
    else
        m->fields[m->last[id] - 1].next = index;
    m->last[id] = index;
    f->id = id;
    f->next = 0;
    return f;
}

/* Header fields from at to the empty line; the offset behind that. */
static size_t parse_fields(parser *p, str s, size_t at)
{
    while (at < s.n) {
        size_t start = at, stop, colon;
        if (s.p[at] == '\r' && at + 1 < s.n && s.p[at + 1] == '\n')
            return at + 2;
        at = sip_skip(s, at, SIP_C_TOKEN);
        str name = {s.p + start, at - start};
        while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
            at++;
        if (name.n == 0 || at == s.n || s.p[at] != ':') {
            refuse(p, SIP_REFUSED_HEADER, s.p + at, STR(""), "header field has no name and colon");
            at = line_end(p, s, at, true, &stop);
            continue;
        }
        colon = at;
        at = line_end(p, s, at + 1, true, &stop);
        str value = str_trim((str){s.p + colon + 1, stop - colon - 1});
        sip_field *f = add_field(p, sip_header_of(name), s.p + start);
        if (f) {
            f->name = name;
            f->value.p = value.n ? value.p : s.p + stop;
            f->value.n = value.n;
            f->line.p = s.p + start;
            f->line.n = at - start;
        }
    }
    refuse(p, SIP_REFUSED_HEADER, s.p + s.n, STR(""), "message ends within its head");
    return s.n;
}

/* "SIP/2.0"; *sip tells whether it is SIP of any version. */
static bool is_version(str s, bool *sip)
{
    *sip = s.n > 4 && str_istarts(s, STR("SIP/"));
    return s.n == 7 && *sip && s.p[4] == '2' && s.p[5] == '.' && s.p[6] == '0';
}

static void bad_start(parser *p, const char *at, const char *text)
{
    refuse(p, SIP_REFUSED_START, at, STR(""), text);
}

static void parse_version(parser *p, str version)
{
    bool sip;
    if (is_version(version, &sip))
        return;
    if (sip && sip_skip(version, 4, SIP_C_TOKEN) == version.n)
        refuse(p, SIP_REFUSED_VERSION, version.p, STR(""), "version is not SIP/2.0");
    else
        bad_start(p, version.p, "start line does not have the form of SIP");
}

/* SIP-Version SP 3DIGIT SP Reason-Phrase */
static void parse_status_line(parser *p, str line)
{
    sip_message *m = p->m;
    size_t sp = str_chr(line, ' ', 0);
    uint64_t status;
    parse_version(p, str_sub(line, 0, sp));
    size_t end = str_chr(line, ' ', sp + 1);
    str digits = str_sub(line, sp + 1, end - sp - 1);
    if (end == line.n || digits.n != 3 || str_u64(digits, 699, &status) || status < 100) {
        bad_start(p, line.p + sp, "status code is not a number from 100 to 699");
        return;
    }
    m->status = (unsigned)status;
    m->reason = (str){line.p + end + 1, line.n - end - 1};
}

/* Method SP Request-URI SP SIP-Version */
static void parse_request_line(parser *p, str line)
{
    sip_message *m = p->m;
    sip_error err;
    size_t sp = sip_skip(line, 0, SIP_C_TOKEN), last = line.n;
    m->method_text = (str){line.p, sp};
    m->method = sip_method_of(m->method_text);
    if (sp == 0 || sp == line.n || line.p[sp] != ' ') {
        bad_start(p, line.p + sp, "start line does not begin with a method and a space");
        return;
    }
    while (line.p[last - 1] != ' ')
        last--;
    parse_version(p, (str){line.p + last, line.n - last});
    if (last == sp + 1) {
        bad_start(p, line.p + sp, "start line has no Request-URI");
        return;
    }
    m->uri_text = (str){line.p + sp + 1, last - 1 - (sp + 1)};
    if (sip_uri_parse(m->uri_text, &m->uri, &err))
        bad_start(p, m->uri_text.p + err.at, err.text);
    else if (m->uri.headers.n) /* 19.1.1 allows them elsewhere only */
        bad_start(p, m->uri.headers.p, "Request-URI has headers");
}

/* The field of an id that may occur once; NULL without one. */
static const sip_field *single(parser *p, sip_header id)
{
    const sip_field *f = sip_message_field(p->m, id);
    if (f && f->next)
        refuse_field(p, &p->m->fields[f->next - 1], 0, "occurs more than once");
    return f;
}

static const sip_field *mandatory(parser *p, sip_header id, const char *head_end)
{
    const sip_field *f = single(p, id);
    if (f == NULL)
        refuse(p, SIP_REFUSED_HEADER, head_end, sip_header_name(id), "is missing");
    return f;
}

static void check_via(parser *p, const char *head_end)
{
    sip_message *m = p->m;
    sip_error err;
    str rest, item;
    const sip_field *f = sip_message_field(m, SIP_VIA);
    if (f == NULL) {
        refuse(p, SIP_REFUSED_HEADER, head_end, STR("Via"), "is missing");
        return;
    }
    rest = f->value;
    int r = sip_list_next(&rest, &item, &err);
    if (r < 0)
        refuse_field(p, f, err.at, err.text);
    else if (r == 0 || item.n == 0)
        refuse_field(p, f, 0, "has an empty value");
    else if (sip_via_parse(item, &m->via, &err))
        refuse_field(p, f, (size_t)(item.p - f->value.p) + err.at, err.text);
    else
        m->has_via = true;
}

static bool check_address(parser *p, sip_header id, sip_addr *out, const char *head_end)
{
    sip_error err;
    const sip_field *f = mandatory(p, id, head_end);
    if (f == NULL)
        return false;
    if (sip_addr_parse(f->value, out, &err)) {
        refuse_field(p, f, err.at, err.text);
        return false;
    }
    if (out->star)
        refuse_field(p, f, 0, "is not an address");
    return !out->star;
}

/* word [ "@" word ] */
static void check_call_id(parser *p, const char *head_end)
{
    const sip_field *f = mandatory(p, SIP_CALL_ID, head_end);
    if (f == NULL)
        return;
    size_t at = sip_skip(f->value, 0, SIP_C_WORD);
    if (at > 0 && at < f->value.n && f->value.p[at] == '@') {
        size_t second = at + 1;
        at = sip_skip(f->value, second, SIP_C_WORD);
        if (at == second)
            at = 0;
    }
    if (at == 0 || at != f->value.n)
        refuse_field(p, f, at, "is not a word or word@word");
    else
        p->m->call_id = f->value;
}

static void check_cseq(parser *p, const char *head_end)
{
    sip_message *m = p->m;
    const sip_field *f = mandatory(p, SIP_CSEQ, head_end);
    if (f == NULL)
        return;
    size_t at = 0, start;
    uint64_t number;
    while (at < f->value.n && f->value.p[at] >= '0' && f->value.p[at] <= '9')
        at++;
    if (str_u64(str_sub(f->value, 0, at), CSEQ_MAX, &number)) {
        refuse_field(p, f, 0, "number is not below 2^31");
        return;
    }
    start = sip_skip_lws(f->value, at);
    str method = str_sub(f->value, start, f->value.n);
    if (start == at || !sip_is_token(method)) {
        refuse_field(p, f, at, "has no method");
        return;
    }
    m->has_cseq = true;
    m->cseq = (uint32_t)number;
    m->cseq_method_text = method;
    m->cseq_method = sip_method_of(method);
    if (m->request && !str_eq(method, m->method_text))
        refuse_field(p, f, start, "method is not that of the request");
}

static void check_max_forwards(parser *p)
{
    const sip_field *f = single(p, SIP_MAX_FORWARDS);
    uint64_t v;
    if (f == NULL)
        return;
    if (str_u64(f->value, MAX_FORWARDS_MAX, &v))
        refuse_field(p, f, 0, "is not a number from 0 to 255");
    else
        p->m->max_forwards = (int)v;
}

/* Settles body and m->text. rest: all bytes behind the head. */
static void check_length(parser *p, str rest, sip_carrier carrier)
{
    sip_message *m = p->m;
    const sip_field *f = single(p, SIP_CONTENT_LENGTH);
    uint64_t n;
    m->body = rest;
    if (f == NULL) {
        if (carrier == SIP_STREAM)
            refuse(p, SIP_REFUSED_HEADER, rest.p, STR("Content-Length"), "is missing");
        return;
    }
    if (str_u64(f->value, INT64_MAX, &n)) {
        refuse_field(p, f, 0, "is not a number");
        return;
    }
    m->content_length = (int64_t)n;
    if (n > rest.n)
        refuse(p, SIP_REFUSED_LENGTH, f->value.p, sip_header_name(f->id),
               "is larger than the body");
    else if (n < rest.n && carrier != SIP_DATAGRAM)
        refuse(p, SIP_REFUSED_LENGTH, f->value.p, sip_header_name(f->id),
               "is smaller than the body");
    else
        m->body.n = (size_t)n;
}

int sip_message_parse(str bytes, sip_carrier carrier, sip_message *m, sip_refusal *why)
{
    sip_refusal unwanted;
    parser p = {bytes.p, m, why ? why : &unwanted, false};
    str s = bytes;
    size_t stop, at;
    bool sip;
    /* The fields are the bulk of a message: those in use are written whole, the others not read. */
    memset(m, 0, offsetof(sip_message, fields));
    memset(m->first, 0, sizeof(*m) - offsetof(sip_message, first));
    m->max_forwards = -1;
    m->content_length = -1;
    while (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n')
        s = (str){s.p + 2, s.n - 2};
    if (s.n == 0) {
        bad_start(&p, s.p, "message is empty");
        p.why->status = 0;
        return -1;
    }
    at = line_end(&p, s, 0, false, &stop);
    m->start = (str){s.p, stop};
    (void)is_version(str_sub(m->start, 0, str_chr(m->start, ' ', 0)), &sip);
    m->request = !sip;
    if (m->request)
        parse_request_line(&p, m->start);
    else
        parse_status_line(&p, m->start);
    at = parse_fields(&p, s, at);
    const char *head_end = s.p + at;
    check_via(&p, head_end);
    m->has_from = check_address(&p, SIP_FROM, &m->from, head_end);
    m->has_to = check_address(&p, SIP_TO, &m->to, head_end);
    check_call_id(&p, head_end);
    check_cseq(&p, head_end);
    check_max_forwards(&p);
    check_length(&p, (str){head_end, s.n - at}, carrier);
    m->text = (str){s.p, at + m->body.n};
    if (!p.refused)
        return 0;
    /* Nobody answers a response or an ACK, and an answer goes where the Via fields tell. */
    if (m->request && m->method != SIP_ACK && m->method_text.n && m->first[SIP_VIA])
        p.why->status = p.why->kind == SIP_REFUSED_VERSION ? 505 : 400;
    return -1;
}

void sip_refusal_print(const sip_refusal *why, char *out, size_t n)
{
    if (why->header.n)
        (void)snprintf(out, n, "%.*s: %s", STR_FMT(why->header), why->text);
    else
        (void)snprintf(out, n, "%s", why->text);
}

const sip_field *sip_message_field(const sip_message *m, sip_header id)
{
    return m->first[id] ? &m->fields[m->first[id] - 1] : NULL;
}

const sip_field *sip_message_next(const sip_message *m, const sip_field *f)
{
    return f->next ? &m->fields[f->next - 1] : NULL;
}

const sip_field *sip_message_named(const sip_message *m, str name)
{
    sip_header id = sip_header_of(name);
    if (id != SIP_OTHER)
        return sip_message_field(m, id);
    for (const sip_field *f = sip_message_field(m, SIP_OTHER); f; f = sip_message_next(m, f))
        if (str_ieq(f->name, name))
            return f;
    return NULL;
}

str sip_message_value(const sip_message *m, sip_header id)
{
    const sip_field *f = sip_message_field(m, id);
    return f ? f->value : (str){NULL, 0};
}

sip_values sip_values_of(const sip_message *m, sip_header id)
{
    const sip_field *f = sip_message_field(m, id);
    return (sip_values){m, f, f ? f->value : (str){NULL, 0}};
}

int sip_values_next(sip_values *v, str *item)
{
    while (v->field) {
        int r = sip_list_next(&v->rest, item, NULL);
        if (r < 0)
            return -1;
        if (r > 0 && item->n)
            return 1;
        if (r == 0) {
            v->field = sip_message_next(v->m, v->field);
            v->rest = v->field ? v->field->value : (str){NULL, 0};
        }
    }
    return 0;
}

bool sip_message_lists(const sip_message *m, sip_header id, str token)
{
    for (const sip_field *f = sip_message_field(m, id); f; f = sip_message_next(m, f))
        if (sip_list_has(f->value, token))
            return true;
    return false;
}

void sip_message_stamp(sip_message *m, str ip, uint16_t port, bool websocket)
{
    if (!m->request || !m->has_via)
        return;
    if (m->via.has_rport) {
        /* Both, even when the address is that of sent-by (RFC 3581 4). */
        m->rport = port;
        m->received = ip;
    } else if (m->via.received.n || (!websocket && !sip_host_is(&m->via.host, ip))) {
        /* One that the sender has put there itself is not believed either. */
        m->received = ip;
    }
}
