#include "base/linger.h"

#include <stdlib.h>

#include "base/mem.h"

enum { STAGE_MS = 2000 };

typedef struct lingering {
    loop *l;
    stream s;
    loop_io io;
    loop_timer timer;
    loop_task task; /* registered for loop_free() */
    buf out;
    size_t at; /* offset of what is not sent yet */
    bool peer_done;
    bool fin_sent;
} lingering;

static void end(void *arg)
{
    lingering *g = arg;
    loop_not_at_free(g->l, &g->task);
    loop_timer_clear(g->l, &g->timer);
    loop_io_want(&g->io, 0);
    stream_close(&g->s);
    buf_free(&g->out);
    free(g);
}

static void finish(lingering *g)
{
    buf_free(&g->out);
    g->fin_sent = true;
    if (stream_finish(&g->s) || g->peer_done) {
        end(g);
        return;
    }
    loop_timer_set(g->l, &g->timer, STAGE_MS);
    loop_io_want(&g->io, LOOP_READ);
}

static void flush(lingering *g)
{
    char detail[STREAM_DETAIL];
    size_t n = g->out.n - g->at;
    stream_result got = stream_write(&g->s, g->out.p + g->at, &n, detail);
    g->at += n;
    if (got == STREAM_DONE)
        finish(g);
    else if (got != STREAM_AGAIN)
        end(g);
}

static void drop(lingering *g)
{
    stream_result got = stream_drop(&g->s, loop_scratch(g->l), LOOP_SCRATCH);
    if (got == STREAM_DONE)
        return;
    g->peer_done = true;
    if (g->fin_sent || got == STREAM_LOST)
        end(g);
    else
        loop_io_want(&g->io, LOOP_WRITE);
}

static void on_io(unsigned ready, void *arg)
{
    lingering *g = arg;
    if (ready & LOOP_WRITE)
        flush(g);
    else
        drop(g);
}

void linger_take(loop *l, stream *s, buf *out, size_t from, bool peer_done)
{
    lingering *g = mem_zalloc(1, sizeof(*g));
    g->l = l;
    g->s = *s;
    *s = (stream){-1, NULL};
    g->out = *out;
    g->at = from;
    buf_init(out, out->max);
    g->peer_done = peer_done;
    loop_io_init(&g->io, l, g->s.fd, on_io, g);
    loop_timer_init(&g->timer, end, g);
    loop_task_init(&g->task, end, g);
    loop_at_free(l, &g->task);
    if (g->at == g->out.n) {
        finish(g);
        return;
    }
    loop_timer_set(l, &g->timer, STAGE_MS);
    loop_io_want(&g->io, LOOP_WRITE | (peer_done ? 0 : LOOP_READ));
}
