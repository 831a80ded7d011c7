/* For tests: a transport on its own loop, with a certificate, whose handler echoes messages and
 * counts what it is told. */
#ifndef VIADUCT_TEST_RIG_H
#define VIADUCT_TEST_RIG_H

#include "test/peer.h"

#include <stdlib.h>

#include "test/certificate.h"
#include "transport/transport.h"
#include "ws/frame.h"

#define RIG_REQUEST(length, body)                                                                  \
    "MESSAGE sip:bob@sip.test SIP/2.0\r\nVia: SIP/2.0/TCP x.invalid;branch=z9hG4bK1\r\n"           \
    "Content-Length: " length "\r\n\r\n" body

static const char RIG_UPGRADE[] = "GET /sip HTTP/1.1\r\nHost: sip.test\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Protocol: sip\r\n\r\n";

typedef struct rig {
    certificate files;
    loop *l;
    tls *server, *client;
    transport *t;
    /* what the handler saw */
    unsigned opened, messages, closed, bad, unreachable;
    buf last;
    uint64_t last_id;
    char why[200];
    bool echo;
    bool tolerant; /* answers may fail: peers are gone by then */
    bool hang_up;  /* close the flow that a message came on, inside the callback */
} rig;

static inline void rig_message(flow *f, str message, void *arg)
{
    rig *x = arg;
    x->messages++;
    x->last_id = flow_id(f);
    buf_clear(&x->last);
    buf_str(&x->last, message);
    if (x->echo)
        assert_true(flow_send(f, message, NULL) == 0 || x->tolerant);
    if (x->hang_up)
        flow_close(f, 1000, "hung up");
}

static inline void rig_bad(flow *f, str head, size_t offset, const char *reason, void *arg)
{
    (void)head;
    (void)offset;
    rig *x = arg;
    x->bad++;
    snprintf(x->why, sizeof(x->why), "%s", reason);
    assert_true(flow_send(f, STR("SIP/2.0 400 Bad\r\nContent-Length: 0\r\n\r\n"), NULL) == 0 ||
                x->tolerant);
}

static inline void rig_opened(flow *f, void *arg)
{
    rig *x = arg;
    x->opened++;
    x->last_id = flow_id(f);
    assert_true(flow_is_open(f));
    assert_true(transport_find(x->t, flow_id(f)) == f);
}

static inline void rig_closed(flow *f, const char *why, void *arg)
{
    rig *x = arg;
    x->closed++;
    assert_false(flow_is_open(f));
    assert_int_equal(flow_send(f, STR("late"), NULL), -1);
    snprintf(x->why, sizeof(x->why), "%s", why);
}

static inline void rig_unreachable(flow *f, const char *why, void *arg)
{
    (void)f;
    rig *x = arg;
    x->unreachable++;
    snprintf(x->why, sizeof(x->why), "%s", why);
}

static const transport_handler RIG_HANDLER = {.message = rig_message,
                                              .bad = rig_bad,
                                              .opened = rig_opened,
                                              .closed = rig_closed,
                                              .unreachable = rig_unreachable};

/* A fresh transport with other options, in place of the one before. */
static inline void rig_renew(rig *x, transport_options o)
{
    static const char *const paths[] = {"/sip", NULL};
    transport_free(x->t);
    o.server = x->server;
    o.client = x->client;
    o.ws_paths = paths;
    x->t = transport_new(x->l, &o, &RIG_HANDLER, x);
    x->opened = x->messages = x->closed = x->bad = x->unreachable = 0;
}

static inline int rig_set_up(void **state)
{
    rig *x = calloc(1, sizeof(*x));
    char err[300];
    certificate_make(&x->files);
    x->l = loop_new();
    x->server = tls_server(x->files.cert, x->files.key, NULL, err, sizeof(err));
    x->client = tls_client(x->files.ca, err, sizeof(err));
    assert_non_null(x->server);
    assert_non_null(x->client);
    buf_init(&x->last, 1 << 20);
    x->echo = true;
    rig_renew(x, (transport_options){0});
    *state = x;
    return 0;
}

static inline int rig_tear_down(void **state)
{
    rig *x = *state;
    transport_free(x->t);
    loop_free(x->l);
    tls_free(x->server);
    tls_free(x->client);
    certificate_remove(&x->files);
    buf_free(&x->last);
    free(x);
    return 0;
}

static inline const listener *rig_listen(rig *x, const char *spec)
{
    char err[300] = "";
    const listener *li = transport_listen(x->t, spec, err, sizeof(err));
    if (!li)
        fail_msg("%s", err);
    return li;
}

static inline void rig_dial(rig *x, peer *p, const listener *li)
{
    bool secure = li->kind == LISTEN_TLS || li->kind == LISTEN_WSS || li->kind == LISTEN_SECURE;
    peer_dial(p, x->l, &li->at, secure ? x->client : NULL, NULL);
}

/* A masked client frame. */
static inline void rig_frame(peer *p, uint8_t opcode, bool fin, str payload)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    buf b;
    buf_init(&b, 1 << 20);
    frame_write(&b, opcode, fin, payload, key);
    peer_send(p, buf_slice(&b));
    buf_free(&b);
}

#endif
