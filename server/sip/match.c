#include "sip/match.h"

static void part(buf *key, str s)
{
    buf_str(key, s);
    buf_byte(key, '\n'); /* tokens have none: they cannot run into each other */
}

static void host(buf *key, str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_byte(key, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]));
    buf_byte(key, '\n');
}

void sip_match_client(buf *key, str branch, str method)
{
    buf_byte(key, 'c');
    part(key, branch);
    part(key, method);
}

void sip_match_server(buf *key, const sip_message *m, str method)
{
    if (sip_branch_is_unique(m->via.branch)) {
        uint16_t port = m->via.port ? m->via.port : sip_via_default_port(m->via.transport);
        buf_byte(key, 's');
        part(key, m->via.branch);
        host(key, m->via.host.text);
        buf_u64(key, port);
    } else {
        /* An RFC 2543 client. Of the fields that 17.2.3 names, the To tag is left out: the ACK has
           that of the response, which the INVITE did not have yet. */
        buf_byte(key, 'o');
        part(key, m->uri_text);
        part(key, m->from.tag);
        part(key, m->call_id);
        part(key, m->via.text);
        buf_u64(key, m->cseq);
    }
    buf_byte(key, '\n');
    part(key, method);
}
