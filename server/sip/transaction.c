#include "sip/transaction.h"

#include "sip/machine.h"
#include "sip/write.h"

/* --- server --- */

static sip_transaction_input repeated_request(sip_transaction *tx)
{
    /* Accepted absorbs without an answer (RFC 6026 7.1); elsewhere the last response goes again. */
    if (tx->state != ACCEPTED)
        sip_machine_repeat(tx);
    sip_machine_schedule(tx);
    return SIP_TRANSACTION_ABSORBED;
}

static sip_transaction_input take_ack(sip_transaction *tx, uint64_t now)
{
    if (tx->state == ACCEPTED)
        return SIP_TRANSACTION_ACK;
    if (tx->state == COMPLETED) {
        sip_machine_enter(tx, CONFIRMED,
                          tx->reliable ? now : now + tx->table->timers.t4); /* timer I */
        sip_machine_forget(tx);
        sip_machine_schedule(tx);
    }
    return SIP_TRANSACTION_ABSORBED;
}

sip_transaction_input sip_transaction_request(sip_transactions *t, const sip_message *m,
                                              uint64_t now, sip_transaction **tx)
{
    bool ack = m->method == SIP_ACK;
    *tx = sip_machine_find(
        t, sip_machine_server_key(t, m, ack ? sip_method_name(SIP_INVITE) : m->method_text));
    if (*tx == NULL)
        return SIP_TRANSACTION_NEW;
    return ack ? take_ack(*tx, now) : repeated_request(*tx);
}

sip_transaction *sip_transaction_serve(sip_transactions *t, const sip_message *m, uint64_t flow,
                                       bool reliable, void *user, uint64_t now)
{
    bool invite = m->method == SIP_INVITE;
    sip_transaction *tx =
        sip_machine_create(t, invite ? SERVER_INVITE : SERVER,
                           sip_machine_server_key(t, m, m->method_text), flow, reliable, user, now);
    sip_machine_enter(tx, invite ? PROCEEDING : TRYING, NEVER);
    return tx;
}

sip_transaction *sip_transaction_cancelled(sip_transactions *t, const sip_message *cancel)
{
    return sip_machine_find(t, sip_machine_server_key(t, cancel, sip_method_name(SIP_INVITE)));
}

static void respond_final_invite(sip_transaction *tx, str response, unsigned status, uint64_t now)
{
    const sip_transaction_timers *timers = &tx->table->timers;
    if (status < 300) {
        sip_machine_forget(tx);
        sip_machine_enter(tx, ACCEPTED, now + sip_machine_span(tx)); /* timer L */
        return;
    }
    sip_machine_keep(tx, response);
    sip_machine_enter(tx, COMPLETED, now + sip_machine_span(tx)); /* timer H */
    if (!tx->reliable) {
        tx->retry_ms = timers->t1;
        tx->retry_at = now + timers->t1; /* timer G */
    }
}

int sip_transaction_respond(sip_transaction *tx, str response, unsigned status, uint64_t now)
{
    if (tx->state == ACCEPTED && status >= 200 && status < 300) {
        sip_machine_transmit(tx, response);
        sip_machine_schedule(tx);
        return 0;
    }
    if ((tx->kind != SERVER_INVITE && tx->kind != SERVER) ||
        (tx->state != TRYING && tx->state != PROCEEDING))
        return -1;
    if (status < 200) {
        sip_machine_keep(tx, response);
        tx->state = PROCEEDING;
    } else if (tx->kind == SERVER_INVITE) {
        respond_final_invite(tx, response, status, now);
    } else if (tx->reliable) {
        sip_machine_forget(tx);
        sip_machine_enter(tx, COMPLETED, now); /* timer J is zero */
    } else {
        sip_machine_keep(tx, response);
        sip_machine_enter(tx, COMPLETED, now + sip_machine_span(tx)); /* timer J */
    }
    sip_machine_transmit(tx, response);
    sip_machine_schedule(tx);
    return 0;
}

void sip_transaction_abandon(sip_transaction *tx, uint64_t now)
{
    if ((tx->kind != SERVER_INVITE && tx->kind != SERVER) ||
        (tx->state != TRYING && tx->state != PROCEEDING))
        return;
    sip_machine_forget(tx);
    sip_machine_enter(tx, CONFIRMED, now); /* not Completed: that would complain of a missing ACK */
    sip_machine_schedule(tx);
}

/* --- client --- */

