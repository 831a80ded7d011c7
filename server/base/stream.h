/* The system calls of one connection: plain TCP or TLS behind the same four verbs, non-blocking,
 * each telling what came of it. For conn.c, which owns the state around them. */
#ifndef VIADUCT_BASE_STREAM_H
#define VIADUCT_BASE_STREAM_H

#include "base/tls.h"

typedef struct stream {
    int fd;
    struct ssl_st *ssl; /* NULL: plain */
} stream;

typedef enum stream_result {
    STREAM_DONE,
    STREAM_AGAIN, /* wait for the descriptor: stream_wants_write() tells for what */
    STREAM_EOF,   /* orderly end by the peer */
    STREAM_LOST,  /* reset, or another error of the system */
    STREAM_TLS,   /* TLS alert, bad record, certificate not accepted */
} stream_result;

enum { STREAM_DETAIL = 160 }; /* room for the reason of LOST and TLS */

stream_result stream_handshake(stream *s, char *detail); /* TLS only */
/* At most max bytes to p, *n of them. Short of max with stream_pending() false: nothing more now.
 */
stream_result stream_read(stream *s, char *p, size_t max, size_t *n, char *detail);
/* Writes of *n bytes what is taken; *n is that, also when the result is not DONE. */
stream_result stream_write(stream *s, const char *p, size_t *n, char *detail);
bool stream_pending(const stream *s); /* TLS holds input that no event will announce */
bool stream_wants_write(const stream *s);
/* close_notify, then FIN; TLS is over then. 0, or -1 when the connection is gone already. */
int stream_finish(stream *s);
/* Throws away what came in, below TLS. DONE: more may come; EOF; LOST. */
stream_result stream_drop(stream *s, char *scratch, size_t max);
str stream_alpn(const stream *s);            /* empty when plain or none was agreed */
const char *stream_sni(const stream *s);     /* "" when plain or absent */
const char *stream_version(const stream *s); /* "" when plain */
void stream_close(stream *s);
void stream_reset(stream *s); /* makes stream_close() send RST */

#endif
