#include "sip/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sip/deadline.h"
#include "sip/match.h"
#include "sip/write.h"

#define NEVER UINT64_MAX

/* What a message that we write ourselves (ACK, CANCEL) may grow to. */
enum { MESSAGE_MAX = 65536 };

typedef enum kind { CLIENT_INVITE, CLIENT, SERVER_INVITE, SERVER } kind;

/* The states of the four machines; TRYING is Calling of the INVITE client. */
typedef enum state { TRYING, PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED, ENDED } state;

struct sip_transaction {
    sip_deadline wait; /* first, see of_wait() */
    sip_transactions *table;
    sip_transaction *next; /* in its bucket */
    uint64_t hash;
    uint64_t retry_at; /* timers A, E, G */
    uint64_t end_at;   /* all others */
    uint64_t began;
    uint64_t flow;
    void *user;
    char *message; /* what may have to be sent again, or be the source of ACK and CANCEL */
    size_t message_n;
    char *cancel_lines; /* of a CANCEL that waits for a provisional response */
    uint32_t retry_ms;
    uint32_t key_n;
    kind kind;
    state state;
    bool reliable;
    bool unreachable;   /* to be told from the next run */
    bool cancel_wanted; /* as soon as there is a provisional response */
    bool cancelled;
    bool silent; /* our own CANCEL: the core never sees it */
    char key[];
};

struct sip_transactions {
    const sip_transaction_ops *ops;
    void *owner;
    sip_transaction_timers timers;
    uint64_t seed;
    sip_transaction **buckets;
    size_t n_buckets; /* a power of two */
    size_t n;
    sip_deadlines waits;
    buf key; /* scratch */
    buf out; /* scratch */
};

static sip_transaction *of_wait(sip_deadline *d)
{
    return (sip_transaction *)(void *)d;
}

static uint64_t span(const sip_transaction *tx)
{
    return 64 * (uint64_t)tx->table->timers.t1;
}

static void schedule(sip_transaction *tx)
{
    uint64_t at = tx->retry_at < tx->end_at ? tx->retry_at : tx->end_at;
    if (tx->unreachable)
        at = 0;
    if (at == NEVER)
        sip_deadlines_clear(&tx->table->waits, &tx->wait);
    else
        sip_deadlines_set(&tx->table->waits, &tx->wait, at);
}

static void keep(sip_transaction *tx, str message)
{
    tx->message = mem_realloc(tx->message, message.n + 1);
    memcpy(tx->message, message.p, message.n);
    tx->message_n = message.n;
}

static void forget(sip_transaction *tx)
{
    free(tx->message);
    tx->message = NULL;
    tx->message_n = 0;
}

static void transmit(sip_transaction *tx, str bytes)
{
    if (tx->table->ops->send(tx->table->owner, tx, tx->flow, bytes))
        tx->unreachable = true;
}

static void repeat(sip_transaction *tx)
{
    if (tx->message)
        transmit(tx, (str){tx->message, tx->message_n});
}

/* The next state, with its end in ms (or never). Retransmission stops unless set anew. */
static void enter(sip_transaction *tx, state s, uint64_t end_at)
{
    tx->state = s;
    tx->retry_at = NEVER;
    tx->end_at = end_at;
}

/* --- the table --- */

static str client_key(sip_transactions *t, str branch, str method)
{
    buf_clear(&t->key);
    sip_match_client(&t->key, branch, method);
    return buf_slice(&t->key);
}

static str server_key(sip_transactions *t, const sip_message *m, str method)
{
    buf_clear(&t->key);
    sip_match_server(&t->key, m, method);
    return buf_slice(&t->key);
}

static sip_transaction *find(const sip_transactions *t, str key)
{
    uint64_t hash = str_hash(key, t->seed);
    sip_transaction *tx = t->buckets[hash & (t->n_buckets - 1)];
    while (tx && !(tx->hash == hash && str_eq((str){tx->key, tx->key_n}, key)))
        tx = tx->next;
    return tx;
}

