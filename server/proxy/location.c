#include "proxy/location.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct record {
    table_node by_aor;
    binding *first;
    size_t count;
    record *older, *younger; /* while it has no binding: by the time that it lost its last */
    str aor;                 /* in this allocation */
};

struct location {
    table records; /* by address of record */
    table flows;   /* bindings by flow */
    sip_deadlines expiry;
    size_t count;
    record *oldest, *youngest; /* records without a binding */
    size_t absent;
};

/* A user whose last binding ended stays known for a while. */
static void go_absent(location *l, record *r)
{
    r->older = l->youngest;
    r->younger = NULL;
    if (r->older)
        r->older->younger = r;
    else
        l->oldest = r;
    l->youngest = r;
    l->absent++;
}

static void come_back(location *l, record *r)
{
    if (r->older)
        r->older->younger = r->younger;
    else
        l->oldest = r->younger;
    if (r->younger)
        r->younger->older = r->older;
    else
        l->youngest = r->older;
    r->older = r->younger = NULL;
    l->absent--;
}

static void forget_absent(location *l, size_t keep)
{
    while (l->absent > keep) {
        record *r = l->oldest;
        come_back(l, r);
        table_remove(&l->records, &r->by_aor);
        free(r);
    }
}

static binding *first_to_end(const location *l)
{
    uint64_t at;
    sip_deadline *d;
    return sip_deadlines_first(&l->expiry, &at, &d) ? TABLE_OF(d, binding, expiry) : NULL;
}

location *location_new(void)
{
    location *l = mem_zalloc(1, sizeof(*l));
    table_init(&l->records);
    table_init(&l->flows);
    return l;
}

void location_free(location *l)
{
    if (!l)
        return;
    for (binding *b; (b = first_to_end(l)) != NULL;)
        location_remove(l, b);
    forget_absent(l, 0);
    table_free(&l->records);
    table_free(&l->flows);
    sip_deadlines_free(&l->expiry);
    free(l);
}

static record *find_record(const location *l, str aor)
{
    for (table_node *n = table_find(&l->records, str_hash(aor, 0)); n; n = table_next(n)) {
        record *r = TABLE_OF(n, record, by_aor);
        if (str_eq(r->aor, aor))
            return r;
    }
    return NULL;
}

record *location_find(const location *l, str aor)
{
    record *r = find_record(l, aor);
    return r && r->count ? r : NULL;
}

bool location_knows(const location *l, str aor)
{
    return find_record(l, aor) != NULL;
}

str record_aor(const record *r)
{
    return r->aor;
}

binding *record_first(const record *r)
{
    return r->first;
}

size_t record_count(const record *r)
{
    return r->count;
}

static record *record_new(location *l, str aor)
{
    record *r = mem_alloc(sizeof(*r) + aor.n);
    *r = (record){.aor = {(char *)(r + 1), aor.n}};
    if (aor.n)
        memcpy(r + 1, aor.p, aor.n);
    table_add(&l->records, &r->by_aor, str_hash(aor, 0));
    return r;
}

/* Flow ids are small consecutive numbers; the table takes its bucket from the low bits. */
static uint64_t flow_hash(uint64_t id)
{
    return id * 0x9E3779B97F4A7C15ULL ^ id >> 7;
}

static str copy(char **at, str s)
{
    str kept = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static binding *binding_new(const binding_facts *f)
{
    size_t text = f->uri.n + f->params.n + f->instance.n + f->call_id.n + f->path.n;
    binding *b = mem_alloc(sizeof(*b) + text);
    *b = (binding){.is = *f};
    char *at = (char *)(b + 1);
    b->is.uri = copy(&at, f->uri);
    b->is.params = copy(&at, f->params);
    b->is.instance = copy(&at, f->instance);
    b->is.call_id = copy(&at, f->call_id);
    b->is.path = copy(&at, f->path);
    return b;
}

static void link_first(record *r, binding *b)
{
    b->of = r;
    b->prev = NULL;
    b->next = r->first;
    if (b->next)
        b->next->prev = b;
    r->first = b;
    r->count++;
}

/* Takes a binding out of everything and frees it; its record stays. */
static void discard(location *l, binding *b)
{
    record *r = b->of;
    if (b->prev)
        b->prev->next = b->next;
    else
        r->first = b->next;
    if (b->next)
        b->next->prev = b->prev;
    r->count--;
    if (b->is.flow)
        table_remove(&l->flows, &b->by_flow);
    sip_deadlines_clear(&l->expiry, &b->expiry);
    l->count--;
    free(b);
}

binding *location_put(location *l, str aor, binding *old, const binding_facts *facts, uint64_t now)
{
    record *r = old ? old->of : find_record(l, aor);
    if (!r)
        r = record_new(l, aor);
    else if (r->count == 0)
        come_back(l, r);
    binding *b = binding_new(facts);
    b->updated = now;
    link_first(r, b);
    if (b->is.flow)
        table_add(&l->flows, &b->by_flow, flow_hash(b->is.flow));
    sip_deadlines_set(&l->expiry, &b->expiry, b->is.until);
    l->count++;
    if (old)
        discard(l, old);
    return b;
}

void location_remove(location *l, binding *b)
{
    record *r = b->of;
    discard(l, b);
    if (r->count == 0) {
        go_absent(l, r);
        forget_absent(l, LOCATION_MAX_ABSENT);
    }
}

size_t location_drop_flow(location *l, uint64_t id)
{
    size_t dropped = 0;
    table_node *next;
    if (!id)
        return 0;
    for (table_node *n = table_find(&l->flows, flow_hash(id)); n; n = next) {
        next = table_next(n);
        binding *b = TABLE_OF(n, binding, by_flow);
        if (b->is.flow == id) {
            location_remove(l, b);
            dropped++;
        }
    }
    return dropped;
}

size_t location_expire(location *l, uint64_t now)
{
    size_t ended = 0;
    for (binding *b; (b = first_to_end(l)) != NULL && b->is.until <= now; ended++)
        location_remove(l, b);
    return ended;
}

uint64_t location_next_expiry(const location *l)
{
    const binding *b = first_to_end(l);
    return b ? b->is.until : UINT64_MAX;
}

size_t location_count(const location *l)
{
    return l->count;
}
