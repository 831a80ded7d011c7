/* A hash table of nodes that live inside other structures: the table owns only its buckets.
 * A search returns the first node with the hash; the caller compares keys and goes on with
 * table_next(). Adding and removing cost the same whatever the number of nodes, but for the
 * doubling of the buckets. */
#ifndef VIADUCT_PROXY_TABLE_H
#define VIADUCT_PROXY_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct table_node {
    struct table_node *next;
    struct table_node **link; /* what points at this node; NULL while in no table */
    uint64_t hash;
} table_node;

typedef struct table {
    table_node **buckets;
    size_t mask; /* number of buckets - 1 */
    size_t count;
} table;

/* The structure around a node. */
#define TABLE_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void table_init(table *t);
void table_free(table *t); /* the nodes belong to the caller */
void table_add(table *t, table_node *node, uint64_t hash);
void table_remove(table *t, table_node *node);
table_node *table_find(const table *t, uint64_t hash);
table_node *table_next(const table_node *node); /* next with the same hash, or NULL */

#endif
