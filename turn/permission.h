/* The permissions of one allocation (RFC 8656 9): peer addresses without port, each with its time.
 * Only permissions_set() prolongs one. Initialise with zeroes, end with permissions_free(). */
#ifndef VIADUCT_TURN_PERMISSION_H
#define VIADUCT_TURN_PERMISSION_H

#include "base/addr.h"

typedef struct permission {
    addr peer;
    uint64_t until; /* ms */
} permission;

typedef struct permissions {
    permission *v;
    size_t n;
} permissions;

void permissions_free(permissions *p);
bool permissions_has(const permissions *p, const addr *peer, uint64_t now_ms);
/* Installs or refreshes. 0, or -1 when max are there already and none is over. */
int permissions_set(permissions *p, const addr *peer, uint64_t until, size_t max, uint64_t now_ms);
/* Could n peers, as many as are new among them, be added? */
bool permissions_room(const permissions *p, const addr *peers, size_t n, size_t max,
                      uint64_t now_ms);
void permissions_drop(permissions *p, int family);

#endif
