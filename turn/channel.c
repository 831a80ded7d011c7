#include "turn/channel.h"

#include <stdlib.h>

#include "base/mem.h"

void channels_free(channels *c)
{
    free(c->v);
    *c = (channels){0};
}

const channel *channels_by_number(const channels *c, uint16_t number, uint64_t now_ms)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].number == number && c->v[i].until > now_ms)
            return &c->v[i];
    return NULL;
}

const channel *channels_by_peer(const channels *c, const addr *peer, uint64_t now_ms)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].until > now_ms && addr_eq(&c->v[i].peer, peer))
            return &c->v[i];
    return NULL;
}

static void forget_old(channels *c, uint64_t now_ms)
{
    for (size_t i = 0; i < c->n;)
        if (c->v[i].until <= now_ms)
            c->v[i] = c->v[--c->n];
        else
            i++;
}

channel_result channels_check(const channels *c, uint16_t number, const addr *peer, size_t max,
                              uint64_t now_ms)
{
    const channel *same = channels_by_number(c, number, now_ms);
    if (same != channels_by_peer(c, peer, now_ms))
        return CHANNEL_TAKEN;
    size_t live = 0;
    for (size_t i = 0; i < c->n; i++)
        live += c->v[i].until > now_ms;
    return same || live < max ? CHANNEL_OK : CHANNEL_FULL;
}

channel_result channels_bind(channels *c, uint16_t number, const addr *peer, uint64_t until,
                             size_t max, uint64_t now_ms)
{
    channel_result result = channels_check(c, number, peer, max, now_ms);
    if (result != CHANNEL_OK)
        return result;
    forget_old(c, now_ms);
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].number == number) {
            c->v[i].until = until;
            return CHANNEL_OK;
        }
    c->v = mem_realloc(c->v, (c->n + 1) * sizeof(*c->v));
    c->v[c->n++] = (channel){.peer = *peer, .until = until, .number = number};
    return CHANNEL_OK;
}

void channels_drop(channels *c, int family)
{
    for (size_t i = 0; i < c->n;)
        if (c->v[i].peer.family == family)
            c->v[i] = c->v[--c->n];
        else
            i++;
}