sip_transaction *sip_transaction_send(sip_transactions *t, str request, str branch, str method,
                                      uint64_t flow, bool reliable, void *user, uint64_t now)
{
    bool invite = str_eq(method, sip_method_name(SIP_INVITE));
    sip_transaction *tx =
        sip_machine_create(t, invite ? CLIENT_INVITE : CLIENT,
                           sip_machine_client_key(t, branch, method), flow, reliable, user, now);
    sip_machine_enter(tx, TRYING, now + sip_machine_span(tx)); /* timers B and F */
    if (!reliable) {
        tx->retry_ms = t->timers.t1;
        tx->retry_at = now + t->timers.t1; /* timers A and E */
    }
    if (invite || !reliable)
        sip_machine_keep(tx, request);
    sip_machine_transmit(tx, request);
    sip_machine_schedule(tx);
    return tx;
}

/* The INVITE as it was sent. It is our own writing, and whole. */
static bool parse_sent(const sip_transaction *tx, sip_message *m)
{
    return tx->message &&
           sip_message_parse((str){tx->message, tx->message_n}, SIP_DATAGRAM, m, NULL) == 0;
}

static void send_cancel(sip_transaction *tx, str lines, uint64_t now)
{
    sip_transactions *t = tx->table;
    sip_message invite;
    buf_clear(&t->out);
    tx->cancelled = true;
    /* Without a final response in this time the INVITE counts as cancelled (9.1). */
    tx->end_at = now + sip_machine_span(tx);
    if (parse_sent(tx, &invite) && sip_write_cancel(&t->out, &invite, lines) == 0) {
        sip_transaction *own = sip_machine_create(
            t, CLIENT, sip_machine_client_key(t, invite.via.branch, sip_method_name(SIP_CANCEL)),
            tx->flow, tx->reliable, NULL, now);
        own->silent = true;
        sip_machine_enter(own, TRYING, now + sip_machine_span(own));
        if (!own->reliable) {
            own->retry_ms = t->timers.t1;
            own->retry_at = now + t->timers.t1;
            sip_machine_keep(own, buf_slice(&t->out));
        }
        sip_machine_transmit(own, buf_slice(&t->out));
        sip_machine_schedule(own);
    }
    sip_machine_schedule(tx);
}

void sip_transaction_cancel(sip_transaction *tx, str lines, uint64_t now)
{
    if (tx->kind != CLIENT_INVITE || tx->cancelled || tx->cancel_wanted)
        return;
    if (tx->state == TRYING) {
        tx->cancel_wanted = true;
        tx->cancel_lines = str_dup(lines);
    } else if (tx->state == PROCEEDING) {
        send_cancel(tx, lines, now);
    }
}

static void provisional_to_invite(sip_transaction *tx, unsigned status, uint64_t now)
{
    if (tx->state == TRYING)
        sip_machine_enter(tx, PROCEEDING, tx->began + tx->table->timers.c);
    if (tx->cancel_wanted && !tx->cancelled)
        send_cancel(tx, str_of(tx->cancel_lines), now);
    else if (!tx->cancelled && status > 100)
        tx->end_at = now + tx->table->timers.c; /* 16.7 step 2 */
}

static void acknowledge(sip_transaction *tx, const sip_message *response)
{
    sip_transactions *t = tx->table;
    sip_message invite;
    buf_clear(&t->out);
    if (parse_sent(tx, &invite) && sip_write_ack(&t->out, &invite, response) == 0) {
        sip_machine_keep(tx, buf_slice(&t->out));
        sip_machine_repeat(tx);
    }
}

/* True when the core is to see the response. */
static bool respond_to_invite(sip_transaction *tx, const sip_message *m, uint64_t now)
{
    switch (tx->state) {
    case TRYING:
    case PROCEEDING:
        if (m->status < 200) {
            provisional_to_invite(tx, m->status, now);
        } else if (m->status < 300) {
            sip_machine_forget(tx);
            sip_machine_enter(tx, ACCEPTED, now + sip_machine_span(tx)); /* timer M */
        } else {
            sip_machine_enter(tx, COMPLETED,
                              tx->reliable ? now : now + tx->table->timers.d); /* timer D */
            acknowledge(tx, m);
        }
        return true;
    case ACCEPTED: return m->status >= 200 && m->status < 300;
    case COMPLETED:
        if (m->status >= 300)
            sip_machine_repeat(tx);
        return false;
    case CONFIRMED:
    case ENDED: break;
    }
    return false;
}

static bool respond_to_other(sip_transaction *tx, const sip_message *m, uint64_t now)
{
    if (tx->state != TRYING && tx->state != PROCEEDING)
        return false;
    if (m->status < 200) {
        tx->state = PROCEEDING;
    } else {
        sip_machine_forget(tx);
        sip_machine_enter(tx, COMPLETED,
                          tx->reliable ? now : now + tx->table->timers.t4); /* timer K */
    }
    return true;
}

