#include "proxy/replay.h"

replay_source replay_source_of(const proxy *p, const flow *f)
{
    flow_kind k = p->w.kind(f);
    return (replay_source){
        .flow = p->w.id(f), .remote = *p->w.remote(f), .websocket = k == FLOW_WS || k == FLOW_WSS};
}

bool replay_read(proxy *p, str text, const replay_source *from, replay *y)
{
    sip_refusal why;
    flow *f = p->w.find(p->w.self, from->flow);
    /* What bounded it no longer matters: it was good when it came. */
    if (!f || sip_message_parse(text, SIP_DATAGRAM, &y->m, &why))
        return false;
    addr_print_ip(&from->remote, y->ip);
    sip_message_stamp(&y->m, str_of(y->ip), from->remote.port, from->websocket);
    y->r = (request){.p = p, .from = f, .m = &y->m};
    route_read(&y->r, &y->ro);
    return true;
}
