#include "proxy/ack.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/forward.h"
#include "proxy/hop.h"
#include "proxy/replay.h"
#include "proxy/side.h"

/* Waits for an address. */
typedef struct ack {
    struct ack *next, *prev;
    proxy *p;
    replay_source from;
    size_t n;
    char text[];
} ack;

static void discard(ack *a)
{
    if (a->prev)
        a->prev->next = a->next;
    else
        a->p->first_ack = a->next;
    if (a->next)
        a->next->prev = a->prev;
    free(a);
}

void ack_drop_all(proxy *p)
{
    while (p->first_ack)
        discard(p->first_ack);
}

static void send_on(const request *r, const route *ro, const target *t, flow *f)
{
    proxy *p = r->p;
    char name[SIDE_BRANCH];
    if (!f || (t->secure && !flow_kind_secure(p->w.kind(f))))
        return;
    str branch = side_stateless_branch(p, r->m, ro->loop, name);
    if (!forward_write(r, ro, t, f, branch, FORWARD_BREADTH))
        core_send(p, f, buf_slice(&p->out));
}

static void resolved(void *arg, const addr *found, size_t count)
{
    static _Thread_local target_set set; /* large; used up before this returns */
    ack *a = arg;
    proxy *p = a->p;
    replay y;
    sip_uri uri;
    hop h;
    if (count && replay_read(p, (str){a->text, a->n}, &a->from, &y) && !y.ro.status) {
        target_choose(&y.r, &y.ro, &set);
        const target *t = &set.v[0];
        if (set.kind == TARGET_SET && !forward_next(&y.ro, t, &uri) && !hop_of_uri(&uri, &h))
            send_on(&y.r, &y.ro, t, p->w.reach(p->w.self, h.kind, &found[0], NULL, t->via, NULL));
    }
    discard(a);
}

static void look_up(const request *r, const hop *h)
{
    proxy *p = r->p;
    str text = r->m->text;
    ack *a = mem_alloc(sizeof(*a) + text.n);
    *a = (ack){.p = p, .next = p->first_ack, .n = text.n};
    a->from = replay_source_of(p, r->from);
    memcpy(a->text, text.p, text.n);
    if (a->next)
        a->next->prev = a;
    p->first_ack = a;
    p->w.resolve(p->w.self, h->host.text, h->port, resolved, a);
}

void ack_forward(request *r, const route *ro, const target_set *set)
{
    proxy *p = r->p;
    const target *t = &set->v[0];
    sip_uri uri;
    hop h;
    addr to;
    if (set->kind != TARGET_SET || r->m->max_forwards == 0)
        return;
    if (t->has_flow)
        send_on(r, ro, t, p->w.find(p->w.self, t->flow));
    else if (forward_next(ro, t, &uri) || hop_of_uri(&uri, &h))
        return;
    else if (!addr_parse_host(&to, h.host.text, h.port))
        send_on(r, ro, t, p->w.reach(p->w.self, h.kind, &to, NULL, t->via, NULL));
    else
        look_up(r, &h);
}
