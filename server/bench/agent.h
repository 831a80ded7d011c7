/* A user of the load generator: registers, sends MESSAGEs, calls and is called, over its own link.
 */
#ifndef VIADUCT_BENCH_AGENT_H
#define VIADUCT_BENCH_AGENT_H

#include "bench/link.h"

enum agent_op { OP_REGISTER, OP_MESSAGE, OP_CALL };

struct load {
    const char *domain;
    uint64_t finished;
    uint64_t failed;
    uint32_t *latency; /* microseconds, one per finished operation while recording */
    size_t latencies, latency_max;
    buf out; /* the message being written */
};

struct agent {
    struct link link;
    struct load *load;
    unsigned index;
    unsigned sequence; /* CSeq number, and what makes Call-ID and branch unique */
    bool busy;
    bool answered; /* the INVITE of the running call had its 200 */
    enum agent_op op;
    double started; /* seconds, monotonic */
};

double agent_now(void);
/* Starts an operation; to is the called user (not used by OP_REGISTER). Returns 0, or -1 when the
 * link is gone. */
int agent_start(struct agent *agent, enum agent_op op, unsigned to);
/* Reads what has arrived and reacts. Returns 0, or -1 when the server closed the link. */
int agent_read(struct agent *agent);
/* Gives up the running operation and counts it as failed. */
void agent_give_up(struct agent *agent);

#endif
