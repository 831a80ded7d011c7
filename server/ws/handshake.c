#include "ws/handshake.h"

#include "base/cur.h"
#include "base/digest.h"

static const str websocket = {"websocket", 9};
static const str upgrade = {"Upgrade", 7};
static const str connection = {"Connection", 10};

static bool listed(str s, const str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(s, list[i]))
            return true;
    return false;
}

/* Section 4.2.2: base64 of the SHA-1 of the key's text and this constant. */
static void write_accept(buf *out, str key)
{
    uint8_t hash[DIGEST_SHA1];
    buf b;
    buf_init(&b, key.n + 64);
    buf_str(&b, key);
    buf_str(&b, STR("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    digest_sha1(buf_slice(&b), hash);
    buf_free(&b);
    digest_base64(out, (str){(const char *)hash, sizeof(hash)});
}

static bool is_token_char(unsigned char c)
{
    return http_is_token((str){(const char *)&c, 1});
}

/* A quoted string whose content, unescaped, is a token: section 9.1 demands that. */
static int quoted_token(cur *c)
{
    size_t n = 0;
    if (cur_byte(c, '"'))
        return -1;
    while (cur_byte(c, '"')) {
        (void)cur_byte(c, '\\');
        int b = cur_peek(c);
        if (b < 0 || !is_token_char((unsigned char)b))
            return -1;
        c->at++;
        n++;
    }
    return n ? 0 : -1;
}

/* One extension: token *( ";" token [ "=" ( token | quoted-string ) ] ), section 9.1. */
static bool is_extension(str s)
{
    cur c = cur_of(s);
    str word;
    if (cur_span(&c, is_token_char, s.n, &word))
        return false;
    for (;;) {
        (void)cur_blanks(&c, s.n);
        if (cur_end(&c))
            return true;
        if (cur_byte(&c, ';'))
            return false;
        (void)cur_blanks(&c, s.n);
        if (cur_span(&c, is_token_char, s.n, &word))
            return false;
        (void)cur_blanks(&c, s.n);
        if (cur_byte(&c, '='))
            continue;
        (void)cur_blanks(&c, s.n);
        if (cur_peek(&c) == '"' ? quoted_token(&c) : cur_span(&c, is_token_char, s.n, &word))
            return false;
    }
}

/* The list must have at least one element where the header is present (1#extension). */
static bool extensions_ok(const http_head *h)
{
    static const str name = {"Sec-WebSocket-Extensions", 24};
    http_list l = http_list_of(h, name);
    str element;
    bool any = false;
    while (http_list_next(&l, &element)) {
        if (!is_extension(element))
            return false;
        any = true;
    }
    return any || !http_header_get(h, name, NULL);
}

/* Offered subprotocols are different tokens (section 4.1). *has: is the wanted one among them?
 * Their names compare exactly, as clients do with the answer. */
static bool subprotocols_ok(const http_head *h, str wanted, bool *has)
{
    static const str name = {"Sec-WebSocket-Protocol", 22};
    http_list l = http_list_of(h, name);
    str element;
    bool any = false;
    *has = false;
    while (http_list_next(&l, &element)) {
        if (!http_is_token(element))
            return false;
        http_list before = http_list_of(h, name);
        str other;
        while (http_list_next(&before, &other) && other.p != element.p)
            if (str_eq(other, element))
                return false;
        any = true;
        if (str_eq(element, wanted))
            *has = true;
    }
    return any || !http_header_get(h, name, NULL);
}

static bool key_ok(const http_head *h, str *key)
{
    uint8_t raw[HANDSHAKE_KEY_SIZE];
    return http_header_get(h, STR("Sec-WebSocket-Key"), key) == 1 &&
           digest_unbase64(*key, raw, sizeof(raw)) == HANDSHAKE_KEY_SIZE;
}

static int refuse(handshake_verdict *v, int status, const char *why)
{
    v->why = why;
    return status;
}

/* What is wrong with the request: 101 when nothing, else the status and *why. */
static int judge(const http_head *req, const handshake_policy *p, handshake_verdict *v, str *key)
{
    static const str version = {"Sec-WebSocket-Version", 21};
    str value = {NULL, 0};
    uint64_t body = 0;
    bool offered;
    if (http_target_of(req, &v->target))
        return refuse(v, 400, "bad request target or Host");
    if (!str_eq(req->method, STR("GET")))
        return refuse(v, 405, "the method of a WebSocket handshake is GET");
    if (v->target.authority.n == 0)
        return refuse(v, 400, "Host is missing or empty");
    if (p->path_count && !listed(v->target.path, p->paths, p->path_count))
        return refuse(v, 404, "no WebSocket service at this path");
    /* HTTP/1.0 knows no Upgrade, so there it is as if absent (RFC 9110 section 7.8). */
    if (req->minor < 1 || !http_has_token(req, upgrade, websocket))
        return refuse(v, 426, "this path speaks WebSocket: Upgrade with HTTP/1.1 is missing");
    if (!http_has_token(req, connection, upgrade))
        return refuse(v, 400, "Connection does not name Upgrade");
    if (http_body_length(req, &body) || body > 0)
        return refuse(v, 400, "a WebSocket handshake has no body");
    if (http_header_get(req, version, &value) != 1 || !str_eq(value, STR("13")))
        return refuse(v, 426, "Sec-WebSocket-Version is not 13");
    if (!key_ok(req, key))
        return refuse(v, 400, "Sec-WebSocket-Key is not the base64 of 16 bytes, once");
    if (http_header_get(req, STR("Origin"), &v->origin) > 1)
        return refuse(v, 400, "more than one Origin");
    if (p->origin_count && v->origin.p && !listed(v->origin, p->origins, p->origin_count))
        return refuse(v, 403, "this Origin is not allowed");
    if (!extensions_ok(req))
        return refuse(v, 400, "Sec-WebSocket-Extensions breaks its grammar");
    if (!subprotocols_ok(req, p->subprotocol, &offered))
        return refuse(v, 400, "Sec-WebSocket-Protocol is no list of different tokens");
    if (p->subprotocol.n && !offered)
        return refuse(v, 400, "Sec-WebSocket-Protocol does not offer what this server speaks");
    if (http_header_get(req, STR("Expect"), &value) && !str_ieq(value, STR("100-continue")))
        return refuse(v, 417, "unknown expectation");
    v->why = "accepted";
    return 101;
}

bool handshake_wanted(const http_head *req, const handshake_policy *p, bool has_page)
{
    http_target t;
    if (http_has_token(req, upgrade, websocket) ||
        http_header_get(req, STR("Sec-WebSocket-Key"), NULL))
        return true;
    return !has_page && http_target_of(req, &t) == 0 && listed(t.path, p->paths, p->path_count);
}

static void write_switch(const http_head *req, const handshake_policy *p, str key, buf *out)
{
    if (http_header_get(req, STR("Expect"), NULL)) { /* RFC 9110 section 7.8 wants this order */
        http_write_status(out, 100);
        http_write_end(out);
    }
    http_write_status(out, 101);
    http_write_header(out, upgrade, websocket);
    http_write_header(out, connection, upgrade);
    buf_str(out, STR("Sec-WebSocket-Accept: "));
    write_accept(out, key);
    http_write_end(out);
    if (p->subprotocol.n)
        http_write_header(out, STR("Sec-WebSocket-Protocol"), p->subprotocol);
    http_write_end(out);
}

static void write_refusal(const http_head *req, const handshake_verdict *v, buf *out)
{
    http_write_status(out, v->status);
    if (v->status == 426) {
        http_write_header(out, upgrade, websocket);
        http_write_header(out, connection, STR("Upgrade, close"));
        http_write_header(out, STR("Sec-WebSocket-Version"), STR("13"));
    } else {
        http_write_header(out, connection, STR("close"));
    }
    if (v->status == 405)
        http_write_header(out, STR("Allow"), STR("GET"));
    http_write_text(out, str_of(v->why), str_eq(req->method, STR("HEAD")));
}

int handshake_answer(const http_head *req, const handshake_policy *p, buf *out,
                     handshake_verdict *v)
{
    str key = {NULL, 0};
    *v = (handshake_verdict){0};
    v->status = judge(req, p, v, &key);
    if (v->status == 101)
        write_switch(req, p, key, out);
    else
        write_refusal(req, v, out);
    return v->status;
}

static void write_key(buf *out, const handshake_offer *o)
{
    digest_base64(out, (str){(const char *)o->key, sizeof(o->key)});
}

void handshake_request(const handshake_offer *o, buf *out)
{
    buf_str(out, STR("GET "));
    buf_str(out, o->target.n ? o->target : STR("/"));
    buf_str(out, STR(" HTTP/1.1\r\n"));
    http_write_header(out, STR("Host"), o->host);
    http_write_header(out, upgrade, websocket);
    http_write_header(out, connection, upgrade);
    buf_str(out, STR("Sec-WebSocket-Key: "));
    write_key(out, o);
    http_write_end(out);
    http_write_header(out, STR("Sec-WebSocket-Version"), STR("13"));
    if (o->subprotocol.n)
        http_write_header(out, STR("Sec-WebSocket-Protocol"), o->subprotocol);
    if (o->origin.n)
        http_write_header(out, STR("Origin"), o->origin);
    http_write_end(out);
}

static bool accept_ok(str value, const handshake_offer *o)
{
    buf key, want;
    buf_init(&key, 64);
    buf_init(&want, 64);
    write_key(&key, o);
    write_accept(&want, buf_slice(&key));
    bool ok = str_eq(value, buf_slice(&want));
    buf_free(&key);
    buf_free(&want);
    return ok;
}

handshake_error handshake_check(const http_head *answer, const handshake_offer *o)
{
    str value = {NULL, 0};
    if (answer->status != 101)
        return HANDSHAKE_E_STATUS;
    if (http_header_get(answer, upgrade, &value) != 1 || !str_ieq(value, websocket))
        return HANDSHAKE_E_UPGRADE;
    if (!http_has_token(answer, connection, upgrade))
        return HANDSHAKE_E_CONNECTION;
    if (http_header_get(answer, STR("Sec-WebSocket-Accept"), &value) != 1 || !accept_ok(value, o))
        return HANDSHAKE_E_ACCEPT;
    http_list extensions = http_list_of(answer, STR("Sec-WebSocket-Extensions"));
    if (http_list_next(&extensions, &value))
        return HANDSHAKE_E_EXTENSION;
    size_t lines = http_header_get(answer, STR("Sec-WebSocket-Protocol"), &value);
    if (lines != (o->subprotocol.n ? 1 : 0) || (lines && !str_eq(value, o->subprotocol)))
        return HANDSHAKE_E_SUBPROTOCOL;
    return HANDSHAKE_OK;
}

const char *handshake_error_text(handshake_error e)
{
    switch (e) {
    case HANDSHAKE_OK: return "no error";
    case HANDSHAKE_E_STATUS: return "the server did not switch to WebSocket";
    case HANDSHAKE_E_UPGRADE: return "the answer lacks Upgrade: websocket";
    case HANDSHAKE_E_CONNECTION: return "the answer lacks Connection: Upgrade";
    case HANDSHAKE_E_ACCEPT: return "Sec-WebSocket-Accept does not fit our key";
    case HANDSHAKE_E_SUBPROTOCOL: return "the server did not choose the offered subprotocol";
    case HANDSHAKE_E_EXTENSION: return "the server uses an extension that was not offered";
    }
    return "unknown error";
}
