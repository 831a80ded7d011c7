/* Faults in the other header fields, in the order of messages, and in registration. */
#include "proxy/deviation.h"

#ifdef VIADUCT_FAULTS

#include <string.h>

#include "proxy/scene.h"

static void replace_value(scene *s, sip_header id, str value)
{
    const sip_field *f = sip_message_field(s->m, id);
    if (f)
        scene_swap(s, f->value, value);
}

static void remove_field(scene *s, sip_header id)
{
    for (const sip_field *f = sip_message_field(s->m, id); f; f = sip_message_next(s->m, f))
        scene_cut(s, f->line);
}

static void max_forwards_kept(scene *s)
{
    if (scene_own_branch(s) && s->m->max_forwards >= 0)
        replace_value(s, SIP_MAX_FORWARDS, scene_number(s, (uint64_t)s->m->max_forwards + 1));
}

static void max_forwards_missing(scene *s)
{
    if (scene_own_branch(s))
        remove_field(s, SIP_MAX_FORWARDS);
}

static void max_breadth_missing(scene *s)
{
    if (scene_own_branch(s))
        remove_field(s, SIP_MAX_BREADTH);
}

static void body_changed(scene *s)
{
    if (s->m->body.n)
        scene_swap(s, str_sub(s->m->body, s->m->body.n - 1, 1),
                   s->m->body.p[s->m->body.n - 1] == '!' ? STR("?") : STR("!"));
}

static void header_dropped(scene *s)
{
    for (size_t i = 0; i < s->m->n_fields; i++)
        if (s->m->fields[i].id == SIP_OTHER)
            scene_cut(s, s->m->fields[i].line);
}

static void header_reordered(scene *s)
{
    const sip_message *m = s->m;
    for (size_t i = 0; i < m->n_fields; i++)
        for (size_t j = i + 1; j < m->n_fields; j++)
            if (m->fields[i].id == SIP_OTHER && str_ieq(m->fields[i].name, m->fields[j].name)) {
                scene_swap(s, m->fields[i].line, m->fields[j].line);
                scene_swap(s, m->fields[j].line, m->fields[i].line);
                return;
            }
}

static void from_changed(scene *s)
{
    if (scene_own_branch(s) && s->m->from.tag.n)
        scene_insert(s, s->m->from.tag.p + s->m->from.tag.n, STR("x"));
}

static bool forwarded_response(const scene *s)
{
    return !s->m->request && s->m->status > 100;
}

static void cseq_changed(scene *s)
{
    str value = sip_message_value(s->m, SIP_CSEQ);
    if (forwarded_response(s) && value.n)
        scene_insert(s, value.p, STR("1"));
}

static void callid_changed(scene *s)
{
    if (forwarded_response(s) && s->m->call_id.n)
        scene_insert(s, s->m->call_id.p + s->m->call_id.n, STR("x"));
}

static void to_tag_added(scene *s)
{
    if (forwarded_response(s) && s->m->to.tag.n)
        scene_insert(s, s->m->to.tag.p + s->m->to.tag.n, STR("x"));
}

static void set_status(scene *s, str text)
{
    str start = s->m->start;
    scene_swap(s, str_sub(start, 8, start.n), text);
}

static void status_changed(scene *s)
{
    if (!s->m->request && s->m->cseq_method == SIP_INVITE && s->m->status >= 300)
        set_status(s, STR("480 Temporarily Unavailable"));
}

static void content_length_missing(scene *s)
{
    if (scene_on(s, FLOW_TCP) || scene_on(s, FLOW_TLS))
        remove_field(s, SIP_CONTENT_LENGTH);
}

static void content_length_wrong(scene *s)
{
    replace_value(s, SIP_CONTENT_LENGTH, scene_number(s, s->m->body.n + 1));
}

/* Transactions */

static void cancel_new_branch(scene *s)
{
    if (scene_own_branch(s) && s->m->method == SIP_CANCEL)
        scene_other_branch(s);
}

static void cancel_swallowed(scene *s)
{
    s->drop = s->drop || (scene_own_branch(s) && s->m->method == SIP_CANCEL);
}

static void ack_swallowed(scene *s)
{
    s->drop = s->drop || (s->m->method == SIP_ACK && scene_own_branch(s) == 's');
}

static void ack_rejection_missing(scene *s)
{
    s->drop = s->drop || (s->m->method == SIP_ACK && scene_own_branch(s) == 't');
}

static void ack_rejection_new_branch(scene *s)
{
    if (s->m->method == SIP_ACK && scene_own_branch(s) == 't')
        scene_other_branch(s);
}

static void trying_missing(scene *s)
{
    s->drop = s->drop || (!s->m->request && s->m->status == 100);
}

static void ringing_swallowed(scene *s)
{
    s->drop = s->drop || (!s->m->request && s->m->status == 180);
}

