#include "proxy/target.h"

#include "fault/fault.h"

#include <string.h>

static void refuse(target_set *out, unsigned status, const char *why, str lines)
{
    out->kind = TARGET_REFUSED;
    out->status = status;
    out->why = why;
    out->lines = lines;
}

static void one(const route *ro, target_set *out)
{
    out->kind = TARGET_SET;
    out->n = 1;
    out->v[0] = (target){.uri = ro->uri_text,
                         .q = 1000,
                         .secure = ro->uri.scheme == SIP_SCHEME_SIPS,
                         .has_flow = ro->has_flow,
                         .flow = ro->flow,
                         .via = ro->out};
}

/* Highest q first; the order of the list, newest first, decides among equals. */
static void insert(target_set *out, const target *t)
{
    size_t i = out->n++;
    while (i > 0 && out->v[i - 1].q < t->q) {
        out->v[i] = out->v[i - 1];
        i--;
    }
    out->v[i] = *t;
}

static void bindings_of(const record *user, bool sips, target_set *out)
{
    for (const binding *b = record_first(user); b; b = b->next) {
        bool secure = str_istarts(b->is.uri, STR("sips:"));
        if (sips && !secure)
            continue; /* not even by policy: RFC 5630 5.3 */
        target t = {.uri = b->is.uri,
                    .path = b->is.path,
                    .instance = b->is.instance,
                    .reg_id = b->is.reg_id,
                    .q = b->is.q,
                    .bound = true,
                    .has_flow = b->is.flow != 0 && !fault_on(FAULT_FLOW_IGNORED),
                    .secure = secure,
                    .flow = b->is.flow};
        insert(out, &t);
    }
}

static void look_up(const request *r, const route *ro, target_set *out)
{
    const proxy *p = r->p;
    bool sips = ro->uri.scheme == SIP_SCHEME_SIPS;
    buf aor;
    buf_init(&aor, 1024);
    core_aor(p, &ro->uri, &aor);
    record *user = buf_failed(&aor) ? NULL : location_find(p->bindings, buf_slice(&aor));
    bool known = !buf_failed(&aor) && location_knows(p->bindings, buf_slice(&aor));
    buf_free(&aor);
    if (user)
        bindings_of(user, sips, out);
    if (out->n)
        out->kind = TARGET_SET;
    else if (user)
        refuse(out, 480, NULL,
               STR("Warning: 380 viaduct \"sips asked, but no sips contact is registered\"\r\n"));
    else
        refuse(out, known ? 480 : 404, NULL, STR(""));
}

void target_choose(const request *r, const route *ro, target_set *out)
{
    out->n = 0;
    out->status = 0;
    out->why = NULL;
    out->lines = STR("");
    /* A flow token, or Route values of others, decide before the Request-URI does. */
    if (ro->has_flow || ro->left || !core_owns_uri(r->p, r->from, &ro->uri)) {
        one(ro, out);
        return;
    }
    if (r->m->method == SIP_REGISTER)
        out->kind = TARGET_REGISTRAR;
    else if (ro->uri.user.n == 0)
        out->kind = TARGET_SELF;
    else
        look_up(r, ro, out);
}

str target_uri(const target *t, const sip_uri *asked, char *out)
{
    sip_uri uri;
    buf b;
    if (!t->bound || t->uri.n >= TARGET_URI || sip_uri_parse(t->uri, &uri, NULL))
        return t->uri;
    bool lower = uri.scheme == SIP_SCHEME_SIPS && asked->scheme != SIP_SCHEME_SIPS;
    bool method = sip_uri_flag(&uri, STR("method"));
    if (!lower && !method && uri.headers.n == 0)
        return t->uri;
    buf_init(&b, TARGET_URI);
    buf_str(&b, lower ? STR("sip") : uri.scheme_text);
    const char *end = uri.text.p + uri.text.n - (uri.headers.n ? uri.headers.n + 1 : 0);
    const char *params = uri.params.n ? uri.params.p - 1 : end;
    const char *rest = uri.text.p + uri.scheme_text.n;
    buf_add(&b, rest, (size_t)(params - rest));
    str list = {params, (size_t)(end - params)};
    sip_param param;
    while (sip_param_next(&list, &param, NULL) == 1) {
        if (str_ieq(param.name, STR("method")))
            continue;
        buf_byte(&b, ';');
        buf_str(&b, param.name);
        if (param.has_value) {
            buf_byte(&b, '=');
            buf_str(&b, param.value);
        }
    }
    size_t n = b.n;
    memcpy(out, b.p, n);
    buf_free(&b);
    return (str){out, n};
}
