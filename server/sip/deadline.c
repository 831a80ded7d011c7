#include "sip/deadline.h"

#include <stdlib.h>

#include "base/mem.h"

/* Four children: flatter than a binary heap, and the children of a node share a cache line. Most
 * entries are timers of one length, set in the order of their end, which is O(1) here. */
enum { CHILDREN = 4 };

typedef struct sip_deadline_slot slot;

static void put(sip_deadlines *h, size_t i, slot s)
{
    h->heap[i] = s;
    s.entry->place = i + 1;
}

static void up(sip_deadlines *h, size_t i, slot s)
{
    while (i > 0) {
        size_t parent = (i - 1) / CHILDREN;
        if (h->heap[parent].at <= s.at)
            break;
        put(h, i, h->heap[parent]);
        i = parent;
    }
    put(h, i, s);
}

static void down(sip_deadlines *h, size_t i, slot s)
{
    for (;;) {
        size_t first = i * CHILDREN + 1, least = first;
        if (first >= h->n)
            break;
        for (size_t c = first + 1; c < h->n && c < first + CHILDREN; c++)
            if (h->heap[c].at < h->heap[least].at)
                least = c;
        if (h->heap[least].at >= s.at)
            break;
        put(h, i, h->heap[least]);
        i = least;
    }
    put(h, i, s);
}

void sip_deadlines_free(sip_deadlines *h)
{
    free(h->heap);
    *h = (sip_deadlines){0};
}

void sip_deadlines_set(sip_deadlines *h, sip_deadline *entry, uint64_t at)
{
    slot s = {at, entry};
    if (entry->place) {
        size_t i = entry->place - 1;
        if (at < h->heap[i].at)
            up(h, i, s);
        else
            down(h, i, s);
        return;
    }
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->heap = mem_realloc(h->heap, h->cap * sizeof(slot));
    }
    up(h, h->n++, s);
}

void sip_deadlines_clear(sip_deadlines *h, sip_deadline *entry)
{
    if (entry->place == 0)
        return;
    size_t i = entry->place - 1;
    entry->place = 0;
    slot last = h->heap[--h->n];
    if (i == h->n)
        return;
    if (i > 0 && last.at < h->heap[(i - 1) / CHILDREN].at)
        up(h, i, last);
    else
        down(h, i, last);
}

bool sip_deadlines_first(const sip_deadlines *h, uint64_t *at, sip_deadline **entry)
{
    if (h->n == 0)
        return false;
    *at = h->heap[0].at;
    *entry = h->heap[0].entry;
    return true;
}
