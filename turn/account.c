#include "turn/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

void accounts_init(accounts *t)
{
    memset(t, 0, sizeof(*t));
    t->seed = digest_random_u64();
}

static account **link_of(accounts *t, uint64_t hash, str name)
{
    account **at = &t->buckets[hash % ACCOUNT_BUCKETS];
    while (*at && ((*at)->hash != hash || !str_eq((str){(*at)->name, (*at)->n}, name)))
        at = &(*at)->next;
    return at;
}

size_t accounts_count(const accounts *t, str name)
{
    uint64_t hash = str_hash(name, t->seed);
    for (const account *a = t->buckets[hash % ACCOUNT_BUCKETS]; a; a = a->next)
        if (a->hash == hash && str_eq((str){a->name, a->n}, name))
            return a->count;
    return 0;
}

account *accounts_take(accounts *t, str name)
{
    uint64_t hash = str_hash(name, t->seed);
    account **at = link_of(t, hash, name);
    if (!*at) {
        *at = mem_zalloc(1, sizeof(account) + name.n + 1);
        (*at)->hash = hash;
        (*at)->n = name.n;
        memcpy((*at)->name, name.p, name.n);
    }
    (*at)->count++;
    return *at;
}

void accounts_release(accounts *t, account *a)
{
    if (--a->count)
        return;
    account **at = link_of(t, a->hash, (str){a->name, a->n});
    *at = a->next;
    free(a);
}

bool account_pass(account *a, size_t n, uint64_t rate, uint64_t now_ms)
{
    if (rate == 0)
        return true;
    uint64_t full = rate * 1000, gone = now_ms - a->filled;
    /* Nothing moves the clock back; a long pause fills the bucket. */
    a->level =
        !a->filled || gone >= 1000 || a->level + gone * rate > full ? full : a->level + gone * rate;
    a->filled = now_ms;
    if (a->level < n * 1000)
        return false;
    a->level -= n * 1000;
    return true;
}