static void grow(sip_transactions *t)
{
    size_t n = t->n_buckets * 2;
    sip_transaction **buckets = mem_zalloc(n, sizeof(*buckets));
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (sip_transaction *tx = t->buckets[i], *next; tx; tx = next) {
            next = tx->next;
            tx->next = buckets[tx->hash & (n - 1)];
            buckets[tx->hash & (n - 1)] = tx;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->n_buckets = n;
}

static sip_transaction *create(sip_transactions *t, kind k, str key, uint64_t flow, bool reliable,
                               void *user, uint64_t now)
{
    sip_transaction *tx = mem_alloc(sizeof(*tx) + key.n);
    *tx = (sip_transaction){.table = t,
                            .hash = str_hash(key, t->seed),
                            .retry_at = NEVER,
                            .end_at = NEVER,
                            .began = now,
                            .flow = flow,
                            .user = user,
                            .key_n = (uint32_t)key.n,
                            .kind = k,
                            .reliable = reliable};
    memcpy(tx->key, key.p, key.n);
    if (++t->n > t->n_buckets)
        grow(t);
    sip_transaction **bucket = &t->buckets[tx->hash & (t->n_buckets - 1)];
    tx->next = *bucket;
    *bucket = tx;
    return tx;
}

static void release(sip_transaction *tx)
{
    free(tx->message);
    free(tx->cancel_lines);
    free(tx);
}

static void tell(sip_transaction *tx, sip_transaction_event ev)
{
    if (!tx->silent)
        tx->table->ops->event(tx->table->owner, tx, ev);
}

static void destroy(sip_transaction *tx)
{
    sip_transactions *t = tx->table;
    sip_transaction **at = &t->buckets[tx->hash & (t->n_buckets - 1)];
    while (*at != tx)
        at = &(*at)->next;
    *at = tx->next;
    t->n--;
    sip_deadlines_clear(&t->waits, &tx->wait);
    enter(tx, ENDED, NEVER);
    tell(tx, SIP_TRANSACTION_ENDED);
    release(tx);
}

sip_transactions *sip_transactions_new(const sip_transaction_ops *ops, void *owner,
                                       const sip_transaction_timers *timers, uint64_t seed)
{
    static const sip_transaction_timers none;
    sip_transactions *t = mem_zalloc(1, sizeof(*t));
    t->ops = ops;
    t->owner = owner;
    t->timers = timers ? *timers : none;
    t->timers.t1 = t->timers.t1 ? t->timers.t1 : 500;
    t->timers.t2 = t->timers.t2 ? t->timers.t2 : 4000;
    t->timers.t4 = t->timers.t4 ? t->timers.t4 : 5000;
    t->timers.d = t->timers.d ? t->timers.d : 32000;
    t->timers.c = t->timers.c ? t->timers.c : 181000; /* more than three minutes (16.6 step 11) */
    t->seed = seed;
    t->n_buckets = 64;
    t->buckets = mem_zalloc(t->n_buckets, sizeof(*t->buckets));
    buf_init(&t->key, SIZE_MAX);
    buf_init(&t->out, MESSAGE_MAX);
    return t;
}

void sip_transactions_free(sip_transactions *t)
{
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (sip_transaction *tx = t->buckets[i], *next; tx; tx = next) {
            next = tx->next;
            release(tx);
        }
    }
    sip_deadlines_free(&t->waits);
    buf_free(&t->key);
    buf_free(&t->out);
    free(t->buckets);
    free(t);
}

size_t sip_transactions_count(const sip_transactions *t)
{
    return t->n;
}

/* --- server --- */

static sip_transaction_input repeated_request(sip_transaction *tx)
{
    /* Accepted absorbs without an answer (RFC 6026 7.1); elsewhere the last response goes again. */
    if (tx->state != ACCEPTED)
        repeat(tx);
    schedule(tx);
    return SIP_TRANSACTION_ABSORBED;
}

static sip_transaction_input take_ack(sip_transaction *tx, uint64_t now)
{
    if (tx->state == ACCEPTED)
        return SIP_TRANSACTION_ACK;
    if (tx->state == COMPLETED) {
        enter(tx, CONFIRMED, tx->reliable ? now : now + tx->table->timers.t4); /* timer I */
        forget(tx);
        schedule(tx);
    }
    return SIP_TRANSACTION_ABSORBED;
}

sip_transaction_input sip_transaction_request(sip_transactions *t, const sip_message *m,
                                              uint64_t now, sip_transaction **tx)
{
    bool ack = m->method == SIP_ACK;
    *tx = find(t, server_key(t, m, ack ? sip_method_name(SIP_INVITE) : m->method_text));
    if (*tx == NULL)
        return SIP_TRANSACTION_NEW;
    return ack ? take_ack(*tx, now) : repeated_request(*tx);
}

sip_transaction *sip_transaction_serve(sip_transactions *t, const sip_message *m, uint64_t flow,
                                       bool reliable, void *user, uint64_t now)
{
    bool invite = m->method == SIP_INVITE;
    sip_transaction *tx = create(t, invite ? SERVER_INVITE : SERVER,
                                 server_key(t, m, m->method_text), flow, reliable, user, now);
    enter(tx, invite ? PROCEEDING : TRYING, NEVER);
    return tx;
}

sip_transaction *sip_transaction_cancelled(sip_transactions *t, const sip_message *cancel)
{
    return find(t, server_key(t, cancel, sip_method_name(SIP_INVITE)));
}

static void respond_final_invite(sip_transaction *tx, str response, unsigned status, uint64_t now)
{
    const sip_transaction_timers *timers = &tx->table->timers;
    if (status < 300) {
        forget(tx);
        enter(tx, ACCEPTED, now + span(tx)); /* timer L */
        return;
    }
    keep(tx, response);
    enter(tx, COMPLETED, now + span(tx)); /* timer H */
    if (!tx->reliable) {
        tx->retry_ms = timers->t1;
        tx->retry_at = now + timers->t1; /* timer G */
    }
}

