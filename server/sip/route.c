#include "sip/route.h"

int sip_route_get(const sip_message *m, sip_header id, size_t n, sip_addr *out, sip_error *err)
{
    sip_values v = sip_values_of(m, id);
    str item;
    int r;
    while ((r = sip_values_next(&v, &item)) == 1) {
        if (n-- > 0)
            continue;
        if (sip_addr_parse(item, out, err)) {
            if (err)
                err->at += (size_t)(item.p - m->text.p);
            return -1;
        }
        if (out->star || !out->bracket) /* all of them are name-addr (25.1, RFC 3327 4) */
            return sip_refuse(err, (size_t)(item.p - m->text.p), "address has no angle brackets");
        return 0;
    }
    if (r < 0)
        return sip_refuse(err, (size_t)(v.rest.p - m->text.p), "list of values is malformed");
    return 1;
}

size_t sip_route_count(const sip_message *m, sip_header id)
{
    sip_values v = sip_values_of(m, id);
    str item;
    size_t n = 0;
    while (sip_values_next(&v, &item) == 1)
        n++;
    return n;
}

bool sip_route_is_loose(const sip_addr *a)
{
    return sip_uri_flag(&a->uri, STR("lr"));
}
