#include "turn/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct named {
    const char *text, *name;
} named;

static const named REFUSED[] = {
    {"0.0.0.0/8", "unspecified"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "reserved"},
    {"192.168.0.0/16", "private"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
    {"::1", "loopback"},
    {"::/96", "unspecified or IPv4-compatible"},
    {"::ffff:0:0/96", "IPv4-mapped"},
    {"64:ff9b::/96", "NAT64"},
    {"64:ff9b:1::/48", "NAT64"},
    {"2001::/32", "Teredo"},
    {"2002::/16", "6to4"},
    {"fc00::/7", "unique-local"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};
enum { REFUSED_COUNT = sizeof(REFUSED) / sizeof(REFUSED[0]) };

int policy_parse(str text, policy_range *out)
{
    policy_range r;
    size_t slash = str_chr(text, '/', 0);
    if (addr_parse_host(&r.at, str_sub(text, 0, slash), 0))
        return -1;
    uint64_t bits = r.at.family == AF_INET ? 32 : 128;
    if (slash < text.n && str_u64(str_sub(text, slash + 1, text.n), bits, &bits))
        return -1;
    r.bits = (unsigned)bits;
    *out = r;
    return 0;
}

bool policy_within(const policy_range *r, const addr *a)
{
    if (r->at.family != a->family || memcmp(r->at.ip, a->ip, r->bits / 8) != 0)
        return false;
    unsigned rest = r->bits % 8;
    return !rest || ((r->at.ip[r->bits / 8] ^ a->ip[r->bits / 8]) >> (8 - rest)) == 0;
}

void policy_free(policy *p)
{
    free(p->allowed);
    free(p->denied);
    free(p->listening);
    free(p->relaying);
    *p = (policy){0};
}

void policy_allow(policy *p, const policy_range *r)
{
    p->allowed = mem_realloc(p->allowed, (p->allowed_count + 1) * sizeof(*r));
    p->allowed[p->allowed_count++] = *r;
}

void policy_deny(policy *p, const policy_range *r)
{
    p->denied = mem_realloc(p->denied, (p->denied_count + 1) * sizeof(*r));
    p->denied[p->denied_count++] = *r;
}

void policy_listening(policy *p, const addr *a)
{
    p->listening = mem_realloc(p->listening, (p->listening_count + 1) * sizeof(*a));
    p->listening[p->listening_count++] = *a;
}

void policy_relaying(policy *p, const addr *a)
{
    p->relaying = mem_realloc(p->relaying, (p->relaying_count + 1) * sizeof(*a));
    p->relaying[p->relaying_count++] = *a;
}

static bool any(const policy_range *v, size_t n, const addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (policy_within(&v[i], a))
            return true;
    return false;
}

static const char *refused_by_name(const addr *a)
{
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        policy_range r = {.bits = 0};
        if (policy_parse(str_of(REFUSED[i].text), &r) == 0 && policy_within(&r, a))
            return REFUSED[i].name;
    }
    return NULL;
}

bool policy_tunnelled(const addr *a)
{
    static const uint8_t teredo[4] = {0x20, 0x01, 0, 0}, six_to_four[2] = {0x20, 0x02};
    return a->family == AF_INET6 && (memcmp(a->ip, teredo, sizeof(teredo)) == 0 ||
                                     memcmp(a->ip, six_to_four, sizeof(six_to_four)) == 0);
}

/* Is that exactly where this server listens? A listener for all addresses does so on the relay's.
 */
static bool listens_at(const policy *p, const addr *peer)
{
    for (size_t i = 0; i < p->listening_count; i++) {
        const addr *mine = &p->listening[i];
        if (mine->port != peer->port || mine->family != peer->family)
            continue;
        if (addr_same_ip(mine, peer))
            return true;
        for (size_t k = 0; addr_is_any(mine) && k < p->relaying_count; k++)
            if (addr_same_ip(&p->relaying[k], peer))
                return true;
    }
    return false;
}

const char *policy_refuses_port(const policy *p, const addr *peer)
{
    bool listening = false, relaying = false;
    if (peer->port && listens_at(p, peer))
        return "this server's own port";
    for (size_t i = 0; i < p->relaying_count; i++)
        relaying = relaying || addr_same_ip(&p->relaying[i], peer);
    for (size_t i = 0; i < p->listening_count; i++)
        listening = listening || addr_same_ip(&p->listening[i], peer);
    bool refused =
        relaying ? peer->port && (peer->port < p->low || peer->port > p->high) : listening;
    return refused && !any(p->allowed, p->allowed_count, peer) ? "this server's own address" : NULL;
}

const char *policy_refuses(const policy *p, const addr *peer)
{
    const char *why = policy_refuses_port(p, peer);
    if (why)
        return why;
    if (any(p->denied, p->denied_count, peer))
        return "denied by option";
    return any(p->allowed, p->allowed_count, peer) ? NULL : refused_by_name(peer);
}