/* Registration */

static void path_missing(scene *s)
{
    if (s->m->method == SIP_REGISTER && scene_own_branch(s))
        remove_field(s, SIP_PATH);
}

static void path_missing_ob(scene *s)
{
    const sip_field *f = sip_message_field(s->m, SIP_PATH);
    for (; s->m->method == SIP_REGISTER && f; f = sip_message_next(s->m, f))
        scene_cut_param(s, f->value, STR("ob"));
}

static void path_echo_missing(scene *s)
{
    if (scene_to_register(s))
        remove_field(s, SIP_PATH);
}

static void no_expires(scene *s, const sip_field *f)
{
    scene_cut_param(s, f->value, STR("expires"));
}

static void register_no_expires(scene *s)
{
    if (scene_to_register(s))
        scene_each_contact(s, no_expires);
}

static void register_contact_missing(scene *s)
{
    if (scene_to_register(s))
        remove_field(s, SIP_CONTACT);
}

static void register_contact_one(scene *s)
{
    const sip_field *f = scene_to_register(s) ? sip_message_field(s->m, SIP_CONTACT) : NULL;
    while (f && (f = sip_message_next(s->m, f)) != NULL)
        scene_cut(s, f->line);
}

static void register_require_missing(scene *s)
{
    if (scene_to_register(s))
        remove_field(s, SIP_REQUIRE);
}

static void register_record_route(scene *s)
{
    if (scene_to_register(s))
        scene_insert(s, sip_message_field(s->m, SIP_VIA)->line.p,
                     STR("Record-Route: <sip:127.0.0.1;lr>\r\n"));
}

static void params_missing(scene *s, const sip_field *f)
{
    str from, to;
    if (!scene_within(f->value, STR(">"), &from) || !scene_within(f->value, STR(";expires"), &to) ||
        to.p < from.p)
        return;
    scene_cut(s, (str){from.p + 1, (size_t)(to.p - from.p - 1)});
}

static void register_params_missing(scene *s)
{
    if (scene_to_register(s))
        scene_each_contact(s, params_missing);
}

static void min_expires_missing(scene *s)
{
    if (!s->m->request)
        remove_field(s, SIP_MIN_EXPIRES);
}

static void unsupported_missing(scene *s)
{
    if (!s->m->request)
        remove_field(s, SIP_UNSUPPORTED);
}

const scene_row DEVIATION_FIELD[] = {
    {FAULT_MAX_FORWARDS_KEPT, max_forwards_kept},
    {FAULT_MAX_FORWARDS_MISSING, max_forwards_missing},
    {FAULT_MAX_BREADTH_MISSING, max_breadth_missing},
    {FAULT_BODY_CHANGED, body_changed},
    {FAULT_HEADER_DROPPED, header_dropped},
    {FAULT_HEADER_REORDERED, header_reordered},
    {FAULT_FROM_CHANGED, from_changed},
    {FAULT_CSEQ_CHANGED, cseq_changed},
    {FAULT_CALLID_CHANGED, callid_changed},
    {FAULT_TO_TAG_ADDED, to_tag_added},
    {FAULT_STATUS_CHANGED, status_changed},
    {FAULT_CONTENT_LENGTH_MISSING, content_length_missing},
    {FAULT_CONTENT_LENGTH_WRONG, content_length_wrong},
    {FAULT_CANCEL_NEW_BRANCH, cancel_new_branch},
    {FAULT_CANCEL_SWALLOWED, cancel_swallowed},
    {FAULT_ACK_SWALLOWED, ack_swallowed},
    {FAULT_ACK_REJECTION_MISSING, ack_rejection_missing},
    {FAULT_ACK_REJECTION_NEW_BRANCH, ack_rejection_new_branch},
    {FAULT_TRYING_MISSING, trying_missing},
    {FAULT_RINGING_SWALLOWED, ringing_swallowed},
    {FAULT_PATH_MISSING, path_missing},
    {FAULT_PATH_MISSING_OB, path_missing_ob},
    {FAULT_PATH_ECHO_MISSING, path_echo_missing},
    {FAULT_REGISTER_NO_EXPIRES, register_no_expires},
    {FAULT_REGISTER_CONTACT_MISSING, register_contact_missing},
    {FAULT_REGISTER_CONTACT_ONE, register_contact_one},
    {FAULT_REGISTER_REQUIRE_MISSING, register_require_missing},
    {FAULT_REGISTER_RECORD_ROUTE, register_record_route},
    {FAULT_REGISTER_PARAMS_MISSING, register_params_missing},
    {FAULT_MIN_EXPIRES_MISSING, min_expires_missing},
    {FAULT_UNSUPPORTED_MISSING, unsupported_missing},
    {0},
};

#endif
