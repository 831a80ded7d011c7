#include "base/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

typedef struct loop_signal_watch {
    struct loop_signal_watch *next;
    struct event *ev;
    loop_fn *fn;
    void *arg;
} loop_signal_watch;

struct loop {
    struct event_base *base;
    /* Timers in a binary heap by due time, driven by one libevent timer for the earliest: a timer
     * costs its owner 40 bytes, and re-arming one that is not the earliest touches only memory. */
    loop_timer **heap;
    uint32_t n, cap;
    struct event *wake; /* due at wake_at, 0 when not set */
    uint64_t wake_at;
    struct event *tasks_ev;
    loop_task *first, **last; /* posted */
    loop_task *leftovers;     /* of loop_at_free() */
    loop_signal_watch *signals;
    char *scratch;
    bool stopping;
};

struct event_base *loop_base(loop *l)
{
    return l->base;
}

uint64_t loop_now(const loop *l)
{
    (void)l;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

static void place(loop *l, uint32_t i, loop_timer *t)
{
    l->heap[i] = t;
    t->slot = i + 1;
}

static void sift_up(loop *l, uint32_t i, loop_timer *t)
{
    while (i > 0 && l->heap[(i - 1) / 2]->at > t->at) {
        place(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(l, i, t);
}

static void sift_down(loop *l, uint32_t i, loop_timer *t)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= l->n)
            break;
        if (child + 1 < l->n && l->heap[child + 1]->at < l->heap[child]->at)
            child++;
        if (l->heap[child]->at >= t->at)
            break;
        place(l, i, l->heap[child]);
        i = child;
    }
    place(l, i, t);
}

static void remove_at(loop *l, uint32_t i)
{
    l->heap[i]->slot = 0;
    loop_timer *moved = l->heap[--l->n];
    if (i == l->n)
        return;
    if (i > 0 && l->heap[(i - 1) / 2]->at > moved->at)
        sift_up(l, i, moved);
    else
        sift_down(l, i, moved);
}

/* Sets the libevent timer when the earliest due time became earlier than what it is set to. A later
 * one is left alone: waking once for nothing is cheaper than moving it each time. */
static void rewake(loop *l)
{
    if (!l->n || (l->wake_at && l->wake_at <= l->heap[0]->at))
        return;
    uint64_t now = loop_now(l);
    uint64_t ms = l->heap[0]->at > now ? l->heap[0]->at - now : 0;
    struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    event_add(l->wake, &tv);
    l->wake_at = l->heap[0]->at;
}

static void run_timers(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    loop *l = arg;
    uint64_t now = loop_now(l);
    /* What a callback arms is due after now, so no chain of callbacks keeps the loop from its
     * sockets. */
    while (l->n && l->heap[0]->at <= now) {
        loop_timer *t = l->heap[0];
        remove_at(l, 0);
        t->fn(t->arg);
    }
    l->wake_at = 0;
    rewake(l);
}

/* A task is in at most one list; prev points to the link that leads to it. */
static void unlink_task(loop *l, loop_task *t)
{
    if (l->last == &t->next)
        l->last = t->prev;
    *t->prev = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = NULL;
    t->prev = NULL;
}

static void run_tasks(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    loop *l = arg;
    while (l->first) {
        loop_task *t = l->first;
        unlink_task(l, t);
        t->fn(t->arg);
    }
}

loop *loop_new(void)
{
    loop *l = mem_zalloc(1, sizeof(*l));
    /* OpenSSL writes to sockets without MSG_NOSIGNAL; a gone peer is an error code, not a signal.
     */
    (void)signal(SIGPIPE, SIG_IGN);
    struct event_config *config = event_config_new();
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
        l->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (!l->base)
        abort();
    l->wake = event_new(l->base, -1, 0, run_timers, l);
    l->tasks_ev = event_new(l->base, -1, 0, run_tasks, l);
    if (!l->wake || !l->tasks_ev)
        abort();
    l->last = &l->first;
    return l;
}

void loop_free(loop *l)
{
    if (!l)
        return;
    while (l->leftovers) {
        loop_task *t = l->leftovers;
        unlink_task(l, t);
        t->fn(t->arg);
    }
    run_tasks(-1, 0, l);
    while (l->signals) {
        loop_signal_watch *w = l->signals;
        l->signals = w->next;
        event_free(w->ev);
        free(w);
    }
    event_free(l->wake);
    event_free(l->tasks_ev);
    event_base_free(l->base);
    free(l->heap);
    free(l->scratch);
    free(l);
}

