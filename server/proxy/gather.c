#include "proxy/gather.h"

#include "fault/fault.h"
#include "sip/write.h"

/* Lower is better (16.7 step 6). */
static unsigned rank(unsigned status)
{
    switch (status) {
    case 401:
    case 407:
    case 415:
    case 420:
    case 484: return 40; /* tell the caller how to do better */
    case 408:
    case 430: return 42; /* tell nothing */
    case 503: return 59;
    default: return status >= 600 ? 0 : status / 100 * 10 + 1;
    }
}

/* The response without our Via, in p->out. False when it is not to be forwarded: no Via is left
 * (step 3), or it does not fit. */
static bool strip(context *c, const sip_message *m)
{
    proxy *p = c->p;
    sip_values v = sip_values_of(m, SIP_VIA);
    str item;
    sip_write w;
    if (sip_values_next(&v, &item) != 1 || sip_values_next(&v, &item) != 1)
        return false;
    sip_write_init(&w, m);
    sip_write_pop(&w, SIP_VIA, 1);
    if (m->content_length < 0)
        sip_write_length(&w);
    buf_clear(&p->out);
    return sip_write_finish(&w, &p->out) == 0;
}

static void respond(context *c, str text, unsigned status)
{
    if (status >= 200) {
        c->answered = true;
        sip_deadlines_clear(&c->p->deadlines, &c->wait);
    }
    if (c->server)
        sip_transaction_respond(c->server, text, status, c->p->now);
}

/* No final response will ever be sent. */
static void abandon(context *c)
{
    c->answered = true;
    sip_deadlines_clear(&c->p->deadlines, &c->wait);
    if (c->server)
        sip_transaction_abandon(c->server, c->p->now);
}

void gather_forward(context *c, const sip_message *m)
{
    if (strip(c, m))
        respond(c, buf_slice(&c->p->out), m->status);
    else if (m->status >= 200 && !c->answered)
        gather_answer(c, 502);
}

/* A response that needs no second thought once nothing is pending. */
static bool plain(const context *c, unsigned status)
{
    if (c->living || c->resolving || c->spares || c->best)
        return false;
    return (status != 503 || fault_on(FAULT_BUSY_503_FORWARDED)) && !(status == 430 && c->bound) &&
           !(status == 408 && !c->invite);
}

static void keep_challenges(context *c, const sip_message *m)
{
    static const sip_header kinds[] = {SIP_WWW_AUTHENTICATE, SIP_PROXY_AUTHENTICATE};
    for (size_t i = 0; i < 2; i++)
        for (const sip_field *f = sip_message_field(m, kinds[i]); f; f = sip_message_next(m, f))
            buf_str(&c->challenges, f->line);
}

void gather_weigh(context *c, unsigned status, const sip_message *m)
{
    if (m && plain(c, status)) {
        gather_forward(c, m);
        return;
    }
    if (m && (status == 401 || status == 407))
        keep_challenges(c, m);
    if (c->best && rank(status) >= rank(c->best))
        return;
    c->best = status;
    buf_clear(&c->best_text);
    if (m && strip(c, m))
        buf_str(&c->best_text, buf_slice(&c->p->out));
}

/* The best 401 or 407 carries the challenges of all branches (step 7). */
static bool join_challenges(context *c)
{
    proxy *p = c->p;
    sip_message m;
    sip_refusal why;
    sip_write w;
    if (sip_message_parse(buf_slice(&c->best_text), SIP_DATAGRAM, &m, &why))
        return false;
    sip_write_init(&w, &m);
    sip_write_remove(&w, SIP_WWW_AUTHENTICATE);
    sip_write_remove(&w, SIP_PROXY_AUTHENTICATE);
    sip_write_lines(&w, buf_slice(&c->challenges));
    buf_clear(&p->out);
    return sip_write_finish(&w, &p->out) == 0;
}

void gather_finish(context *c)
{
    unsigned status = c->best ? c->best : 480;
    bool own = c->best_text.n == 0;
    if (c->cancelled && own)
        status = 487;
    if (status == 408 && !c->invite && !fault_on(FAULT_TIMEOUT_NON_INVITE)) {
        abandon(c); /* RFC 4320 4.2: too late for the sender in any case */
        return;
    }
    if (status == 503 && !fault_on(FAULT_BUSY_503_FORWARDED))
        status = 500, own = true; /* it is not this server that is overloaded (step 6) */
    if (status == 430 && c->bound)
        status = 480, own = true; /* meant for us, the authoritative proxy (RFC 5626 11.5) */
    if (own)
        gather_answer(c, status);
    else if ((status == 401 || status == 407) && join_challenges(c))
        respond(c, buf_slice(&c->p->out), status);
    else
        respond(c, buf_slice(&c->best_text), status);
}

void gather_answer(context *c, unsigned status)
{
    replay y;
    char tag[REQUEST_TAG];
    proxy *p = c->p;
    if (!replay_read(p, (str){c->text, c->n}, &c->from, &y)) {
        if (status >= 200)
            abandon(c); /* there is nobody to answer */
        return;
    }
    buf_clear(&p->out);
    str to_tag = status == 100 ? STR("") : request_tag(p, &y.m, tag);
    if (!sip_write_response(&p->out, &y.m, status, STR(""), to_tag, STR(""), STR("")))
        respond(c, buf_slice(&p->out), status);
}