sip_transaction_input sip_transaction_response(sip_transactions *t, const sip_message *m,
                                               uint64_t now, sip_transaction **out)
{
    sip_transaction *tx =
        sip_machine_find(t, sip_machine_client_key(t, m->via.branch, m->cseq_method_text));
    *out = NULL;
    if (tx == NULL)
        return SIP_TRANSACTION_STRAY;
    bool pass =
        tx->kind == CLIENT_INVITE ? respond_to_invite(tx, m, now) : respond_to_other(tx, m, now);
    sip_machine_schedule(tx);
    if (!pass || tx->silent)
        return SIP_TRANSACTION_ABSORBED;
    *out = tx;
    return SIP_TRANSACTION_NEW;
}

void sip_transaction_failed(sip_transaction *tx, uint64_t now)
{
    (void)now;
    tx->unreachable = true;
    sip_machine_schedule(tx);
}

/* --- time --- */

static sip_transaction *of_wait(sip_deadline *d)
{
    return (sip_transaction *)(void *)d;
}

/* Timers A, E and G. */
static void retransmit(sip_transaction *tx, uint64_t now)
{
    const sip_transaction_timers *timers = &tx->table->timers;
    tx->retry_ms *= 2;
    if (tx->kind == CLIENT && tx->state == PROCEEDING)
        tx->retry_ms = timers->t2;
    if (tx->kind != CLIENT_INVITE && tx->retry_ms > timers->t2)
        tx->retry_ms = timers->t2;
    tx->retry_at = now + tx->retry_ms;
    sip_machine_repeat(tx);
    sip_machine_schedule(tx);
}

static bool is_client(const sip_transaction *tx)
{
    return tx->kind == CLIENT_INVITE || tx->kind == CLIENT;
}

static bool waits_for_final(const sip_transaction *tx)
{
    return is_client(tx) && (tx->state == TRYING || tx->state == PROCEEDING);
}

static void report_unreachable(sip_transaction *tx)
{
    tx->unreachable = false;
    if (waits_for_final(tx)) {
        sip_machine_enter(tx, ENDED, NEVER);
        sip_machine_tell(tx, SIP_TRANSACTION_UNREACHABLE);
        sip_machine_destroy(tx);
        return;
    }
    sip_machine_schedule(tx);
    /* A client that has its final response cares no more; a server lives on (RFC 6026 7.1). */
    if (!is_client(tx))
        sip_machine_tell(tx, SIP_TRANSACTION_UNREACHABLE);
}

static void expire(sip_transaction *tx, uint64_t now)
{
    if (tx->kind == CLIENT_INVITE && tx->state == PROCEEDING && !tx->cancelled) {
        tx->end_at = now + tx->table->timers.c;
        sip_machine_schedule(tx);
        sip_machine_tell(tx, SIP_TRANSACTION_TIMER_C);
        return;
    }
    bool in_vain = waits_for_final(tx) || (tx->kind == SERVER_INVITE && tx->state == COMPLETED);
    sip_machine_enter(tx, ENDED, NEVER);
    if (in_vain)
        sip_machine_tell(tx, SIP_TRANSACTION_TIMEOUT);
    sip_machine_destroy(tx);
}

bool sip_transactions_next(const sip_transactions *t, uint64_t *at)
{
    sip_deadline *first;
    return sip_deadlines_first(&t->waits, at, &first);
}

void sip_transactions_run(sip_transactions *t, uint64_t now)
{
    uint64_t at;
    sip_deadline *first;
    while (sip_deadlines_first(&t->waits, &at, &first) && at <= now) {
        sip_transaction *tx = of_wait(first);
        if (tx->unreachable)
            report_unreachable(tx);
        else if (tx->end_at <= now)
            expire(tx, now);
        else
            retransmit(tx, now);
    }
}

void sip_transaction_set_user(sip_transaction *tx, void *user)
{
    tx->user = user;
}

void *sip_transaction_user(const sip_transaction *tx)
{
    return tx->user;
}

uint64_t sip_transaction_flow(const sip_transaction *tx)
{
    return tx->flow;
}

bool sip_transaction_is_invite(const sip_transaction *tx)
{
    return tx->kind == CLIENT_INVITE || tx->kind == SERVER_INVITE;
}

bool sip_transaction_is_server(const sip_transaction *tx)
{
    return !is_client(tx);
}

bool sip_transaction_is_final(const sip_transaction *tx)
{
    return tx->state != TRYING && tx->state != PROCEEDING;
}
