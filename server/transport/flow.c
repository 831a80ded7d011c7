#include "transport/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "transport/inside.h"

static const struct {
    const char *name, *via;
    bool reliable, secure;
} KINDS[FLOW_KINDS] = {
    [FLOW_UDP] = {"udp", "UDP", false, false}, [FLOW_TCP] = {"tcp", "TCP", true, false},
    [FLOW_TLS] = {"tls", "TLS", true, true},   [FLOW_WS] = {"ws", "WS", true, false},
    [FLOW_WSS] = {"wss", "WSS", true, true},
};

const char *flow_kind_name(flow_kind k)
{
    return KINDS[k].name;
}

const char *flow_kind_via(flow_kind k)
{
    return KINDS[k].via;
}

bool flow_kind_reliable(flow_kind k)
{
    return KINDS[k].reliable;
}

bool flow_kind_secure(flow_kind k)
{
    return KINDS[k].secure;
}

uint64_t flow_id(const flow *f)
{
    return f->id;
}

const char *flow_name(const flow *f)
{
    return f->name;
}

flow_kind flow_kind_of(const flow *f)
{
    return (flow_kind)f->kind;
}

const addr *flow_local(const flow *f)
{
    return &f->local;
}

const addr *flow_remote(const flow *f)
{
    return &f->remote;
}

const listener *flow_listener(const flow *f)
{
    return f->li;
}

bool flow_is_open(const flow *f)
{
    return f->state == FLOW_OPEN;
}

void flow_set_user(flow *f, void *user)
{
    f->user = user;
}

void *flow_user(const flow *f)
{
    return f->user;
}

int flow_send(flow *f, str message, const char **why)
{
    const char *unused;
    if (!why)
        why = &unused;
    if (f->state >= FLOW_CLOSING) {
        *why = "flow is closed";
        return -1;
    }
    int result = f->ops->send(f, message, why);
    if (result == 0)
        f->t->counts.messages_out++;
    log_debug("flow", "send", "flow=%s bytes=%zu result=%s", f->name, message.n,
              result ? *why : "ok");
    return result;
}

void flow_close(flow *f, unsigned code, const char *why)
{
    if (f->state < FLOW_CLOSING)
        f->ops->close(f, code, why);
}

/* ---- tables ---- */

static flow **id_bucket(const transport *t, uint64_t id)
{
    return &t->by_id[(id * 0x9e3779b97f4a7c15u >> 20) & (t->bucket_count - 1)];
}

static flow **peer_bucket(const transport *t, uint8_t kind, const addr *remote)
{
    return &t->by_peer[(addr_hash(remote, t->seed) + kind) & (t->bucket_count - 1)];
}

static void enter(transport *t, flow *f)
{
    flow **at = id_bucket(t, f->id);
    f->next_id = *at;
    *at = f;
    at = peer_bucket(t, f->kind, &f->remote);
    f->next_peer = *at;
    *at = f;
}

static void grow(transport *t)
{
    flow **old = t->by_id;
    size_t n = t->bucket_count;
    t->bucket_count = n ? n * 2 : 64;
    free(t->by_peer);
    t->by_id = mem_zalloc(t->bucket_count, sizeof(flow *));
    t->by_peer = mem_zalloc(t->bucket_count, sizeof(flow *));
    for (size_t i = 0; i < n; i++) {
        flow *next;
        for (flow *f = old[i]; f; f = next) {
            next = f->next_id;
            enter(t, f);
        }
    }
    free(old);
}

static void leave(transport *t, flow *f)
{
    flow **at = id_bucket(t, f->id);
    while (*at != f)
        at = &(*at)->next_id;
    *at = f->next_id;
    at = peer_bucket(t, f->kind, &f->remote);
    while (*at != f)
        at = &(*at)->next_peer;
    *at = f->next_peer;
    t->flow_count--;
}

flow *transport_find(const transport *t, uint64_t id)
{
    if (!t->bucket_count)
        return NULL;
    flow *f = *id_bucket(t, id);
    while (f && f->id != id)
        f = f->next_id;
    return f && f->state != FLOW_GONE ? f : NULL;
}

flow *flow_by_peer(const transport *t, flow_kind k, const addr *remote, const listener *li,
                   const addr *local, const char *host)
{
    if (!t->bucket_count)
        return NULL;
    for (flow *f = *peer_bucket(t, (uint8_t)k, remote); f; f = f->next_peer) {
        if (f->kind != k || f->state >= FLOW_CLOSING || !addr_eq(&f->remote, remote))
            continue;
        if ((li && f->li != li) || (local && !addr_eq(&f->local, local)))
            continue;
        /* A TLS connection may only stand for the name that was verified on it. */
        if (host && !(f->host && str_ieq(str_of(f->host), str_of(host))))
            continue;
        return f;
    }
    return NULL;
}

