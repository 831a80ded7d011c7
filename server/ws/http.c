#include "ws/http.h"

#include <string.h>

#include "base/cur.h"

enum { METHOD_MAX = 32, NAME_MAX_SIZE = 256 };

static bool is_alnum(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_token(unsigned char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_target(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

static bool is_value(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* The steps below return these, or -1 with h->error set. */
enum { MORE = 0, DONE = 1 };

static int fail(http_head *h, const cur *c, http_error e)
{
    h->error = e;
    h->at = cur_at(c);
    return -1;
}

/* One or more bytes of the class, then stop. More than max of the class is the error too_long. */
static int word(cur *c, cur_class in, char stop, size_t max, http_head *h, http_error wrong,
                http_error too_long, str *out)
{
    size_t from = c->at;
    while (!cur_end(c) && in((unsigned char)cur_peek(c))) {
        if (c->at - from == max)
            return fail(h, c, too_long);
        c->at++;
    }
    *out = str_sub(c->s, from, c->at - from);
    if (cur_end(c))
        return MORE;
    if (out->n == 0 || cur_byte(c, stop))
        return fail(h, c, wrong);
    return DONE;
}

static int literal(cur *c, str want, http_head *h, http_error wrong)
{
    for (size_t i = 0; i < want.n; i++) {
        if (cur_end(c))
            return MORE;
        if (cur_byte(c, want.p[i]))
            return fail(h, c, wrong);
    }
    return DONE;
}

static int newline(cur *c, http_head *h, http_error wrong)
{
    if (cur_end(c))
        return MORE;
    if (cur_peek(c) == '\n')
        return fail(h, c, HTTP_E_NEWLINE);
    if (cur_byte(c, '\r'))
        return fail(h, c, wrong);
    return literal(c, STR("\n"), h, HTTP_E_NEWLINE);
}

/* HTTP/1.x; 2 is told apart from noise because it deserves its own answer. */
static int version(cur *c, http_head *h)
{
    int r = literal(c, STR("HTTP/"), h, HTTP_E_LINE);
    if (r != DONE)
        return r;
    for (size_t i = 0; i < 3; i++) {
        int b = cur_peek(c);
        if (b < 0)
            return MORE;
        if (i == 1 ? b != '.' : b < '0' || b > '9')
            return fail(h, c, HTTP_E_LINE);
        if (i == 0 && b != '1')
            return fail(h, c, HTTP_E_VERSION);
        if (i == 2)
            h->minor = b - '0';
        c->at++;
    }
    return DONE;
}

static int request_line(cur *c, http_head *h)
{
    int r;
    while (cur_peek(c) == '\r')
        if ((r = newline(c, h, HTTP_E_NEWLINE)) != DONE)
            return r;
    r = word(c, is_token, ' ', METHOD_MAX, h, HTTP_E_LINE, HTTP_E_LINE, &h->method);
    if (r == DONE)
        r = word(c, is_target, ' ', HTTP_TARGET_MAX, h, HTTP_E_TARGET, HTTP_E_TARGET_SIZE,
                 &h->target);
    if (r == DONE)
        r = version(c, h);
    return r == DONE ? newline(c, h, HTTP_E_LINE) : r;
}

/* Everything up to the line's end that may stand in a value. */
static int text_line(cur *c, http_head *h, http_error wrong, str *out)
{
    size_t from = c->at;
    while (!cur_end(c) && is_value((unsigned char)cur_peek(c)))
        c->at++;
    *out = str_sub(c->s, from, c->at - from);
    return newline(c, h, wrong);
}

static int status_line(cur *c, http_head *h)
{
    int r = version(c, h);
    if (r == DONE)
        r = literal(c, STR(" "), h, HTTP_E_LINE);
    if (r != DONE)
        return r;
    h->status = 0;
    for (size_t i = 0; i < 3; i++) {
        int b = cur_peek(c);
        if (b < 0)
            return MORE;
        if (b < (i ? '0' : '1') || b > '9')
            return fail(h, c, HTTP_E_LINE);
        h->status = h->status * 10 + b - '0';
        c->at++;
    }
    r = literal(c, STR(" "), h, HTTP_E_LINE);
    return r == DONE ? text_line(c, h, HTTP_E_LINE, &h->reason) : r;
}

static int header_line(cur *c, http_head *h)
{
    if (cur_peek(c) == ' ' || cur_peek(c) == '\t')
        return fail(h, c, HTTP_E_FOLD);
    if (cur_peek(c) == '\n')
        return fail(h, c, HTTP_E_NEWLINE);
    if (h->count == HTTP_HEADERS_MAX)
        return fail(h, c, HTTP_E_COUNT);
    http_header *to = &h->headers[h->count];
    int r = word(c, is_token, ':', NAME_MAX_SIZE, h, HTTP_E_NAME, HTTP_E_NAME, &to->name);
    if (r == DONE)
        r = text_line(c, h, HTTP_E_VALUE, &to->value);
    if (r != DONE)
        return r;
    to->value = str_trim(to->value);
    h->count++;
    return DONE;
}

static long head(str in, http_head *h, int (*start_line)(cur *, http_head *))
{
    cur c = cur_of(str_sub(in, 0, HTTP_HEAD_MAX));
    h->method = h->target = h->reason = (str){NULL, 0};
    h->minor = h->status = 0;
    h->count = h->at = 0;
    h->error = HTTP_OK;
    int r = start_line(&c, h);
    while (r == DONE && !cur_end(&c) && cur_peek(&c) != '\r')
        r = header_line(&c, h);
    if (r == DONE)
        r = cur_end(&c) ? MORE : newline(&c, h, HTTP_E_NEWLINE);
    if (r == MORE && in.n >= HTTP_HEAD_MAX)
        r = fail(h, &c, HTTP_E_SIZE);
    return r == DONE ? (long)cur_at(&c) : r;
}

long http_request(str in, http_head *h)
{
    return head(in, h, request_line);
}

long http_response(str in, http_head *h)
{
    return head(in, h, status_line);
}

int http_error_status(http_error e)
{
    switch (e) {
    case HTTP_E_VERSION: return 505;
    case HTTP_E_TARGET_SIZE: return 414;
    case HTTP_E_SIZE:
    case HTTP_E_COUNT: return 431;
    default: return 400;
    }
}

const char *http_error_text(http_error e)
{
    switch (e) {
    case HTTP_OK: return "no error";
    case HTTP_E_LINE: return "start line is not HTTP";
    case HTTP_E_VERSION: return "HTTP version is not 1.x";
    case HTTP_E_TARGET: return "bad byte in the request target";
    case HTTP_E_TARGET_SIZE: return "request target is too long";
    case HTTP_E_NAME: return "header name is no token followed by a colon";
    case HTTP_E_VALUE: return "control character in a header value";
    case HTTP_E_FOLD: return "header line starts with white space";
    case HTTP_E_NEWLINE: return "line does not end in CR LF";
    case HTTP_E_SIZE: return "head is too large";
    case HTTP_E_COUNT: return "too many header lines";
    }
    return "unknown error";
}

int http_looks_like(str in)
{
    static const struct {
        const char *start;
        bool fold;
    } targets[] = {{"/", false},  {"* HTTP/", false}, {"http:", true},
                   {"ws:", true}, {"https:", true},   {"wss:", true}};
    cur c = cur_of(in);
    str method;
    if (cur_end(&c))
        return 0;
    if (cur_span(&c, is_token, METHOD_MAX, &method))
        return -1;
    if (cur_end(&c))
        return 0;
    if (cur_byte(&c, ' '))
        return -1;
    if (str_eq(method, STR("CONNECT")))
        return 1;
    str rest = cur_rest(&c);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        str want = str_of(targets[i].start);
        str got = str_sub(rest, 0, want.n);
        str same = str_sub(want, 0, got.n);
        if (targets[i].fold ? str_ieq(got, same) : str_eq(got, same))
            return got.n == want.n ? 1 : 0;
    }
    return -1;
}

size_t http_header_get(const http_head *h, str name, str *value)
{
    size_t found = 0;
    for (size_t i = 0; i < h->count; i++)
        if (str_ieq(h->headers[i].name, name) && found++ == 0 && value)
            *value = h->headers[i].value;
    return found;
}

http_list http_list_of(const http_head *h, str name)
{
    return (http_list){h, name, 0, 0};
}

/* End of the element that starts at from: its comma, or the end. */
static size_t element_end(str s, size_t from)
{
    bool quoted = false;
    for (size_t i = from; i < s.n; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (quoted && s.p[i] == '\\' && i + 1 < s.n)
            i++;
        else if (!quoted && s.p[i] == ',')
            return i;
    }
    return s.n;
}

bool http_list_next(http_list *l, str *element)
{
    for (; l->line < l->h->count; l->line++, l->at = 0) {
        const http_header *header = &l->h->headers[l->line];
        if (!str_ieq(header->name, l->name))
            continue;
        while (l->at < header->value.n) {
            size_t end = element_end(header->value, l->at);
            *element = str_trim(str_sub(header->value, l->at, end - l->at));
            l->at = end + 1;
            if (element->n)
                return true;
        }
    }
    return false;
}

bool http_has_token(const http_head *h, str name, str token)
{
    http_list l = http_list_of(h, name);
    str element;
    while (http_list_next(&l, &element))
        if (str_ieq(element, token))
            return true;
    return false;
}

bool http_is_token(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

bool http_keeps_alive(const http_head *h)
{
    if (http_has_token(h, STR("Connection"), STR("close")))
        return false;
    return h->minor > 0 || http_has_token(h, STR("Connection"), STR("keep-alive"));
}

int http_body_length(const http_head *h, uint64_t *length)
{
    str value;
    uint64_t n = 0;
    size_t lines = http_header_get(h, STR("Content-Length"), &value);
    if (lines > 1 || (lines == 1 && str_u64(value, INT64_MAX, &n)))
        return -1;
    if (http_header_get(h, STR("Transfer-Encoding"), NULL))
        return -1;
    *length = n;
    return 0;
}

static bool one_of(char c, str set)
{
    return str_chr(set, c, 0) < set.n;
}

/* uri-host [":" port] of RFC 3986, without user part. May be empty: RFC 9110 section 7.2. */
static bool is_authority(str s)
{
    static const str literal_set = {"0123456789abcdefABCDEF:.vV", 26};
    static const str name_set = {"-._~%!$&'()*+,;=", 16};
    size_t i = 0;
    if (s.n && s.p[0] == '[') {
        for (i = 1; i < s.n && s.p[i] != ']'; i++)
            if (!one_of(s.p[i], literal_set))
                return false;
        if (i == s.n || i == 1)
            return false;
        i++;
    } else {
        for (; i < s.n && s.p[i] != ':'; i++)
            if (!is_alnum((unsigned char)s.p[i]) && !one_of(s.p[i], name_set))
                return false;
        if (i == 0 && s.n)
            return false;
    }
    if (i == s.n)
        return true;
    uint64_t port;
    str digits = str_sub(s, i + 1, s.n);
    return s.p[i] == ':' && (digits.n == 0 || str_u64(digits, 65535, &port) == 0);
}

int http_target_of(const http_head *h, http_target *t)
{
    str host = {NULL, 0}, s = h->target;
    size_t hosts = http_header_get(h, STR("Host"), &host);
    if (hosts > 1 || (hosts == 0 && h->minor > 0) || !is_authority(host))
        return -1;
    *t = (http_target){.authority = host};
    if (str_chr(s, '#', 0) < s.n)
        return -1;
    if (str_eq(h->method, STR("CONNECT"))) {
        t->authority = s;
        return is_authority(s) ? 0 : -1;
    }
    if (str_eq(s, STR("*")))
        return 0;
    if (!s.n)
        return -1;
    if (s.p[0] != '/') {
        static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
        size_t skip = 0;
        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
            if (str_istarts(s, str_of(schemes[i])))
                skip = str_of(schemes[i]).n;
        if (!skip)
            return -1;
        s = str_sub(s, skip, s.n);
        size_t end = 0;
        while (end < s.n && s.p[end] != '/' && s.p[end] != '?')
            end++;
        t->authority = str_sub(s, 0, end);
        if (!end || !is_authority(t->authority))
            return -1;
        s = str_sub(s, end, s.n);
    }
    size_t mark = str_chr(s, '?', 0);
    t->path = mark ? str_sub(s, 0, mark) : STR("/");
    t->query = str_sub(s, mark + 1, s.n);
    return 0;
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "";
}

void http_write_status(buf *out, int status)
{
    buf_printf(out, "HTTP/1.1 %03d %s\r\n", status, reason_of(status));
}

void http_write_header(buf *out, str name, str value)
{
    buf_str(out, name);
    buf_str(out, STR(": "));
    buf_str(out, value);
    buf_str(out, STR("\r\n"));
}

void http_write_number(buf *out, str name, uint64_t value)
{
    buf_str(out, name);
    buf_str(out, STR(": "));
    buf_u64(out, value);
    buf_str(out, STR("\r\n"));
}

void http_write_end(buf *out)
{
    buf_str(out, STR("\r\n"));
}

void http_write_text(buf *out, str text, bool head_only)
{
    http_write_header(out, STR("Content-Type"), STR("text/plain; charset=utf-8"));
    http_write_number(out, STR("Content-Length"), text.n + 1);
    http_write_end(out);
    if (!head_only) {
        buf_str(out, text);
        buf_byte(out, '\n');
    }
}

void http_write_refusal(buf *out, int status, str text, bool head_only)
{
    http_write_status(out, status);
    http_write_header(out, STR("Connection"), STR("close"));
    http_write_text(out, text, head_only);
}
