#include "transport/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "ws/utf8.h"

enum { GATHER = 256 * 1024, LINES_MAX = 64 << 20 };

struct recorder {
    loop *l;
    int fd;
    bool failed; /* a write failed: nothing more is written */
    char *at;
    uint64_t n;
    buf lines; /* not written yet */
    loop_task task;
};

static void on_task(void *arg)
{
    recorder_flush(arg);
}

recorder *recorder_open(loop *l, const char *path, const char *at, char *err, size_t errn)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0666);
    if (fd < 0) {
        (void)snprintf(err, errn, "%s: %s", path, strerror(errno));
        return NULL;
    }
    recorder *r = mem_zalloc(1, sizeof(*r));
    r->l = l;
    r->fd = fd;
    r->at = str_dup(str_of(at));
    buf_init(&r->lines, LINES_MAX);
    loop_task_init(&r->task, on_task, r);
    return r;
}

static void quoted(buf *b, str s)
{
    buf_byte(b, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        buf_add(b, s.p + from, i - from);
        from = i + 1;
        if (c == '\r')
            buf_str(b, STR("\\r"));
        else if (c == '\n')
            buf_str(b, STR("\\n"));
        else if (c < ' ')
            buf_printf(b, "\\u%04x", c);
        else {
            buf_byte(b, '\\');
            buf_byte(b, (char)c);
        }
    }
    buf_add(b, s.p + from, s.n - from);
    buf_byte(b, '"');
}

static void member(buf *b, const char *name, const char *value)
{
    buf_printf(b, ",\"%s\":", name);
    if (value)
        quoted(b, str_of(value));
    else
        buf_str(b, STR("null"));
}

static void later(recorder *r)
{
    if (r->lines.n >= GATHER)
        recorder_flush(r);
    else
        loop_post(r->l, &r->task);
}

void recorder_header(recorder *r, const char *const *sut, const char *note)
{
    if (!r)
        return;
    buf *b = &r->lines;
    buf_str(b, STR("{\"kind\":\"trace\",\"version\":1"));
    member(b, "at", r->at);
    if (sut) {
        buf_str(b, STR(",\"sut\":["));
        for (size_t i = 0; sut[i]; i++) {
            if (i)
                buf_byte(b, ',');
            quoted(b, str_of(sut[i]));
        }
        buf_byte(b, ']');
    }
    if (note)
        member(b, "note", note);
    buf_str(b, STR("}\n"));
    later(r);
}

void recorder_add(recorder *r, const recorder_event *e)
{
    if (!r || r->failed)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char text[ADDR_TEXT];
    buf *b = &r->lines;
    buf_printf(b, "{\"n\":%llu,\"t\":%lld.%06ld", (unsigned long long)++r->n, (long long)now.tv_sec,
               now.tv_nsec / 1000);
    member(b, "at", r->at);
    member(b, "kind", e->kind);
    member(b, "flow", e->flow);
    member(b, "transport", e->transport);
    member(b, "local", e->local && e->local->family ? addr_print(e->local, text) : NULL);
    member(b, "remote", e->remote && e->remote->family ? addr_print(e->remote, text) : NULL);
    member(b, "dir", e->dir == RECORDER_IN ? "in" : e->dir == RECORDER_OUT ? "out" : NULL);
    if (e->data.p && utf8_valid(e->data)) {
        buf_str(b, STR(",\"text\":"));
        quoted(b, e->data);
    } else if (e->data.p) {
        buf_str(b, STR(",\"b64\":\""));
        digest_base64(b, e->data);
        buf_byte(b, '"');
    }
    buf_printf(b, ",\"info\":%s}\n", e->info ? e->info : "{}");
    later(r);
}

void recorder_note(recorder *r, const char *text)
{
    if (!r)
        return;
    buf info;
    buf_init(&info, LINES_MAX);
    buf_str(&info, STR("{\"text\":"));
    quoted(&info, str_of(text));
    buf_add(&info, "}", 2); /* with the NUL */
    recorder_add(r, &(recorder_event){.kind = "note", .flow = "", .info = info.p});
    buf_free(&info);
}

void recorder_flush(recorder *r)
{
    if (!r)
        return;
    size_t at = 0;
    while (!r->failed && at < r->lines.n) {
        ssize_t n = write(r->fd, r->lines.p + at, r->lines.n - at);
        if (n < 0 && errno != EINTR)
            r->failed = true;
        if (n > 0)
            at += (size_t)n;
    }
    if (buf_failed(&r->lines))
        r->failed = true;
    buf_clear(&r->lines);
}

int recorder_close(recorder *r)
{
    if (!r)
        return 0;
    recorder_flush(r);
    loop_unpost(r->l, &r->task);
    int result = close(r->fd) || r->failed ? -1 : 0;
    buf_free(&r->lines);
    free(r->at);
    free(r);
    return result;
}
