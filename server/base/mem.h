/* Memory by policy: running out of it ends the program with a message, so callers never test for
 * NULL. What a peer can make us hold is bounded by ceilings elsewhere (buf.h, connection and frame
 * limits). */
#ifndef VIADUCT_BASE_MEM_H
#define VIADUCT_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                   /* uninitialised, never NULL; free() it */
void *mem_zalloc(size_t count, size_t size); /* zeroed; the product is checked */
void *mem_realloc(void *p, size_t n);

#endif
