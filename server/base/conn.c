#include "base/conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/linger.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/stream.h"

enum { READS_PER_EVENT = 16 }; /* then other descriptors get their turn */

typedef enum conn_state {
    CONNECTING,
    HANDSHAKE,
    OPEN,
    FAILED,    /* closed() is due, from the task */
    REPORTING, /* inside closed() */
    DEAD,      /* descriptor closed; the task frees the struct */
} conn_state;

struct conn {
    loop *l;
    const conn_handler *h;
    void *arg;
    stream s;
    loop_io io;
    loop_timer timer; /* set to the earliest of the times below */
    loop_task task;
    uint64_t setup_at;    /* connect and handshake over by then; 0: no limit */
    uint64_t deadline_at; /* 0: none */
    uint64_t last_in;
    uint64_t idle_ms; /* 0: none */
    buf in;           /* input left unconsumed */
    buf out;          /* output not taken by the socket yet ... */
    size_t out_at;    /* ... from this offset on */
    size_t max_in, max_out;
    char *detail;   /* why it failed, for the task to report */
    uint8_t state;  /* conn_state */
    uint8_t why;    /* conn_why that goes with detail */
    bool paused;    /* the owner wants no input */
    bool broken;    /* writing failed: nothing more goes out */
    bool peer_done; /* the peer's FIN was seen */
    addr local, peer;
};

static void on_io(unsigned ready, void *arg);
static void on_timer(void *arg);
static void on_task(void *arg);

const char *conn_why_name(conn_why w)
{
    static const char *const names[] = {"eof", "reset", "refused", "tls", "timeout", "overflow"};
    return names[w];
}

/* ---- how it ends ---- */

static bool live(const conn *c)
{
    return c->state == CONNECTING || c->state == HANDSHAKE || c->state == OPEN;
}

/* Closes the descriptor now, unless somebody took it over. The struct and the input, which callers
 * up the stack may still look at, go when the task runs. */
static void destroy(conn *c)
{
    c->state = DEAD;
    loop_timer_clear(c->l, &c->timer);
    if (c->s.fd >= 0)
        loop_io_want(&c->io, 0);
    stream_close(&c->s);
    buf_free(&c->out);
    loop_post(c->l, &c->task);
}

/* The owner is done with it: what is queued goes out behind its back. */
static void leave(conn *c)
{
    if (!c->broken) {
        loop_io_want(&c->io, 0);
        linger_take(c->l, &c->s, &c->out, c->out_at, c->peer_done);
    }
    destroy(c);
}

/* Sets the one timer to the earliest of the limits. */
static void arm(conn *c)
{
    uint64_t due = UINT64_MAX;
    if (c->setup_at)
        due = c->setup_at;
    if (c->deadline_at && c->deadline_at < due)
        due = c->deadline_at;
    if (c->idle_ms && c->last_in + c->idle_ms < due)
        due = c->last_in + c->idle_ms;
    uint64_t now = loop_now(c->l);
    if (due == UINT64_MAX)
        loop_timer_clear(c->l, &c->timer);
    else
        loop_timer_set(c->l, &c->timer, due > now ? due - now : 0);
}

static void watch(conn *c)
{
    unsigned want = 0;
    if (c->state == CONNECTING)
        want = LOOP_WRITE;
    else if (c->state == OPEN)
        want = (c->paused ? 0 : LOOP_READ) | (c->out.n ? LOOP_WRITE : 0u);
    loop_io_want(&c->io, want);
}

/* Reports the end to the owner; only from the loop, never inside a call of the owner. */
static void report(conn *c, conn_why why, const char *detail)
{
    bool flush_rest = why == CONN_EOF && c->state == OPEN && c->out.n && !c->broken;
    c->state = REPORTING;
    loop_timer_clear(c->l, &c->timer);
    if (c->s.fd >= 0)
        loop_io_want(&c->io, 0);
    c->h->closed(c, why, detail, c->arg);
    if (flush_rest)
        leave(c);
    else
        destroy(c);
}

