#include "proxy/scene.h"

#ifdef VIADUCT_FAULTS

#include <stdlib.h>
#include <string.h>

void scene_swap(scene *s, str cut, str put)
{
    if (s->n == SCENE_EDITS)
        return;
    s->v[s->n] = (scene_edit){cut, put, s->n};
    s->n++;
}

void scene_cut(scene *s, str what)
{
    scene_swap(s, what, STR(""));
}

void scene_insert(scene *s, const char *at, str put)
{
    scene_swap(s, (str){at, 0}, put);
}

str scene_join(scene *s, str a, str b)
{
    str out = {s->scratch + s->used, a.n + b.n};
    if (out.n > SCENE_SCRATCH - s->used)
        return a;
    memcpy(s->scratch + s->used, a.p, a.n);
    memcpy(s->scratch + s->used + a.n, b.p, b.n);
    s->used += out.n;
    return out;
}

str scene_number(scene *s, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    return scene_join(s, (str){digits + at, sizeof(digits) - at}, STR(""));
}

bool scene_within(str text, str what, str *out)
{
    const char *hit = text.n ? memmem(text.p, text.n, what.p, what.n) : NULL;
    *out = (str){hit, what.n};
    return hit != NULL;
}

bool scene_in_dialog(const scene *s)
{
    return s->m->request && s->m->has_to && s->m->to.tag.n;
}

bool scene_on(const scene *s, flow_kind k)
{
    return s->p->w.kind(s->f) == k;
}

char scene_own_branch(const scene *s)
{
    str b = s->m->via.branch;
    if (!s->m->request || b.n < 8 + CORE_COOKIE || memcmp(b.p + 7, s->p->cookie, CORE_COOKIE))
        return 0;
    return b.p[7 + CORE_COOKIE];
}

bool scene_to_register(const scene *s)
{
    return !s->m->request && s->m->cseq_method == SIP_REGISTER && s->m->status == 200;
}

size_t scene_own_records(const scene *s, const sip_field *out[2])
{
    size_t n = 0;
    for (const sip_field *f = sip_message_field(s->m, SIP_RECORD_ROUTE); f && n < 2;
         f = sip_message_next(s->m, f)) {
        sip_addr a;
        if (sip_addr_parse(f->value, &a, NULL) || !core_owns_uri(s->p, s->f, &a.uri))
            break;
        out[n++] = f;
    }
    return s->m->request ? n : 0;
}

void scene_each_contact(scene *s, void (*fn)(scene *s, const sip_field *f))
{
    for (const sip_field *f = sip_message_field(s->m, SIP_CONTACT); f;
         f = sip_message_next(s->m, f))
        fn(s, f);
}

void scene_cut_param(scene *s, str text, str name)
{
    str hit;
    if (!scene_within(text, scene_join(s, STR(";"), name), &hit))
        return;
    const char *end = text.p + text.n, *at = hit.p + 1;
    while (at < end && !strchr(";,> \r", *at))
        at++;
    scene_cut(s, (str){hit.p, (size_t)(at - hit.p)});
}

void scene_other_branch(scene *s)
{
    if (s->m->via.branch.n)
        scene_swap(s, s->m->via.branch, scene_join(s, s->m->via.branch, STR("x")));
}

/* By place; of several in one place the first stays first. */
static int by_place(const void *a, const void *b)
{
    const scene_edit *x = a, *y = b;
    if (x->cut.p != y->cut.p)
        return x->cut.p < y->cut.p ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void scene_write(scene *s, buf *out)
{
    const char *at = s->m->text.p, *end = at + s->m->text.n;
    qsort(s->v, s->n, sizeof(s->v[0]), by_place);
    buf_clear(out);
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].cut.p < at)
            continue; /* two faults want the same bytes: the first has them */
        buf_add(out, at, (size_t)(s->v[i].cut.p - at));
        buf_str(out, s->v[i].put);
        at = s->v[i].cut.p + s->v[i].cut.n;
    }
    buf_add(out, at, (size_t)(end - at));
}

#endif
