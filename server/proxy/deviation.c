#include "proxy/deviation.h"

#ifdef VIADUCT_FAULTS

#include <string.h>

#include "proxy/scene.h"

static const struct {
    fault when;
    unsigned status;
    const char *instead;
} STATUSES[] = {
    {FAULT_STATUS_400_AS_500, 400, "500 Server Internal Error"},
    {FAULT_STATUS_403_AS_404, 403, "404 Not Found"},
    {FAULT_STATUS_404_AS_480, 404, "480 Temporarily Unavailable"},
    {FAULT_STATUS_480_AS_404, 480, "404 Not Found"},
    {FAULT_STATUS_416_AS_404, 416, "404 Not Found"},
    {FAULT_STATUS_420_AS_403, 420, "403 Forbidden"},
    {FAULT_STATUS_423_AS_400, 423, "400 Bad Request"},
    {FAULT_STATUS_430_AS_408, 430, "408 Request Timeout"},
    {FAULT_STATUS_439_AS_420, 439, "420 Bad Extension"},
    {FAULT_STATUS_481_AS_200, 481, "200 OK"},
    {FAULT_STATUS_482_AS_500, 482, "500 Server Internal Error"},
    {FAULT_STATUS_483_AS_500, 483, "500 Server Internal Error"},
    {FAULT_STATUS_505_AS_400, 505, "400 Bad Request"},
};

static void set_status(scene *s)
{
    for (size_t i = 0; i < sizeof(STATUSES) / sizeof(STATUSES[0]); i++)
        if (fault_on(STATUSES[i].when) && s->m->status == STATUSES[i].status)
            scene_swap(s, str_sub(s->m->start, sizeof("SIP/2.0"), s->m->start.n),
                       str_of(STATUSES[i].instead));
}

bool deviation_out(proxy *p, flow *f, str *text)
{
    static const scene_row *const lists[] = {DEVIATION_VIA, DEVIATION_ROUTE, DEVIATION_FIELD};
    sip_message m;
    sip_refusal why;
    if (sip_message_parse(*text, SIP_DATAGRAM, &m, &why))
        return true; /* the answer to something malformed */
    scene s = {.p = p, .f = f, .m = &m};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const scene_row *row = lists[i]; row->fn; row++)
            if (fault_on(row->when))
                row->fn(&s);
    if (!m.request)
        set_status(&s);
    if (s.n) {
        scene_write(&s, &p->altered);
        *text = buf_slice(&p->altered);
    }
    return !s.drop;
}

void deviation_in(proxy *p, str *text)
{
    static const char bare[] = "branch=viaduct", same[] = "branch=z9hG4bKsame;v=";
    bool reused = fault_on(FAULT_BRANCH_REUSED);
    str what = reused ? str_of(same) : str_of(bare);
    if (!reused && !fault_on(FAULT_BRANCH_NO_COOKIE))
        return;
    str hit;
    if (!scene_within(*text, what, &hit) || !str_starts(*text, STR("SIP/2.0")))
        return;
    buf_clear(&p->restored);
    buf_add(&p->restored, text->p, (size_t)(hit.p - text->p));
    buf_str(&p->restored, reused ? STR("branch=") : STR("branch=z9hG4bK"));
    const char *rest = hit.p + hit.n;
    buf_add(&p->restored, rest, (size_t)(text->p + text->n - rest));
    *text = buf_slice(&p->restored);
}

#endif
