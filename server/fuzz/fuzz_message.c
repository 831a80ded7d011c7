/* The message parser on any bytes, as each carrier; a message that it takes must survive being
 * written: an unedited copy is the original, an edited one and a response parse again. */
#include <stdlib.h>
#include <string.h>

#include "sip/message.h"
#include "sip/route.h"
#include "sip/write.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool inside(str part, str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void walk(const sip_message *m, str bytes)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        check(inside(m->fields[i].line, bytes) && inside(m->fields[i].name, bytes) &&
              inside(m->fields[i].value, bytes));
        str item, rest = m->fields[i].value;
        while (sip_list_next(&rest, &item, NULL) == 1) {
            sip_addr a;
            sip_via v;
            sip_error err = {0, NULL};
            check(inside(item, bytes));
            if (sip_addr_parse(item, &a, &err))
                check(err.text && err.at <= item.n);
            if (sip_via_parse(item, &v, &err))
                check(err.text && err.at <= item.n);
        }
    }
    (void)sip_route_count(m, SIP_ROUTE);
}

static void copy(const sip_message *m, buf *out)
{
    sip_write w;
    sip_message again;
    sip_write_init(&w, m);
    buf_clear(out);
    check(sip_write_finish(&w, out) == 0 && str_eq(buf_slice(out), m->text));
    if (m->request) {
        sip_write_init(&w, m);
        sip_write_uri(&w, STR("sip:x@192.0.2.1"));
        sip_write_max_forwards(&w, 7);
        sip_write_top(&w, SIP_VIA, STR("SIP/2.0/TCP us.example;branch=z9hG4bKx"));
        sip_write_top(&w, SIP_RECORD_ROUTE, STR("<sip:us.example;lr>"));
        sip_write_length(&w);
        sip_write_remove(&w, SIP_SUBJECT);
        buf_clear(out);
        check(sip_write_finish(&w, out) == 0);
        if (m->n_fields + 4 <= SIP_FIELDS_MAX) {
            check(sip_message_parse(buf_slice(out), SIP_STREAM, &again, NULL) == 0);
            check(again.max_forwards == 7 && str_eq(again.body, m->body) &&
                  str_eq(again.via.branch, STR("z9hG4bKx")));
        }
    }
    sip_write_init(&w, m);
    sip_write_pop(&w, SIP_ROUTE, 1);
    sip_write_pop(&w, SIP_VIA, 1);
    buf_clear(out);
    (void)sip_write_finish(&w, out); /* refused when a list is malformed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sip_message m, again;
    str bytes = {(const char *)data, size};
    buf out;
    buf_init(&out, size * 2 + 4096);
    for (int carrier = SIP_DATAGRAM; carrier <= SIP_STREAM; carrier++) {
        sip_refusal why = {0};
        int r = sip_message_parse(bytes, (sip_carrier)carrier, &m, &why);
        if (r)
            check(why.text && why.at <= size);
        walk(&m, bytes);
        if (r == 0)
            copy(&m, &out);
        if (m.request && (r == 0 || why.status)) {
            sip_message_stamp(&m, STR("192.0.2.9"), 4711, carrier == SIP_WEBSOCKET);
            buf_clear(&out);
            check(sip_write_response(&out, &m, 400, STR(""), STR("t"), STR(""), STR("b")) == 0);
            int rr = sip_message_parse(buf_slice(&out), SIP_STREAM, &again, &why);
            check(again.status == 400);
            if (r == 0)
                check(rr == 0 && again.to.tag.n && str_eq(again.body, STR("b")));
        }
    }
    buf_free(&out);
    return 0;
}
