#include "base/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool v4(const addr *a)
{
    return a->family == AF_INET;
}

static bool v6(const addr *a)
{
    return a->family == AF_INET6;
}

int addr_parse_host(addr *a, str host, uint16_t port)
{
    if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = str_sub(host, 1, host.n - 2);
        if (str_chr(host, ':', 0) == host.n)
            return -1; /* brackets are for IPv6 only */
    }
    char text[ADDR_TEXT];
    if (host.n == 0 || host.n >= sizeof(text) || memchr(host.p, 0, host.n))
        return -1;
    memcpy(text, host.p, host.n);
    text[host.n] = 0;

    addr out = {.port = port};
    char *zone = strchr(text, '%');
    if (zone) {
        *zone++ = 0;
        out.scope = if_nametoindex(zone);
        if (!out.scope)
            return -1;
    }
    if (inet_pton(AF_INET6, text, out.ip) == 1)
        out.family = AF_INET6;
    else if (!zone && inet_pton(AF_INET, text, out.ip) == 1)
        out.family = AF_INET;
    else
        return -1;
    *a = out;
    return 0;
}

int addr_parse(addr *a, str text)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (colon == 0 || str_u64(str_sub(text, colon, text.n), 65535, &port))
        return -1;
    str host = str_sub(text, 0, colon - 1);
    if (str_chr(host, ':', 0) < host.n && host.p[0] != '[')
        return -1; /* without brackets nobody could tell where the port starts */
    return addr_parse_host(a, host, (uint16_t)port);
}

bool addr_is_literal(str host)
{
    addr unused;
    return addr_parse_host(&unused, host, 0) == 0;
}

char *addr_print_ip(const addr *a, char *out)
{
    if (!v4(a) && !v6(a)) {
        out[0] = '-';
        out[1] = 0;
        return out;
    }
    (void)inet_ntop(a->family, a->ip, out, ADDR_TEXT);
    if (a->scope) {
        size_t n = strlen(out);
        (void)snprintf(out + n, ADDR_TEXT - n, "%%%u", a->scope);
    }
    return out;
}

char *addr_print_host(const addr *a, char *out)
{
    if (!v6(a))
        return addr_print_ip(a, out);
    out[0] = '[';
    char ip[ADDR_TEXT];
    (void)snprintf(out, ADDR_TEXT, "[%.60s]", addr_print_ip(a, ip));
    return out;
}

char *addr_print(const addr *a, char *out)
{
    addr_print_host(a, out);
    if (a->family) {
        size_t n = strlen(out);
        (void)snprintf(out + n, ADDR_TEXT - n, ":%u", a->port);
    }
    return out;
}

bool addr_same_ip(const addr *a, const addr *b)
{
    return a->family == b->family && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_eq(const addr *a, const addr *b)
{
    return a->port == b->port && addr_same_ip(a, b);
}

bool addr_is_any(const addr *a)
{
    static const uint8_t zero[16];
    return a->family && memcmp(a->ip, zero, sizeof(zero)) == 0;
}

uint64_t addr_hash(const addr *a, uint64_t seed)
{
    uint64_t h = str_hash((str){(const char *)a->ip, v4(a) ? 4 : 16}, seed);
    return str_hash((str){(const char *)&a->port, sizeof(a->port)}, h);
}

socklen_t addr_to_sockaddr(const addr *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (v4(a)) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
    if (v6(a)) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        in6->sin6_scope_id = a->scope;
        memcpy(&in6->sin6_addr, a->ip, 16);
        return sizeof(*in6);
    }
    return 0;
}

addr addr_of_sockaddr(const struct sockaddr *sa)
{
    addr a = {0};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        a.family = AF_INET;
        a.port = ntohs(in->sin_port);
        memcpy(a.ip, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        a.port = ntohs(in6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            a.family = AF_INET;
            memcpy(a.ip, (const uint8_t *)&in6->sin6_addr + 12, 4);
        } else {
            a.family = AF_INET6;
            a.scope = in6->sin6_scope_id;
            memcpy(a.ip, &in6->sin6_addr, 16);
        }
    }
    return a;
}
