#include "turn/permission.h"

#include <stdlib.h>

#include "base/mem.h"

void permissions_free(permissions *p)
{
    free(p->v);
    *p = (permissions){0};
}

bool permissions_has(const permissions *p, const addr *peer, uint64_t now_ms)
{
    for (size_t i = 0; i < p->n; i++)
        if (addr_same_ip(&p->v[i].peer, peer))
            return p->v[i].until > now_ms;
    return false;
}

int permissions_set(permissions *p, const addr *peer, uint64_t until, size_t max, uint64_t now_ms)
{
    permission *over = NULL;
    for (size_t i = 0; i < p->n; i++) {
        if (addr_same_ip(&p->v[i].peer, peer)) {
            p->v[i].until = until;
            return 0;
        }
        if (p->v[i].until <= now_ms)
            over = &p->v[i];
    }
    if (!over) {
        if (p->n >= max)
            return -1;
        p->v = mem_realloc(p->v, (p->n + 1) * sizeof(*p->v));
        over = &p->v[p->n++];
    }
    *over = (permission){.peer = *peer, .until = until};
    over->peer.port = 0;
    return 0;
}

bool permissions_room(const permissions *p, const addr *peers, size_t n, size_t max,
                      uint64_t now_ms)
{
    size_t live = 0;
    for (size_t i = 0; i < p->n; i++)
        live += p->v[i].until > now_ms;
    for (size_t i = 0; i < n; i++) {
        bool seen = permissions_has(p, &peers[i], now_ms);
        for (size_t k = 0; k < i && !seen; k++)
            seen = addr_same_ip(&peers[k], &peers[i]);
        live += !seen;
    }
    return live <= max;
}

void permissions_drop(permissions *p, int family)
{
    for (size_t i = 0; i < p->n;)
        if (p->v[i].peer.family == family)
            p->v[i] = p->v[--p->n];
        else
            i++;
}
