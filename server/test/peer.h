/* For tests: the other end of a connection, on the same loop, keeping what it receives; and waiting
 * for events with an upper bound in time. */
#ifndef VIADUCT_TEST_PEER_H
#define VIADUCT_TEST_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conn.h"

enum { PEER_MAX = 32 << 20, PEER_WAIT_MS = 20000 };

typedef struct peer {
    conn *c;
    buf got;
    bool open, closed;
    conn_why why;
    char detail[160];
} peer;

static inline void peer_open(conn *c, void *arg)
{
    (void)c;
    ((peer *)arg)->open = true;
}

static inline size_t peer_data(conn *c, char *p, size_t n, void *arg)
{
    (void)c;
    buf_add(&((peer *)arg)->got, p, n);
    return n;
}

static inline void peer_closed(conn *c, conn_why why, const char *detail, void *arg)
{
    (void)c;
    peer *p = arg;
    p->c = NULL;
    p->closed = true;
    p->why = why;
    snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

static const conn_handler PEER_HANDLER = {
    .open = peer_open, .data = peer_data, .closed = peer_closed};

static inline void peer_dial(peer *p, loop *l, const addr *to, tls *t, const char *host)
{
    static const conn_limits limits = {PEER_MAX, PEER_MAX, PEER_WAIT_MS};
    *p = (peer){0};
    buf_init(&p->got, PEER_MAX);
    p->c = conn_connect(l, to, NULL, t, host, &limits, &PEER_HANDLER, p);
}

static inline void peer_end(peer *p)
{
    if (p->c)
        conn_abort(p->c);
    p->c = NULL;
    buf_free(&p->got);
}

static inline void peer_send(peer *p, str s)
{
    assert_int_equal(conn_write(p->c, s), 0);
}

static inline void peer_too_late(void *arg)
{
    *(bool *)arg = true;
}

/* Runs the loop until the condition holds; fails the test when it takes too long. */
#define WAIT_FOR(l, condition)                                                                     \
    do {                                                                                           \
        bool too_late_ = false;                                                                    \
        loop_timer bound_;                                                                         \
        loop_timer_init(&bound_, peer_too_late, &too_late_);                                       \
        loop_timer_set((l), &bound_, PEER_WAIT_MS);                                                \
        while (!(condition)) {                                                                     \
            if (too_late_)                                                                         \
                fail_msg("%s:%d: waited in vain for %s", __FILE__, __LINE__, #condition);          \
            loop_step((l), true);                                                                  \
        }                                                                                          \
        loop_timer_clear((l), &bound_);                                                            \
    } while (0)

static inline bool peer_has(const peer *p, const char *text)
{
    return p->got.n && memmem(p->got.p, p->got.n, text, strlen(text));
}

#endif