static void keep_reason(conn *c, conn_why why, const char *detail)
{
    c->why = (uint8_t)why;
    free(c->detail);
    c->detail = str_dup(str_of(detail));
}

static void fail_later(conn *c, conn_why why, const char *detail)
{
    keep_reason(c, why, detail);
    c->state = FAILED;
    if (c->s.fd >= 0)
        loop_io_want(&c->io, 0);
    loop_timer_clear(c->l, &c->timer);
    loop_post(c->l, &c->task);
}

/* Writing failed. What the peer sent before it went may still be there, so the task reads first and
 * reports then. */
static void break_later(conn *c, const char *detail)
{
    c->broken = true;
    keep_reason(c, CONN_RESET, detail);
    buf_free(&c->out);
    c->out_at = 0;
    loop_post(c->l, &c->task);
}

/* ---- input ---- */

/* Gives n bytes at p to the owner, again after a change of owner; returns what was consumed. */
static size_t show(conn *c, char *p, size_t n)
{
    size_t used = 0;
    while (used < n && c->state == OPEN) {
        const conn_handler *h = c->h;
        void *arg = c->arg;
        used += h->data(c, p + used, n - used, arg);
        if (c->h == h && c->arg == arg)
            break;
    }
    return used;
}

/* Shows what was read; with n 0 once more what was left, after a pause. */
static void deliver(conn *c, char *p, size_t n)
{
    c->last_in = loop_now(c->l);
    if (c->in.n) {
        buf_add(&c->in, p, n);
        size_t used = show(c, c->in.p, c->in.n);
        if (c->state != OPEN)
            return;
        buf_take(&c->in, used);
        if (!c->in.n)
            buf_free(&c->in);
    } else {
        size_t used = show(c, p, n);
        if (c->state != OPEN)
            return;
        buf_add(&c->in, p + used, n - used);
    }
    if (c->in.n > c->max_in)
        fail_later(c, CONN_OVERFLOW, "more input than can be handled at once");
}

/* Reads until nothing more is there, the owner pauses or ends it, or others are due. */
static void read_all(conn *c)
{
    for (int i = 0; c->state == OPEN && !c->paused; i++) {
        if (i == READS_PER_EVENT) {
            loop_post(c->l, &c->task); /* bytes inside the SSL make no descriptor readable */
            return;
        }
        char *p = loop_scratch(c->l);
        char detail[STREAM_DETAIL];
        size_t n = 0;
        stream_result got = stream_read(&c->s, p, LOOP_SCRATCH, &n, detail);
        if (got == STREAM_AGAIN)
            return;
        if (got != STREAM_DONE) {
            c->peer_done = true;
            if (got == STREAM_EOF)
                report(c, CONN_EOF, "closed by the peer");
            else
                report(c, got == STREAM_TLS ? CONN_TLS : CONN_RESET, detail);
            return;
        }
        deliver(c, p, n);
        if (n < LOOP_SCRATCH && !(c->state == OPEN && stream_pending(&c->s)))
            return;
    }
}

/* ---- output ---- */

static void flush(conn *c)
{
    char detail[STREAM_DETAIL];
    size_t n = c->out.n - c->out_at;
    stream_result got = stream_write(&c->s, c->out.p + c->out_at, &n, detail);
    c->out_at += n;
    if (got == STREAM_AGAIN)
        return;
    if (got != STREAM_DONE) {
        break_later(c, got == STREAM_EOF ? "closed by the peer" : detail);
        return;
    }
    buf_free(&c->out);
    c->out_at = 0;
    watch(c);
    if (c->h->drained)
        c->h->drained(c, c->arg);
}

