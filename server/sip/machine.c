#include "sip/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sip/match.h"

void sip_machine_schedule(sip_transaction *tx)
{
    uint64_t at = tx->retry_at < tx->end_at ? tx->retry_at : tx->end_at;
    if (tx->unreachable)
        at = 0;
    if (at == NEVER)
        sip_deadlines_clear(&tx->table->waits, &tx->wait);
    else
        sip_deadlines_set(&tx->table->waits, &tx->wait, at);
}

void sip_machine_keep(sip_transaction *tx, str message)
{
    tx->message = mem_realloc(tx->message, message.n + 1);
    memcpy(tx->message, message.p, message.n);
    tx->message_n = message.n;
}

void sip_machine_forget(sip_transaction *tx)
{
    free(tx->message);
    tx->message = NULL;
    tx->message_n = 0;
}

void sip_machine_transmit(sip_transaction *tx, str bytes)
{
    if (tx->table->ops->send(tx->table->owner, tx, tx->flow, bytes))
        tx->unreachable = true;
}

void sip_machine_repeat(sip_transaction *tx)
{
    if (tx->message)
        sip_machine_transmit(tx, (str){tx->message, tx->message_n});
}

void sip_machine_enter(sip_transaction *tx, sip_machine_state s, uint64_t end_at)
{
    tx->state = s;
    tx->retry_at = NEVER;
    tx->end_at = end_at;
}

str sip_machine_client_key(sip_transactions *t, str branch, str method)
{
    buf_clear(&t->key);
    sip_match_client(&t->key, branch, method);
    return buf_slice(&t->key);
}

str sip_machine_server_key(sip_transactions *t, const sip_message *m, str method)
{
    buf_clear(&t->key);
    sip_match_server(&t->key, m, method);
    return buf_slice(&t->key);
}

sip_transaction *sip_machine_find(const sip_transactions *t, str key)
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

sip_transaction *sip_machine_create(sip_transactions *t, sip_machine_kind k, str key, uint64_t flow,
                                    bool reliable, void *user, uint64_t now)
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

void sip_machine_tell(sip_transaction *tx, sip_transaction_event ev)
{
    if (!tx->silent)
        tx->table->ops->event(tx->table->owner, tx, ev);
}

void sip_machine_destroy(sip_transaction *tx)
{
    sip_transactions *t = tx->table;
    sip_transaction **at = &t->buckets[tx->hash & (t->n_buckets - 1)];
    while (*at != tx)
        at = &(*at)->next;
    *at = tx->next;
    t->n--;
    sip_deadlines_clear(&t->waits, &tx->wait);
    sip_machine_enter(tx, ENDED, NEVER);
    sip_machine_tell(tx, SIP_TRANSACTION_ENDED);
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
