#include "proxy/table.h"

#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_BUCKETS = 64 };

void table_init(table *t)
{
    t->buckets = mem_zalloc(FIRST_BUCKETS, sizeof(table_node *));
    t->mask = FIRST_BUCKETS - 1;
    t->count = 0;
}

void table_free(table *t)
{
    free(t->buckets);
    t->buckets = NULL;
    t->count = 0;
}

static void put(table *t, table_node *node)
{
    table_node **bucket = &t->buckets[node->hash & t->mask];
    node->next = *bucket;
    node->link = bucket;
    if (node->next)
        node->next->link = &node->next;
    *bucket = node;
}

static void grow(table *t)
{
    table_node **old = t->buckets;
    size_t buckets = t->mask + 1;
    t->buckets = mem_zalloc(buckets * 2, sizeof(table_node *));
    t->mask = buckets * 2 - 1;
    for (size_t i = 0; i < buckets; i++)
        for (table_node *node = old[i], *next; node; node = next) {
            next = node->next;
            put(t, node);
        }
    free(old);
}

void table_add(table *t, table_node *node, uint64_t hash)
{
    if (t->count > t->mask)
        grow(t);
    node->hash = hash;
    put(t, node);
    t->count++;
}

void table_remove(table *t, table_node *node)
{
    *node->link = node->next;
    if (node->next)
        node->next->link = node->link;
    node->next = NULL;
    node->link = NULL;
    t->count--;
}

static table_node *same(table_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

table_node *table_find(const table *t, uint64_t hash)
{
    return same(t->buckets[hash & t->mask], hash);
}

table_node *table_next(const table_node *node)
{
    return same(node->next, node->hash);
}