int conn_write(conn *c, str bytes)
{
    if (!live(c) || c->broken)
        return -1;
    if (bytes.n > c->max_out - (c->out.n - c->out_at)) {
        fail_later(c, CONN_OVERFLOW, "the peer reads too slowly: output queue full");
        return -1;
    }
    size_t n = 0;
    if (c->state == OPEN && !c->out.n) {
        char detail[STREAM_DETAIL];
        n = bytes.n;
        stream_result got = stream_write(&c->s, bytes.p, &n, detail);
        if (got != STREAM_DONE && got != STREAM_AGAIN) {
            break_later(c, got == STREAM_EOF ? "closed by the peer" : detail);
            return -1;
        }
    }
    if (n < bytes.n) {
        if (c->out_at) {
            buf_take(&c->out, c->out_at);
            c->out_at = 0;
        }
        buf_add(&c->out, bytes.p + n, bytes.n - n);
        if (c->state == OPEN)
            watch(c);
    }
    return 0;
}

/* ---- events ---- */

static void opened(conn *c)
{
    c->state = OPEN;
    c->setup_at = 0;
    c->last_in = loop_now(c->l);
    arm(c);
    watch(c);
    c->h->open(c, c->arg);
    if (c->state == OPEN && c->out.n)
        flush(c);
    if (c->state == OPEN && stream_pending(&c->s))
        read_all(c);
}

static void shake(conn *c)
{
    char detail[STREAM_DETAIL];
    switch (stream_handshake(&c->s, detail)) {
    case STREAM_DONE: opened(c); break;
    case STREAM_AGAIN:
        loop_io_want(&c->io, stream_wants_write(&c->s) ? LOOP_WRITE : LOOP_READ);
        break;
    case STREAM_EOF: report(c, CONN_EOF, "closed by the peer during the TLS handshake"); break;
    case STREAM_LOST: report(c, CONN_RESET, detail); break;
    case STREAM_TLS: report(c, CONN_TLS, detail); break;
    }
}

static void connected(conn *c)
{
    int err = sock_error(c->s.fd);
    if (err) {
        report(c, CONN_REFUSED, strerror(err));
        return;
    }
    c->local = sock_local(c->s.fd);
    if (c->s.ssl) {
        c->state = HANDSHAKE;
        shake(c);
    } else {
        opened(c);
    }
}

static void on_io(unsigned ready, void *arg)
{
    conn *c = arg;
    switch ((conn_state)c->state) {
    case CONNECTING: connected(c); break;
    case HANDSHAKE: shake(c); break;
    case OPEN:
        if (ready & LOOP_READ)
            read_all(c);
        if (c->state == OPEN && c->out.n)
            flush(c);
        break;
    case FAILED:
    case REPORTING:
    case DEAD: break;
    }
}

static void on_timer(void *arg)
{
    conn *c = arg;
    uint64_t now = loop_now(c->l);
    if (c->setup_at && now >= c->setup_at)
        report(c, CONN_TIMEOUT,
               c->state == CONNECTING ? "connecting took too long" : "TLS handshake took too long");
    else if (c->deadline_at && now >= c->deadline_at)
        report(c, CONN_TIMEOUT, "deadline passed");
    else if (c->idle_ms && now >= c->last_in + c->idle_ms)
        report(c, CONN_TIMEOUT, "idle for too long");
    else
        arm(c);
}

static void on_task(void *arg)
{
    conn *c = arg;
    if (c->state == DEAD) {
        buf_free(&c->in);
        free(c->detail);
        free(c);
    } else if (c->state == FAILED) {
        report(c, (conn_why)c->why, c->detail);
    } else if (c->state == CONNECTING) {
        opened(c);
    } else if (c->state == OPEN) {
        if (c->in.n && !c->paused)
            deliver(c, NULL, 0);
        read_all(c);
        if (c->broken && c->state == OPEN)
            report(c, (conn_why)c->why, c->detail);
    }
}

/* ---- what the owner calls ---- */

