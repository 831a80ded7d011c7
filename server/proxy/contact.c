#include "proxy/contact.h"

#include "fault/fault.h"

uint32_t contact_seconds(str text)
{
    uint64_t v;
    return str_u64(text, UINT32_MAX, &v) ? 3600 : (uint32_t)v;
}

/* qvalue (RFC 3261 25.1): 0 to 1 with up to three decimals. */
static int quality(str text, unsigned *q)
{
    unsigned v = 0;
    if (text.n == 0 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1'))
        return -1;
    if (text.n > 1 && text.p[1] != '.')
        return -1;
    for (size_t i = 0; i < 5; i++) {
        if (i == 1)
            continue;
        char c = i < text.n ? text.p[i] : '0';
        if (c < '0' || c > '9')
            return -1;
        v = v * 10 + (unsigned)(c - '0');
    }
    if (v > 1000)
        return -1;
    *q = v;
    return 0;
}

/* "<urn:...>" with its quotes to urn:... ; empty when it has not that form. */
static str instance_of(str value)
{
    if (value.n < 5 || value.p[0] != '"' || value.p[1] != '<' || value.p[value.n - 1] != '"' ||
        value.p[value.n - 2] != '>')
        return (str){NULL, 0};
    return str_sub(value, 2, value.n - 4);
}

static int read_params(contact *c, const char **why)
{
    str rest = c->at.params;
    sip_param param;
    uint64_t id;
    while (sip_param_next(&rest, &param, NULL) == 1) {
        if (str_ieq(param.name, STR("expires"))) {
            c->has_expires = true;
            c->expires = contact_seconds(param.value);
        } else if (str_ieq(param.name, STR("q"))) {
            if (quality(param.value, &c->q)) {
                *why = "Contact: q is not a number from 0 to 1";
                return -1;
            }
        } else if (str_ieq(param.name, STR("+sip.instance"))) {
            c->instance = instance_of(param.value);
        } else if (str_ieq(param.name, STR("reg-id"))) {
            if (str_u64(param.value, INT32_MAX, &id) || id == 0) {
                *why = "Contact: reg-id is not a number from 1 to 2147483647";
                return -1;
            }
            c->reg_id = (uint32_t)id;
        }
    }
    if (c->instance.n == 0)
        c->reg_id = 0; /* without an instance it names nothing (RFC 5626 section 6) */
    return 0;
}

int contact_parse(const sip_message *m, contact_list *out, const char **why)
{
    sip_values v = sip_values_of(m, SIP_CONTACT);
    str item;
    int got;
    out->n = 0;
    out->star = false;
    while ((got = sip_values_next(&v, &item)) == 1) {
        if (out->n == LOCATION_MAX_BINDINGS) {
            *why = "Contact: too many values";
            return -1;
        }
        contact *c = &out->v[out->n++];
        sip_error err;
        *c = (contact){.q = 1000};
        if (sip_addr_parse(item, &c->at, &err)) {
            *why = "Contact: malformed value";
            return -1;
        }
        if (c->at.star)
            out->star = true;
        else if (c->at.uri.scheme != SIP_SCHEME_SIP && c->at.uri.scheme != SIP_SCHEME_SIPS) {
            *why = "Contact: neither a sip nor a sips URI";
            return -1;
        } else if (read_params(c, why)) {
            return -1;
        }
    }
    if (got < 0) {
        *why = "Contact: malformed list";
        return -1;
    }
    if (out->star && out->n != 1 && !fault_on(FAULT_REGISTER_STAR_IGNORED)) {
        *why = "Contact: * beside other values";
        return -1;
    }
    return 0;
}

void contact_params(const contact *c, buf *out)
{
    str rest = c->at.params;
    sip_param param;
    while (sip_param_next(&rest, &param, NULL) == 1) {
        if (str_ieq(param.name, STR("expires")))
            continue;
        buf_byte(out, ';');
        buf_str(out, param.name);
        if (param.has_value) {
            buf_byte(out, '=');
            buf_str(out, param.value);
        }
    }
}

bool contact_same_instance(str a, str b)
{
    return str_istarts(a, STR("urn:uuid:")) ? str_ieq(a, b) : str_eq(a, b);
}
