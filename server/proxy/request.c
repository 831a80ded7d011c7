#include "proxy/request.h"

#include "fault/fault.h"
#include "sip/write.h"

static bool udp_elsewhere(const sip_message *m, const addr *source, addr *to)
{
    uint16_t port = m->via.port ? m->via.port : 5060;
    if (m->via.maddr.n && !addr_parse_host(to, m->via.maddr, port))
        return true;
    if (m->via.has_rport && !fault_on(FAULT_RESPONSE_TO_SENT_BY))
        return false;
    *to = *source;
    to->port = port;
    return !addr_eq(to, source);
}

flow *request_answer_flow(proxy *p, flow *from, const sip_message *m)
{
    addr to;
    if (p->w.kind(from) != FLOW_UDP || !m->has_via || !udp_elsewhere(m, p->w.remote(from), &to))
        return from;
    return p->w.reach(p->w.self, FLOW_UDP, &to, NULL, p->w.listener(from), NULL);
}

str request_tag(const proxy *p, const sip_message *m, char out[REQUEST_TAG])
{
    uint64_t h = str_hash(m->call_id, p->seed);
    h = str_hash(m->has_from ? m->from.tag : STR(""), h);
    h = str_hash(m->via.branch, h + m->cseq);
    for (int i = 0; i < REQUEST_TAG; i++)
        out[i] = "0123456789abcdef"[h >> (60 - 4 * i) & 15];
    return (str){out, REQUEST_TAG};
}

sip_transaction *request_serve(request *r, void *user)
{
    if (!r->tx) {
        flow *back = request_answer_flow(r->p, r->from, r->m);
        if (!back)
            return NULL;
        r->tx = sip_transaction_serve(r->p->tx, r->m, r->p->w.id(back),
                                      flow_kind_reliable(r->p->w.kind(back)), user, r->p->now);
    } else if (user) {
        sip_transaction_set_user(r->tx, user);
    }
    return r->tx;
}

void request_answer(request *r, unsigned status, str reason, str lines)
{
    proxy *p = r->p;
    char tag[REQUEST_TAG];
    if (r->m->method == SIP_ACK)
        return; /* no response to an ACK, ever */
    buf_clear(&p->out);
    if (sip_write_response(&p->out, r->m, status, reason,
                           status == 100 ? STR("") : request_tag(p, r->m, tag), lines, STR("")))
        return;
    str text = buf_slice(&p->out);
    if (!r->tx && r->m->method != SIP_INVITE && flow_kind_reliable(p->w.kind(r->from))) {
        core_send(p, r->from, text);
        return;
    }
    if (request_serve(r, NULL))
        sip_transaction_respond(r->tx, text, status, p->now);
}

bool request_refuse_options(request *r, sip_header id, const char *const *known)
{
    buf *lines = &r->p->lines;
    sip_values v = sip_values_of(r->m, id);
    str tag;
    bool any = false;
    buf_clear(lines);
    while (sip_values_next(&v, &tag) == 1) {
        const char *const *k = known;
        while (*k && !str_ieqz(tag, *k))
            k++;
        if (*k)
            continue;
        buf_str(lines, any ? STR(", ") : STR("Unsupported: "));
        buf_str(lines, tag);
        any = true;
    }
    if (any) {
        buf_str(lines, STR("\r\n"));
        request_answer(r, 420, STR(""), buf_slice(lines));
    }
    return any;
}

bool request_first_hop(const request *r)
{
    sip_values v = sip_values_of(r->m, SIP_VIA);
    str item;
    sip_values_next(&v, &item);
    return sip_values_next(&v, &item) != 1;
}