static conn *make(loop *l, int fd, tls *t, const char *host, const conn_limits *limits,
                  const conn_handler *h, void *arg)
{
    conn *c = mem_zalloc(1, sizeof(*c));
    c->l = l;
    c->h = h;
    c->arg = arg;
    c->s.fd = fd < 0 ? -1 : fd;
    c->max_in = limits->max_in;
    c->max_out = limits->max_out;
    buf_init(&c->in, limits->max_in + LOOP_SCRATCH);
    buf_init(&c->out, limits->max_out);
    loop_timer_init(&c->timer, on_timer, c);
    loop_task_init(&c->task, on_task, c);
    if (fd < 0) {
        fail_later(c, CONN_REFUSED, strerror(-fd));
        return c;
    }
    loop_io_init(&c->io, l, fd, on_io, c);
    if (t) {
        c->s.ssl = tls_session(t, fd, host);
        if (!c->s.ssl) {
            char detail[STREAM_DETAIL];
            tls_reason(detail, sizeof(detail));
            fail_later(c, CONN_TLS, detail);
            return c;
        }
    }
    if (limits->setup_ms)
        c->setup_at = loop_now(l) + limits->setup_ms;
    c->local = sock_local(fd);
    arm(c);
    return c;
}

conn *conn_accept(loop *l, int fd, const addr *peer, tls *t, const conn_limits *limits,
                  const conn_handler *h, void *arg)
{
    conn *c = make(l, fd, t, NULL, limits, h, arg);
    c->peer = *peer;
    if (c->state == FAILED)
        return c;
    if (c->s.ssl) {
        c->state = HANDSHAKE;
        loop_io_want(&c->io, LOOP_READ);
    } else {
        loop_post(l,
                  &c->task); /* open already, but open() comes from the loop like all callbacks */
    }
    return c;
}

conn *conn_connect(loop *l, const addr *to, const addr *from, tls *t, const char *host,
                   const conn_limits *limits, const conn_handler *h, void *arg)
{
    char literal[ADDR_TEXT];
    if (t && !host)
        host = addr_print_ip(to, literal);
    conn *c = make(l, sock_connect(to, from), t, host, limits, h, arg);
    c->peer = *to;
    if (c->state != FAILED)
        watch(c);
    return c;
}

void conn_set_handler(conn *c, const conn_handler *h, void *arg)
{
    c->h = h;
    c->arg = arg;
}

size_t conn_queued(const conn *c)
{
    return c->out.n - c->out_at;
}

void conn_pause(conn *c, bool paused)
{
    if (c->paused == paused)
        return;
    c->paused = paused;
    if (c->state != OPEN)
        return;
    watch(c);
    if (!paused)
        loop_post(c->l, &c->task);
}

void conn_close(conn *c)
{
    if (c->state == OPEN)
        leave(c);
    else if (live(c) || c->state == FAILED)
        destroy(c);
}

void conn_abort(conn *c)
{
    if (!live(c) && c->state != FAILED)
        return;
    stream_reset(&c->s);
    destroy(c);
}

void conn_idle(conn *c, uint64_t ms)
{
    c->idle_ms = ms;
    if (!c->last_in)
        c->last_in = loop_now(c->l);
    if (live(c))
        arm(c);
}

void conn_deadline(conn *c, uint64_t ms)
{
    c->deadline_at = ms ? loop_now(c->l) + ms : 0;
    if (live(c))
        arm(c);
}

const addr *conn_local(const conn *c)
{
    return &c->local;
}

const addr *conn_peer(const conn *c)
{
    return &c->peer;
}

bool conn_secure(const conn *c)
{
    return c->s.ssl != NULL;
}

bool conn_is_open(const conn *c)
{
    return c->state == OPEN && !c->broken;
}

str conn_alpn(const conn *c)
{
    return stream_alpn(&c->s);
}

const char *conn_sni(const conn *c)
{
    return stream_sni(&c->s);
}

const char *conn_tls_version(const conn *c)
{
    return stream_version(&c->s);
}