void transport_each(transport *t, void (*fn)(flow *f, void *arg), void *arg)
{
    for (size_t i = 0; i < t->bucket_count; i++)
        for (flow *f = t->by_id[i]; f; f = f->next_id)
            if (f->state != FLOW_GONE)
                fn(f, arg);
}

/* ---- life ---- */

static void on_task(void *arg)
{
    flow_finish(arg);
}

void flow_begin(flow *f, transport *t, flow_kind k, const flow_ops *ops, const listener *li,
                conn *c, const addr *local, const addr *remote)
{
    f->id = t->next_id++;
    f->t = t;
    f->ops = ops;
    f->li = li;
    f->c = c;
    f->kind = (uint8_t)k;
    f->local = *local;
    f->remote = *remote;
    loop_task_init(&f->task, on_task, f);
    (void)snprintf(f->name, sizeof(f->name), "%s-%llu", KINDS[k].name,
                   (unsigned long long)++t->numbers);
    if (++t->flow_count > t->bucket_count)
        grow(t);
    enter(t, f);
    if (log_on(LOG_INFO)) {
        char here[ADDR_TEXT], there[ADDR_TEXT];
        log_event(LOG_INFO, "flow", li ? "new" : "dial", "flow=%s local=%s remote=%s", f->name,
                  addr_print(local, here), addr_print(remote, there));
    }
}

void flow_end(flow *f, const char *why)
{
    if (f->state == FLOW_GONE)
        return;
    f->state = FLOW_GONE;
    if (!f->why) /* the first reason counts: of a flow that was closing, why it was closed */
        f->why = str_dup(str_of(why));
    log_info("flow", "end", "flow=%s why=\"%s\"", f->name, f->why);
    if (f->c)
        conn_close(f->c);
    f->c = NULL;
    loop_post(f->t->l, &f->task);
}

void flow_finish(flow *f)
{
    transport *t = f->t;
    loop_unpost(t->l, &f->task);
    t->h.closed(f, f->why, t->arg);
    leave(t, f);
    if (f->accepted)
        t->connections--;
    if (f->ops->release)
        f->ops->release(f);
    free(f->why);
    free(f->host);
    free(f);
}

void flow_record(flow *f, const char *kind, recorder_dir dir, str data, const char *info)
{
    if (!f->t->o.trace)
        return;
    recorder_add(f->t->o.trace, &(recorder_event){.kind = kind,
                                                  .flow = f->name,
                                                  .transport = KINDS[f->kind].name,
                                                  .local = &f->local,
                                                  .remote = &f->remote,
                                                  .dir = dir,
                                                  .data = data,
                                                  .info = info});
}

/* Only what a name may hold goes into a JSON string unquoted. */
static bool plain_text(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == 0x7f)
            return false;
    return true;
}

void flow_record_open(flow *f, const char *kind)
{
    if (!f->t->o.trace)
        return;
    char info[400] = "{}";
    if (conn_secure(f->c)) {
        str alpn = conn_alpn(f->c), sni = str_of(conn_sni(f->c));
        (void)snprintf(info, sizeof(info), "{\"tls\":\"%s\",\"alpn\":\"%.*s\",\"sni\":\"%.*s\"}",
                       conn_tls_version(f->c), plain_text(alpn) ? (int)alpn.n : 0, alpn.p,
                       plain_text(sni) ? (int)sni.n : 0, sni.p);
    }
    flow_record(f, kind, RECORDER_NONE, (str){NULL, 0}, info);
}

void flow_record_close(flow *f, const char *why, unsigned code)
{
    char info[60];
    if (code)
        (void)snprintf(info, sizeof(info), "{\"why\":\"%s\",\"code\":%u}", why, code);
    else
        (void)snprintf(info, sizeof(info), "{\"why\":\"%s\"}", why);
    flow_record(f, "close", RECORDER_NONE, (str){NULL, 0}, info);
}

void flow_message(flow *f, str message, const char *info)
{
    transport *t = f->t;
    t->counts.messages_in++;
    flow_record(f, "message", RECORDER_IN, message, info);
    log_debug("flow", "message", "flow=%s bytes=%zu", f->name, message.n);
    t->h.message(f, message, t->arg);
}
