/* Faults in Record-Route, Route, Request-URI and Contact. */
#include "proxy/deviation.h"

#ifdef VIADUCT_FAULTS

#include <string.h>

#include "proxy/scene.h"

static void each_record(scene *s, void (*fn)(scene *s, str value))
{
    const sip_field *own[2];
    size_t n = scene_own_records(s, own);
    for (size_t i = 0; i < n; i++)
        fn(s, own[i]->value);
}

static void record_route_missing(scene *s)
{
    const sip_field *own[2];
    size_t n = scene_own_records(s, own);
    for (size_t i = 0; i < n; i++)
        scene_cut(s, own[i]->line);
}

static void record_route_single(scene *s)
{
    const sip_field *own[2];
    if (scene_own_records(s, own) == 2)
        scene_cut(s, own[1]->line);
}

static void record_route_swapped(scene *s)
{
    const sip_field *own[2];
    if (scene_own_records(s, own) == 2) {
        scene_swap(s, own[0]->line, own[1]->line);
        scene_swap(s, own[1]->line, own[0]->line);
    }
}

static void record_route_below(scene *s)
{
    const sip_field *own[2], *last = NULL;
    size_t n = scene_own_records(s, own);
    for (const sip_field *f = n ? own[0] : NULL; f; f = sip_message_next(s->m, f))
        last = f;
    for (size_t i = 0; i < n && last != own[n - 1]; i++) {
        scene_cut(s, own[i]->line);
        scene_insert(s, last->line.p + last->line.n, own[i]->line);
    }
}

static void no_lr(scene *s, str value)
{
    scene_cut_param(s, value, STR("lr"));
}

static void record_route_no_lr(scene *s)
{
    each_record(s, no_lr);
}

static void ws_as_wss(scene *s, str value)
{
    str hit;
    if (scene_within(value, STR("transport=ws"), &hit))
        scene_swap(s, hit, STR("transport=wss"));
}

static void record_route_wss(scene *s)
{
    each_record(s, ws_as_wss);
}

static void tls_named(scene *s, str value)
{
    str hit;
    bool sips = str_starts(value, STR("<sips:")),
         ws = scene_within(value, STR("transport=ws"), &hit);
    bool name = s->p->record_name.n && scene_within(value, s->p->record_name, &hit);
    if ((sips && !ws) || name)
        scene_insert(s, value.p + value.n - 1, STR(";transport=tls"));
}

static void record_route_tls(scene *s)
{
    each_record(s, tls_named);
}

static void no_transport(scene *s, str value)
{
    scene_cut_param(s, value, STR("transport"));
}

static void record_route_no_transport(scene *s)
{
    each_record(s, no_transport);
}

static void no_token(scene *s, str value)
{
    sip_addr a;
    if (!sip_addr_parse(value, &a, NULL) && a.uri.user.n)
        scene_cut(s, (str){a.uri.user.p, a.uri.user.n + 1});
}

static void record_route_no_token(scene *s)
{
    each_record(s, no_token);
}

static void with_ob(scene *s, str value)
{
    scene_insert(s, value.p + value.n - 1, STR(";ob"));
}

static void record_route_ob(scene *s)
{
    each_record(s, with_ob);
}

static void record_route_reinvite_missing(scene *s)
{
    if (scene_in_dialog(s))
        record_route_missing(s);
}

static void record_route_changed_in_response(scene *s)
{
    const sip_field *f = sip_message_field(s->m, SIP_RECORD_ROUTE);
    if (!s->m->request && f)
        scene_cut(s, f->line);
}

static void route_kept(scene *s)
{
    char text[ADDR_TEXT];
    if (!scene_in_dialog(s) || !scene_own_branch(s))
        return;
    str value = scene_join(s, STR("Route: <sip:"), str_of(addr_print(s->p->w.local(s->f), text)));
    const sip_field *via = sip_message_field(s->m, SIP_VIA);
    scene_insert(s, via->line.p, scene_join(s, value, STR(";lr>\r\n")));
}

static void ruri_rewritten(scene *s)
{
    if (scene_in_dialog(s) && scene_own_branch(s))
        scene_insert(s, s->m->uri_text.p + s->m->uri_text.n, STR(";via=viaduct"));
}

static void contact_of_proxy(scene *s, const sip_field *f)
{
    char text[ADDR_TEXT];
    str value = scene_join(s, STR("<sip:proxy@"), str_of(addr_print(s->p->w.local(s->f), text)));
    scene_swap(s, f->value, scene_join(s, value, STR(">")));
}

static void contact_rewritten(scene *s)
{
    if (s->m->cseq_method != SIP_REGISTER)
        scene_each_contact(s, contact_of_proxy);
}

const scene_row DEVIATION_ROUTE[] = {
    {FAULT_RECORD_ROUTE_MISSING, record_route_missing},
    {FAULT_RECORD_ROUTE_SINGLE, record_route_single},
    {FAULT_RECORD_ROUTE_SWAPPED, record_route_swapped},
    {FAULT_RECORD_ROUTE_BELOW, record_route_below},
    {FAULT_RECORD_ROUTE_NO_LR, record_route_no_lr},
    {FAULT_RECORD_ROUTE_WSS, record_route_wss},
    {FAULT_RECORD_ROUTE_TLS, record_route_tls},
    {FAULT_RECORD_ROUTE_NO_TRANSPORT, record_route_no_transport},
    {FAULT_RECORD_ROUTE_NO_TOKEN, record_route_no_token},
    {FAULT_RECORD_ROUTE_OB, record_route_ob},
    {FAULT_RECORD_ROUTE_REINVITE_MISSING, record_route_reinvite_missing},
    {FAULT_RECORD_ROUTE_CHANGED_IN_RESPONSE, record_route_changed_in_response},
    {FAULT_ROUTE_KEPT, route_kept},
    {FAULT_RURI_REWRITTEN, ruri_rewritten},
    {FAULT_CONTACT_REWRITTEN, contact_rewritten},
    {0},
};

#endif
