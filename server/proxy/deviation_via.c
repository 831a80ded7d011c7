/* Faults in Via. */
#include "proxy/deviation.h"

#ifdef VIADUCT_FAULTS

#include <string.h>

#include "proxy/scene.h"

static void via_token(scene *s, flow_kind k, str token)
{
    if (scene_own_branch(s) && scene_on(s, k))
        scene_swap(s, s->m->via.transport, token);
}

static void via_ws_on_wss(scene *s)
{
    via_token(s, FLOW_WSS, STR("WS"));
}

static void via_tcp_on_tls(scene *s)
{
    via_token(s, FLOW_TLS, STR("TCP"));
}

static void via_udp_on_ws(scene *s)
{
    via_token(s, FLOW_WS, STR("UDP"));
}

static const sip_field *second_via(const scene *s)
{
    const sip_field *f = sip_message_field(s->m, SIP_VIA);
    return f ? sip_message_next(s->m, f) : NULL;
}

static void via_below(scene *s)
{
    const sip_field *top = sip_message_field(s->m, SIP_VIA), *next = second_via(s);
    if (scene_own_branch(s) && next) {
        scene_cut(s, top->line);
        scene_insert(s, next->line.p + next->line.n, top->line);
    }
}

static void via_removed_foreign(scene *s)
{
    const sip_field *next = second_via(s);
    if (scene_own_branch(s) && next)
        scene_cut(s, next->line);
}

static void via_not_popped(scene *s)
{
    if (!s->m->request && s->m->status > 100)
        scene_insert(s, sip_message_field(s->m, SIP_VIA)->line.p,
                     STR("Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKnotpopped\r\n"));
}

static void via_changed_in_response(scene *s)
{
    if (!s->m->request && s->m->status > 100)
        scene_other_branch(s);
}

static void branch_no_cookie(scene *s)
{
    if (scene_own_branch(s))
        scene_swap(s, str_sub(s->m->via.branch, 0, 7), STR("viaduct"));
}

static void branch_reused(scene *s)
{
    if (scene_own_branch(s))
        scene_swap(s, s->m->via.branch, scene_join(s, STR("z9hG4bKsame;v="), s->m->via.branch));
}

/* The Via of who sent the request: below ours in the copy, on top of the response. */
static str sender_via(const scene *s)
{
    const sip_field *f = s->m->request ? second_via(s) : sip_message_field(s->m, SIP_VIA);
    return f ? f->value : STR("");
}

static void drop_rport(scene *s)
{
    str hit;
    if (scene_within(sender_via(s), STR(";rport="), &hit))
        scene_cut_param(s, sender_via(s), STR("rport"));
}

static void drop_received(scene *s)
{
    scene_cut_param(s, sender_via(s), STR("received"));
}

static void rport_unasked(scene *s)
{
    str via = sender_via(s), hit;
    if (via.n && !scene_within(via, STR(";rport"), &hit))
        scene_insert(s, via.p + via.n, STR(";rport=5060"));
}

const scene_row DEVIATION_VIA[] = {
    {FAULT_VIA_WS_ON_WSS, via_ws_on_wss},
    {FAULT_VIA_TCP_ON_TLS, via_tcp_on_tls},
    {FAULT_VIA_UDP_ON_WS, via_udp_on_ws},
    {FAULT_VIA_BELOW, via_below},
    {FAULT_VIA_REMOVED_FOREIGN, via_removed_foreign},
    {FAULT_VIA_NOT_POPPED, via_not_popped},
    {FAULT_VIA_CHANGED_IN_RESPONSE, via_changed_in_response},
    {FAULT_BRANCH_NO_COOKIE, branch_no_cookie},
    {FAULT_BRANCH_REUSED, branch_reused},
    {FAULT_DROP_RPORT, drop_rport},
    {FAULT_DROP_RECEIVED, drop_received},
    {FAULT_RPORT_UNASKED, rport_unasked},
    {0},
};

#endif
