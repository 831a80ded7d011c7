/* What the four machines of transaction.c share: a transaction, the table that finds it, its
 * deadlines and its messages. Private to machine.c and transaction.c. */
#ifndef VIADUCT_SIP_MACHINE_H
#define VIADUCT_SIP_MACHINE_H

#include "base/buf.h"
#include "sip/deadline.h"
#include "sip/transaction.h"

#define NEVER UINT64_MAX

/* What a message that we write ourselves (ACK, CANCEL) may grow to. */
enum { MESSAGE_MAX = 65536 };

typedef enum sip_machine_kind { CLIENT_INVITE, CLIENT, SERVER_INVITE, SERVER } sip_machine_kind;

/* The states of the four machines; TRYING is Calling of the INVITE client. */
typedef enum sip_machine_state {
    TRYING,
    PROCEEDING,
    COMPLETED,
    CONFIRMED,
    ACCEPTED,
    ENDED
} sip_machine_state;

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
    sip_machine_kind kind;
    sip_machine_state state;
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

/* 64*T1, in ms. */
static inline uint64_t sip_machine_span(const sip_transaction *tx)
{
    return 64 * (uint64_t)tx->table->timers.t1;
}

/* The key of a message in scratch memory of the table, valid until the next one (match.h). */
str sip_machine_client_key(sip_transactions *t, str branch, str method);
str sip_machine_server_key(sip_transactions *t, const sip_message *m, str method);

sip_transaction *sip_machine_find(const sip_transactions *t, str key); /* or NULL */
sip_transaction *sip_machine_create(sip_transactions *t, sip_machine_kind k, str key, uint64_t flow,
                                    bool reliable, void *user, uint64_t now);
/* Takes it out of the table, tells ENDED and frees it. */
void sip_machine_destroy(sip_transaction *tx);
void sip_machine_tell(sip_transaction *tx, sip_transaction_event ev);

/* The next state, with its end in ms (or NEVER). Retransmission stops unless set anew. */
void sip_machine_enter(sip_transaction *tx, sip_machine_state s, uint64_t end_at);
/* To be called after whatever changes state, timers or sends: puts the next deadline in place. */
void sip_machine_schedule(sip_transaction *tx);

void sip_machine_keep(sip_transaction *tx, str message);
void sip_machine_forget(sip_transaction *tx);
/* Sends bytes; a failure is told from the next run. */
void sip_machine_transmit(sip_transaction *tx, str bytes);
void sip_machine_repeat(sip_transaction *tx); /* sends what is kept, if anything is */

#endif