int sip_transaction_respond(sip_transaction *tx, str response, unsigned status, uint64_t now)
{
    if (tx->state == ACCEPTED && status >= 200 && status < 300) {
        transmit(tx, response);
        schedule(tx);
        return 0;
    }
    if ((tx->kind != SERVER_INVITE && tx->kind != SERVER) ||
        (tx->state != TRYING && tx->state != PROCEEDING))
        return -1;
    if (status < 200) {
        keep(tx, response);
        tx->state = PROCEEDING;
    } else if (tx->kind == SERVER_INVITE) {
        respond_final_invite(tx, response, status, now);
    } else if (tx->reliable) {
        forget(tx);
        enter(tx, COMPLETED, now); /* timer J is zero */
    } else {
        keep(tx, response);
        enter(tx, COMPLETED, now + span(tx)); /* timer J */
    }
    transmit(tx, response);
    schedule(tx);
    return 0;
}

void sip_transaction_abandon(sip_transaction *tx, uint64_t now)
{
    if ((tx->kind != SERVER_INVITE && tx->kind != SERVER) ||
        (tx->state != TRYING && tx->state != PROCEEDING))
        return;
    forget(tx);
    enter(tx, CONFIRMED, now); /* not Completed: that would complain of a missing ACK */
    schedule(tx);
}

/* --- client --- */

sip_transaction *sip_transaction_send(sip_transactions *t, str request, str branch, str method,
                                      uint64_t flow, bool reliable, void *user, uint64_t now)
{
    bool invite = str_eq(method, sip_method_name(SIP_INVITE));
    sip_transaction *tx = create(t, invite ? CLIENT_INVITE : CLIENT, client_key(t, branch, method),
                                 flow, reliable, user, now);
    enter(tx, TRYING, now + span(tx)); /* timers B and F */
    if (!reliable) {
        tx->retry_ms = t->timers.t1;
        tx->retry_at = now + t->timers.t1; /* timers A and E */
    }
    if (invite || !reliable)
        keep(tx, request);
    transmit(tx, request);
    schedule(tx);
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
    tx->end_at = now + span(tx);
    if (parse_sent(tx, &invite) && sip_write_cancel(&t->out, &invite, lines) == 0) {
        sip_transaction *own =
            create(t, CLIENT, client_key(t, invite.via.branch, sip_method_name(SIP_CANCEL)),
                   tx->flow, tx->reliable, NULL, now);
        own->silent = true;
        enter(own, TRYING, now + span(own));
        if (!own->reliable) {
            own->retry_ms = t->timers.t1;
            own->retry_at = now + t->timers.t1;
            keep(own, buf_slice(&t->out));
        }
        transmit(own, buf_slice(&t->out));
        schedule(own);
    }
    schedule(tx);
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
        enter(tx, PROCEEDING, tx->began + tx->table->timers.c);
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
        keep(tx, buf_slice(&t->out));
        repeat(tx);
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
            forget(tx);
            enter(tx, ACCEPTED, now + span(tx)); /* timer M */
        } else {
            enter(tx, COMPLETED, tx->reliable ? now : now + tx->table->timers.d); /* timer D */
            acknowledge(tx, m);
        }
        return true;
    case ACCEPTED: return m->status >= 200 && m->status < 300;
    case COMPLETED:
        if (m->status >= 300)
            repeat(tx);
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
        forget(tx);
        enter(tx, COMPLETED, tx->reliable ? now : now + tx->table->timers.t4); /* timer K */
    }
    return true;
}

sip_transaction_input sip_transaction_response(sip_transactions *t, const sip_message *m,
                                               uint64_t now, sip_transaction **out)
{
    sip_transaction *tx = find(t, client_key(t, m->via.branch, m->cseq_method_text));
    *out = NULL;
    if (tx == NULL)
        return SIP_TRANSACTION_STRAY;
    bool pass =
        tx->kind == CLIENT_INVITE ? respond_to_invite(tx, m, now) : respond_to_other(tx, m, now);
    schedule(tx);
    if (!pass || tx->silent)
        return SIP_TRANSACTION_ABSORBED;
    *out = tx;
    return SIP_TRANSACTION_NEW;
}

void sip_transaction_failed(sip_transaction *tx, uint64_t now)
{
    (void)now;
    tx->unreachable = true;
    schedule(tx);
}

/* --- time --- */

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
    repeat(tx);
    schedule(tx);
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
        enter(tx, ENDED, NEVER);
        tell(tx, SIP_TRANSACTION_UNREACHABLE);
        destroy(tx);
        return;
    }
    schedule(tx);
    /* A client that has its final response cares no more; a server lives on (RFC 6026 7.1). */
    if (!is_client(tx))
        tell(tx, SIP_TRANSACTION_UNREACHABLE);
}

static void expire(sip_transaction *tx, uint64_t now)
{
    if (tx->kind == CLIENT_INVITE && tx->state == PROCEEDING && !tx->cancelled) {
        tx->end_at = now + tx->table->timers.c;
        schedule(tx);
        tell(tx, SIP_TRANSACTION_TIMER_C);
        return;
    }
    bool in_vain = waits_for_final(tx) || (tx->kind == SERVER_INVITE && tx->state == COMPLETED);
    enter(tx, ENDED, NEVER);
    if (in_vain)
        tell(tx, SIP_TRANSACTION_TIMEOUT);
    destroy(tx);
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
