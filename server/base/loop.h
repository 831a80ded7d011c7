/* An event loop: descriptors, one-shot timers, deferred calls and signals over one libevent base.
 * Nothing here is global; a program may run several loops, each on its own thread. Every function
 * is to be called on the thread that runs the loop. Times are milliseconds of a monotonic clock. */
#ifndef VIADUCT_BASE_LOOP_H
#define VIADUCT_BASE_LOOP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct loop loop;
typedef void loop_fn(void *arg);

loop *loop_new(void); /* ends the program when the system gives no event base */
/* Runs the posted tasks and the tasks of loop_at_free(), and forgets armed timers; whatever else
 * watches the loop must have been ended before. */
void loop_free(loop *l);
void loop_run(loop *l);  /* returns after loop_stop() */
void loop_stop(loop *l); /* lets the running callback end, then loop_run() returns */
/* Runs what is ready and returns; waits for something first when wait is set. For tests, and for
 * programs with a loop of their own. */
void loop_step(loop *l, bool wait);
uint64_t loop_now(const loop *l); /* ms, monotonic, never 0 */
/* For libevent's own services on the same loop (evdns). */
struct event_base *loop_base(loop *l);

/* A one-shot timer, embedded in its owner's struct. Owner clears it before its memory goes. */
typedef struct loop_timer {
    uint64_t at;   /* due time; private */
    uint32_t slot; /* place in the heap plus 1, 0 when not armed; private */
    loop_fn *fn;
    void *arg;
} loop_timer;

void loop_timer_init(loop_timer *t, loop_fn *fn, void *arg);
/* Arms or re-arms. fn runs once, not before ms have passed, and may arm the timer again. */
void loop_timer_set(loop *l, loop_timer *t, uint64_t ms);
void loop_timer_clear(loop *l, loop_timer *t); /* no-op when not armed */
bool loop_timer_armed(const loop_timer *t);

/* A call deferred until the running callback has returned, in order of posting: the way to free
 * or report something from a place where the caller still holds it. */
typedef struct loop_task {
    struct loop_task *next, **prev; /* private */
    loop_fn *fn;
    void *arg;
} loop_task;

void loop_task_init(loop_task *t, loop_fn *fn, void *arg);
void loop_post(loop *l, loop_task *t);   /* no-op when already posted */
void loop_unpost(loop *l, loop_task *t); /* no-op when not posted */

/* Calls t's fn from loop_free(), for what lives on in the background with no owner left. t must not
 * be posted before loop_not_at_free(). */
void loop_at_free(loop *l, loop_task *t);
void loop_not_at_free(loop *l, loop_task *t); /* no-op when not registered */

/* A watched descriptor, embedded. Level-triggered: fn runs while the condition holds. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_io_fn(unsigned ready, void *arg);
typedef struct loop_io {
    struct event ev; /* private */
    loop_io_fn *fn;
    void *arg;
    loop *l;
    unsigned want; /* what is watched now; private */
} loop_io;

void loop_io_init(loop_io *io, loop *l, int fd, loop_io_fn *fn, void *arg);
void loop_io_want(loop_io *io, unsigned want); /* LOOP_READ | LOOP_WRITE; 0 stops watching */

/* fn runs on the loop (not in signal context) for each arrival of signo. */
void loop_signal(loop *l, int signo, loop_fn *fn, void *arg);

/* Bytes that any callback may use until it returns; every connection reads into it, so an idle
 * connection holds no input buffer. */
enum { LOOP_SCRATCH = 64 * 1024 };
char *loop_scratch(loop *l);

#endif
