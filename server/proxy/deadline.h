/* A queue of deadlines (a binary heap): the earliest is at hand, any one can be moved or taken
 * out. A deadline lives inside the structure that waits for it. Times are milliseconds of the
 * clock that the caller uses throughout. */
#ifndef VIADUCT_PROXY_DEADLINE_H
#define VIADUCT_PROXY_DEADLINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct deadline {
    uint64_t at;
    size_t slot; /* place in the queue counted from 1; 0 while not waiting */
} deadline;

typedef struct deadline_queue {
    deadline **slots;
    size_t count, room;
} deadline_queue;

#define DEADLINE_NEVER UINT64_MAX

#define DEADLINE_OF(d, type, member) ((type *)(void *)((char *)(d)-offsetof(type, member)))

void deadline_queue_free(deadline_queue *q); /* a zeroed queue is an empty one */
void deadline_set(deadline_queue *q, deadline *d, uint64_t at); /* adds or moves */
void deadline_clear(deadline_queue *q, deadline *d);            /* harmless when not waiting */
uint64_t deadline_next(const deadline_queue *q); /* time of the earliest, or DEADLINE_NEVER */
deadline *deadline_due(deadline_queue *q, uint64_t now); /* takes out one that is due, or NULL */

#endif
