/* What one user, or one client address, holds: a count of allocations against a quota, and a bucket
 * of bytes against a rate. An account exists while something is counted on it. */
#ifndef VIADUCT_TURN_ACCOUNT_H
#define VIADUCT_TURN_ACCOUNT_H

#include "base/str.h"

typedef struct account {
    struct account *next; /* in its bucket */
    uint64_t hash;
    size_t count;    /* allocations */
    uint64_t level;  /* bytes that may pass now, times 1000 */
    uint64_t filled; /* when that was so, ms */
    size_t n;
    char name[]; /* n bytes and a NUL */
} account;

enum { ACCOUNT_BUCKETS = 1024 };
typedef struct accounts {
    account *buckets[ACCOUNT_BUCKETS];
    uint64_t seed;
} accounts;

void accounts_init(accounts *t);
size_t accounts_count(const accounts *t, str name); /* of allocations; 0 without an account */
account *accounts_take(accounts *t, str name);      /* counts one more, making the account */
void accounts_release(accounts *t, account *a);     /* counts one less, freeing it at 0 */
/* May n more bytes pass? rate: bytes per second, 0: no limit; one second's worth may come at once.
 */
bool account_pass(account *a, size_t n, uint64_t rate, uint64_t now_ms);

#endif
