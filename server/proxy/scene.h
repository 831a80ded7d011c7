/* A message about to leave, and the changes that a fault wants in it: slices of it that give way to
 * other bytes. Only for deviation*.c, in builds with VIADUCT_FAULTS. */
#ifndef VIADUCT_PROXY_SCENE_H
#define VIADUCT_PROXY_SCENE_H

#include "fault/fault.h"
#include "proxy/core.h"

enum { SCENE_EDITS = 40, SCENE_SCRATCH = 2048 };

typedef struct scene_edit {
    str cut, put;
    size_t order; /* of the calls */
} scene_edit;

typedef struct scene {
    proxy *p;
    flow *f;
    const sip_message *m;
    scene_edit v[SCENE_EDITS];
    size_t n;
    char scratch[SCENE_SCRATCH]; /* text of puts */
    size_t used;
    bool drop; /* it is not to be sent at all */
} scene;

/* A row of the fault table and how to carry it out; the last of a list has no function. */
typedef struct scene_row {
    fault when;
    void (*fn)(scene *s);
} scene_row;

/* In deviation_via.c, deviation_route.c and deviation_field.c. */
extern const scene_row DEVIATION_VIA[], DEVIATION_ROUTE[], DEVIATION_FIELD[];

void scene_swap(scene *s, str cut, str put);
void scene_cut(scene *s, str what);
void scene_insert(scene *s, const char *at, str put); /* in front of this byte */
void scene_cut_param(scene *s, str text, str name);   /* ";name=value" within text */

/* a and b in a row, as text that lasts as long as the scene. */
str scene_join(scene *s, str a, str b);
str scene_number(scene *s, uint64_t v);

/* The place of what within text, as a slice of it. */
bool scene_within(str text, str what, str *out);

bool scene_in_dialog(const scene *s); /* a request within a dialog */
bool scene_on(const scene *s, flow_kind k);
/* Of a request whose top Via is ours: 't' for the branch of a transaction, 's' for one sent on
 * without state; else 0. */
char scene_own_branch(const scene *s);
bool scene_to_register(const scene *s); /* a 200 to a REGISTER */
/* Our own values on top of the Record-Route of a request, each a field of its own. */
size_t scene_own_records(const scene *s, const sip_field *out[2]);
void scene_each_contact(scene *s, void (*fn)(scene *s, const sip_field *f));

/* Another branch for the top Via. */
void scene_other_branch(scene *s);

/* Writes the message with all changes. */
void scene_write(scene *s, buf *out);

#endif
