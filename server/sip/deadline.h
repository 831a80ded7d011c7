/* Many deadlines, of which only the next matters: a heap whose entries know their place, so that
 * each can be moved or cleared in O(log n). No clock: times are numbers. */
#ifndef VIADUCT_SIP_DEADLINE_H
#define VIADUCT_SIP_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One entry, embedded in what waits; zeroed it is not waiting. Private. */
typedef struct sip_deadline {
    size_t place; /* index in the heap + 1; 0: not waiting */
} sip_deadline;

typedef struct sip_deadlines {
    struct sip_deadline_slot {
        uint64_t at;
        sip_deadline *entry;
    } * heap;
    size_t n, cap;
} sip_deadlines;

/* A zeroed sip_deadlines is empty and holds no memory. Entries are not touched by free. */
void sip_deadlines_free(sip_deadlines *h);

void sip_deadlines_set(sip_deadlines *h, sip_deadline *entry, uint64_t at); /* add or move */
void sip_deadlines_clear(sip_deadlines *h, sip_deadline *entry); /* no-op if not waiting */

/* The earliest: its time, or false when there is none. The entry stays. */
bool sip_deadlines_first(const sip_deadlines *h, uint64_t *at, sip_deadline **entry);

#endif
