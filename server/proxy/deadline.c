#include "proxy/deadline.h"

#include <stdlib.h>

#include "base/mem.h"

void deadline_queue_free(deadline_queue *q)
{
    free(q->slots);
    *q = (deadline_queue){0};
}

static void place(deadline_queue *q, size_t i, deadline *d)
{
    q->slots[i] = d;
    d->slot = i + 1;
}

static void rise(deadline_queue *q, size_t i)
{
    deadline *d = q->slots[i];
    while (i > 0 && d->at < q->slots[(i - 1) / 2]->at) {
        place(q, i, q->slots[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(q, i, d);
}

static void sink(deadline_queue *q, size_t i)
{
    deadline *d = q->slots[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= q->count)
            break;
        if (child + 1 < q->count && q->slots[child + 1]->at < q->slots[child]->at)
            child++;
        if (d->at <= q->slots[child]->at)
            break;
        place(q, i, q->slots[child]);
        i = child;
    }
    place(q, i, d);
}

void deadline_set(deadline_queue *q, deadline *d, uint64_t at)
{
    if (!d->slot) {
        if (q->count == q->room) {
            q->room = q->room ? q->room * 2 : 64;
            q->slots = mem_realloc(q->slots, q->room * sizeof(*q->slots));
        }
        place(q, q->count++, d);
    }
    d->at = at;
    rise(q, d->slot - 1);
    sink(q, d->slot - 1);
}

void deadline_clear(deadline_queue *q, deadline *d)
{
    if (!d->slot)
        return;
    size_t i = d->slot - 1;
    d->slot = 0;
    deadline *last = q->slots[--q->count];
    if (last != d) {
        place(q, i, last);
        rise(q, i);
        sink(q, last->slot - 1);
    }
}

uint64_t deadline_next(const deadline_queue *q)
{
    return q->count ? q->slots[0]->at : DEADLINE_NEVER;
}

deadline *deadline_due(deadline_queue *q, uint64_t now)
{
    if (q->count == 0 || q->slots[0]->at > now)
        return NULL;
    deadline *d = q->slots[0];
    deadline_clear(q, d);
    return d;
}
