/* Writes a trace: JSON lines, first a header, then one event per line, as seen from one vantage.
 * The format is the harness's own (see the trace model of interop/viaduct). Numbering from 1, times
 * are Unix seconds with microseconds taken when the call is made: call before writing what goes
 * out, after reading what came in. Lines are gathered and written once per loop round. A recorder
 * pointer may be NULL everywhere: nothing is then recorded. */
#ifndef VIADUCT_TRANSPORT_RECORDER_H
#define VIADUCT_TRANSPORT_RECORDER_H

#include "base/addr.h"
#include "base/loop.h"

typedef struct recorder recorder;

typedef enum recorder_dir { RECORDER_NONE, RECORDER_IN, RECORDER_OUT } recorder_dir;

typedef struct recorder_event {
    const char *kind;      /* "connect", "accept", "tls", "handshake", "frame", "message", ... */
    const char *flow;      /* "wss-3" */
    const char *transport; /* "wss" */
    const addr *local;     /* NULL: null */
    const addr *remote;
    recorder_dir dir;
    str data;         /* text when valid UTF-8, else b64; absent when p is NULL */
    const char *info; /* a JSON object, or NULL for {} */
} recorder_event;

/* Creates or truncates the file. at: name of the vantage. NULL and the reason in err on failure. */
recorder *recorder_open(loop *l, const char *path, const char *at, char *err, size_t errn);
/* Once, before the first event. sut: NULL-terminated "wss:127.0.0.1:443" texts, or NULL. */
void recorder_header(recorder *r, const char *const *sut, const char *note);
void recorder_add(recorder *r, const recorder_event *e);
void recorder_note(recorder *r, const char *text); /* a note event {"text":...} */
void recorder_flush(recorder *r);
int recorder_close(recorder *r); /* flushes; -1 when any write failed (disk full) */

#endif