void loop_run(loop *l)
{
    l->stopping = false;
    while (!l->stopping)
        loop_step(l, true);
}

void loop_stop(loop *l)
{
    l->stopping = true;
    event_base_loopbreak(l->base);
}

void loop_step(loop *l, bool wait)
{
    event_base_loop(l->base, EVLOOP_ONCE | (wait ? EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_NONBLOCK));
}

void loop_timer_init(loop_timer *t, loop_fn *fn, void *arg)
{
    *t = (loop_timer){.fn = fn, .arg = arg};
}

void loop_timer_set(loop *l, loop_timer *t, uint64_t ms)
{
    t->at = loop_now(l) + ms + 1; /* the clock is cut to whole ms: never early */
    if (t->slot) {
        uint32_t i = t->slot - 1;
        if (i > 0 && l->heap[(i - 1) / 2]->at > t->at)
            sift_up(l, i, t);
        else
            sift_down(l, i, t);
    } else {
        if (l->n == l->cap) {
            l->cap = l->cap ? l->cap * 2 : 64;
            l->heap = mem_realloc(l->heap, l->cap * sizeof(*l->heap));
        }
        sift_up(l, l->n++, t);
    }
    rewake(l);
}

void loop_timer_clear(loop *l, loop_timer *t)
{
    if (t->slot)
        remove_at(l, t->slot - 1);
}

bool loop_timer_armed(const loop_timer *t)
{
    return t->slot != 0;
}

void loop_task_init(loop_task *t, loop_fn *fn, void *arg)
{
    *t = (loop_task){.fn = fn, .arg = arg};
}

void loop_post(loop *l, loop_task *t)
{
    if (t->prev)
        return;
    t->next = NULL;
    t->prev = l->last;
    *l->last = t;
    l->last = &t->next;
    event_active(l->tasks_ev, EV_TIMEOUT, 0);
}

void loop_unpost(loop *l, loop_task *t)
{
    if (t->prev)
        unlink_task(l, t);
}

void loop_at_free(loop *l, loop_task *t)
{
    if (t->prev)
        return;
    t->next = l->leftovers;
    t->prev = &l->leftovers;
    if (t->next)
        t->next->prev = &t->next;
    l->leftovers = t;
}

void loop_not_at_free(loop *l, loop_task *t)
{
    if (t->prev)
        unlink_task(l, t);
}

static void io_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    loop_io *io = arg;
    unsigned ready = (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u);
    io->fn(ready, io->arg);
}

void loop_io_init(loop_io *io, loop *l, int fd, loop_io_fn *fn, void *arg)
{
    memset(io, 0, sizeof(*io));
    io->fn = fn;
    io->arg = arg;
    io->l = l;
    event_assign(&io->ev, l->base, fd, 0, io_ready, io);
}

void loop_io_want(loop_io *io, unsigned want)
{
    if (want == io->want)
        return;
    int fd = event_get_fd(&io->ev);
    event_del(&io->ev);
    io->want = want;
    if (want) {
        short what = (short)((want & LOOP_READ ? EV_READ : 0) | (want & LOOP_WRITE ? EV_WRITE : 0));
        event_assign(&io->ev, io->l->base, fd, (short)(what | EV_PERSIST), io_ready, io);
        event_add(&io->ev, NULL);
    }
}

static void signal_arrived(evutil_socket_t signo, short what, void *arg)
{
    (void)signo;
    (void)what;
    loop_signal_watch *w = arg;
    w->fn(w->arg);
}

void loop_signal(loop *l, int signo, loop_fn *fn, void *arg)
{
    loop_signal_watch *w = mem_zalloc(1, sizeof(*w));
    w->fn = fn;
    w->arg = arg;
    w->next = l->signals;
    w->ev = evsignal_new(l->base, signo, signal_arrived, w);
    if (!w->ev || event_add(w->ev, NULL))
        abort();
    l->signals = w;
}

char *loop_scratch(loop *l)
{
    if (!l->scratch)
        l->scratch = mem_alloc(LOOP_SCRATCH);
    return l->scratch;
}
