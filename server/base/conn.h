/* A byte stream over TCP or TLS, non-blocking, on a loop.
 *
 * Life: conn_accept()/conn_connect() -> open() once -> data()... -> closed() once, or the owner
 * ends it with conn_close()/conn_abort(). Exactly one of the two ends it:
 *  - closed(): the peer or an error ended it. The handle is invalid once closed() returns; do not
 *    call conn_close() then (calling it inside closed() is harmless).
 *  - conn_close(): no callback follows, not even closed(). The handle is invalid for the caller at
 *    once. What was written is still flushed, then TLS close_notify and FIN are sent, input is
 *    drained until the peer's FIN (so that no reset destroys the flushed bytes), at most 2 s each.
 *  - conn_abort(): like conn_close(), but unsent bytes are dropped and the peer sees a reset.
 *
 * No callback is ever called from inside a conn_*() call of the owner: failures noticed while
 * writing are reported from the loop. Every call is allowed inside every callback; memory is freed
 * after the outermost callback returned.
 *
 * Memory: an idle connection holds its struct only (and an SSL without buffers); input lands in the
 * loop's scratch area, and only what data() leaves unconsumed is copied. Writes go to the socket at
 * once; only what it does not take is queued. */
#ifndef VIADUCT_BASE_CONN_H
#define VIADUCT_BASE_CONN_H

#include "base/addr.h"
#include "base/loop.h"
#include "base/tls.h"

typedef struct conn conn;

typedef enum conn_why {
    CONN_EOF,      /* orderly end by the peer (FIN, close_notify) */
    CONN_RESET,    /* ECONNRESET, EPIPE, ... */
    CONN_REFUSED,  /* connecting failed: refused, unreachable */
    CONN_TLS,      /* handshake or record failed, certificate not accepted */
    CONN_TIMEOUT,  /* connect, handshake, deadline or idle time over */
    CONN_OVERFLOW, /* slow reader filled the output queue, or unconsumed input its ceiling */
} conn_why;

const char *conn_why_name(conn_why w); /* "eof", "reset", "refused", "tls", "timeout", "overflow" */

typedef struct conn_handler {
    /* Connected, and the TLS handshake done. Not called for a connection that never gets there. */
    void (*open)(conn *c, void *arg);
    /* p, n: all bytes not consumed so far, valid during the call, and n > 0; they may be changed in
     * place. Returns how many (from the front) are done with; the rest is shown again, in front of
     * what comes next. Its result does not matter after conn_close() in the call. */
    size_t (*data)(conn *c, char *p, size_t n, void *arg);
    /* The output queue became empty after it had held something. May be NULL. */
    void (*drained)(conn *c, void *arg);
    /* detail: one line for a log, never NULL. Bytes still queued are flushed after CONN_EOF. */
    void (*closed)(conn *c, conn_why why, const char *detail, void *arg);
} conn_handler;

typedef struct conn_limits {
    size_t max_in;     /* unconsumed input, bytes */
    size_t max_out;    /* queued output, bytes */
    unsigned setup_ms; /* for connect and TLS handshake together */
} conn_limits;

/* fd is taken over, also on failure. t NULL: plain TCP. limits and h are copied resp. kept by
 * reference (h is expected to be a static table). Never NULL; a failure comes by closed(). */
conn *conn_accept(loop *l, int fd, const addr *peer, tls *t, const conn_limits *limits,
                  const conn_handler *h, void *arg);
/* from: local address to bind, or NULL. host: name or literal to verify and for SNI when t is set.
 * Bytes written before open() are queued. */
conn *conn_connect(loop *l, const addr *to, const addr *from, tls *t, const char *host,
                   const conn_limits *limits, const conn_handler *h, void *arg);
/* Hands over to another owner. From inside data(), what that call does not consume is shown to the
 * new handler at once. */
void conn_set_handler(conn *c, const conn_handler *h, void *arg);

/* 0, or -1 when nothing was taken: connection over, or queue full (closed() with CONN_OVERFLOW
 * follows from the loop). */
int conn_write(conn *c, str bytes);
size_t conn_queued(const conn *c); /* bytes not yet taken by the socket */
/* Stops or resumes reading; on resumption what was left unconsumed is shown again at once. */
void conn_pause(conn *c, bool paused);
void conn_close(conn *c);
void conn_abort(conn *c);

/* closed(CONN_TIMEOUT) when nothing was received for ms; 0: never (the default). */
void conn_idle(conn *c, uint64_t ms);
/* closed(CONN_TIMEOUT) ms from now, whatever is received; 0 lifts it. For half a request head. */
void conn_deadline(conn *c, uint64_t ms);

const addr *conn_local(const conn *c);
const addr *conn_peer(const conn *c);
bool conn_secure(const conn *c);
bool conn_is_open(const conn *c);
/* TLS facts after open(); the empty slice or "" when plain or absent. */
str conn_alpn(const conn *c);
const char *conn_sni(const conn *c);
const char *conn_tls_version(const conn *c); /* "TLSv1.3" */

#endif
