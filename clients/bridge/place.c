#include "bridge/place.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/cur.h"

static const struct {
    const char *name;
    uint16_t port;
} kinds[] = {
    [PLACE_UDP] = {"udp", 5060}, [PLACE_TCP] = {"tcp", 5060}, [PLACE_TLS] = {"tls", 5061},
    [PLACE_WS] = {"ws", 80},     [PLACE_WSS] = {"wss", 443},
};

const char *place_kind_name(place_kind k)
{
    return kinds[k].name;
}

bool place_is_websocket(place_kind k)
{
    return k == PLACE_WS || k == PLACE_WSS;
}

bool place_is_secure(place_kind k)
{
    return k == PLACE_TLS || k == PLACE_WSS;
}

bool place_is_tool(place_kind k)
{
    return k == PLACE_UDP || k == PLACE_TCP;
}

static int wrong(char *err, size_t errn, const char *text, const char *why)
{
    (void)snprintf(err, errn, "'%s': %s", text, why);
    return -1;
}

static int read_kind(cur *c, place_kind *k)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        cur at = *c;
        if (cur_ilit(&at, str_of(kinds[i].name)) || cur_byte(&at, ':'))
            continue;
        (void)cur_lit(&at, STR("//"));
        *c = at;
        *k = (place_kind)i;
        return 0;
    }
    return -1;
}

static bool in_host(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != ':' && c != '/' && c != '?' && c != '[' && c != ']' &&
           c != '@';
}

static bool in_path(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '#';
}

static int resolve(addr *a, const char *host, uint16_t port)
{
    struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, NULL, &hints, &list))
        return -1;
    *a = addr_of_sockaddr(list->ai_addr);
    a->port = port;
    freeaddrinfo(list);
    return a->family ? 0 : -1;
}

int place_parse(place *p, const char *text, bool literal, char *err, size_t errn)
{
    cur c = cur_of(str_of(text));
    str host, path = {NULL, 0};
    uint64_t port;
    *p = (place){0};
    if (read_kind(&c, &p->kind))
        return wrong(err, errn, text, "does not start with udp:, tcp:, tls:, ws: or wss:");
    bool brackets = cur_byte(&c, '[') == 0;
    if (brackets ? cur_until(&c, ']', PLACE_HOST - 1, &host) || cur_byte(&c, ']')
                 : cur_span(&c, in_host, PLACE_HOST - 1, &host))
        return wrong(err, errn, text, "has no host");
    bool given = cur_byte(&c, ':') == 0;
    port = kinds[p->kind].port;
    if (given ? cur_u64(&c, 65535, &port) : literal)
        return wrong(err, errn, text, "has no port from 0 to 65535");
    if (cur_peek(&c) == '/' || cur_peek(&c) == '?') {
        if (cur_span(&c, in_path, PLACE_PATH - 2, &path))
            return wrong(err, errn, text, "has a path that is too long");
        if (!place_is_websocket(p->kind))
            return wrong(err, errn, text, "has a path, but only ws and wss have one");
    }
    if (!cur_end(&c))
        return wrong(err, errn, text, "has something behind its end");
    (void)snprintf(p->host, sizeof(p->host), "%.*s", STR_FMT(host));
    (void)snprintf(p->path, sizeof(p->path), "%s%.*s", path.n && path.p[0] == '?' ? "/" : "",
                   STR_FMT(path));
    bool plain = port == kinds[p->kind].port;
    (void)snprintf(p->authority, sizeof(p->authority), plain ? "%s%s%s" : "%s%s%s:%u",
                   brackets ? "[" : "", p->host, brackets ? "]" : "", (unsigned)port);
    if (addr_parse_host(&p->at, host, (uint16_t)port) == 0)
        return 0;
    if (literal)
        return wrong(err, errn, text, "the host is no address");
    if (port == 0)
        return wrong(err, errn, text, "has no port from 1 to 65535");
    if (resolve(&p->at, p->host, (uint16_t)port))
        return wrong(err, errn, text, "the host has no address");
    return 0;
}

char *place_print(const place *p, char *out)
{
    char at[ADDR_TEXT];
    (void)snprintf(out, PLACE_TEXT, "%s:%s%s%s", kinds[p->kind].name,
                   place_is_websocket(p->kind) ? "//" : "", addr_print(&p->at, at), p->path);
    return out;
}
