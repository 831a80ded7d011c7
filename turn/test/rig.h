/* For tests of the core: a server without sockets, whose answers, relays and datagrams to peers are
 * kept for looking at, and a client that signs. */
#ifndef VIADUCT_TURN_TEST_RIG_H
#define VIADUCT_TURN_TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "turn/nonce.h"
#include "turn/turn.h"

enum { NO_ANSWER = -1, SUCCESS = 0 };

typedef struct fake_relay {
    struct fake_relay *next;
    addr at;
    void *owner;
} fake_relay;

typedef struct rig {
    turn *t;
    users who;
    policy peers;
    turn_options o;
    turn_time now;
    turn_path path;
    buf req, answer;  /* the request being written, the last that went to a client */
    unsigned answers; /* how many did */
    turn_path answered;
    bool answered_data;
    fake_relay *relays; /* open now, newest first */
    unsigned open, sends;
    addr from, to; /* of the last datagram to a peer */
    buf payload;
    bool df;
    char nonce[NONCE_SIZE];
} rig;

static inline addr rig_addr(const char *text)
{
    addr a;
    assert_int_equal(addr_parse(&a, str_of(text)), 0);
    return a;
}

static inline void rig_to_client(const turn_path *to, str bytes, bool data, void *arg)
{
    rig *x = arg;
    buf_clear(&x->answer);
    buf_str(&x->answer, bytes);
    x->answers++;
    x->answered = *to;
    x->answered_data = data;
}

static inline void *rig_open(const addr *at, void *owner, void *arg)
{
    rig *x = arg;
    fake_relay *r = mem_zalloc(1, sizeof(*r));
    *r = (fake_relay){.next = x->relays, .at = *at, .owner = owner};
    x->relays = r;
    x->open++;
    return r;
}

static inline void rig_close(void *relay, void *arg)
{
    rig *x = arg;
    fake_relay **at = &x->relays;
    while (*at != relay)
        at = &(*at)->next;
    *at = (*at)->next;
    x->open--;
    free(relay);
}

static inline void rig_send(void *relay, const addr *peer, str data, bool df, void *arg)
{
    rig *x = arg;
    x->from = ((fake_relay *)relay)->at;
    x->to = *peer;
    x->df = df;
    x->sends++;
    buf_clear(&x->payload);
    buf_str(&x->payload, data);
}

static const turn_io RIG_IO = {.to_client = rig_to_client,
                               .relay_open = rig_open,
                               .relay_close = rig_close,
                               .relay_send = rig_send};

/* Sets everything up but the server, so that a test may change the options. */
static inline void rig_prepare(rig *x)
{
    *x = (rig){.now = {.ms = 1000000, .unix = 1700000000}};
    users_init(&x->who, "example.org");
    assert_null(users_add(&x->who, STR("alice:secret")));
    assert_null(users_add(&x->who, STR("bob:secret")));
    turn_defaults(&x->o);
    x->o.who = &x->who;
    x->o.peers = &x->peers;
    x->o.relay[0] = rig_addr("198.51.100.1:0");
    x->o.relay[1] = rig_addr("[2001:db8::1]:0");
    x->o.software = "test";
    x->path = (turn_path){.client = rig_addr("192.0.2.10:5000"),
                          .server = rig_addr("198.51.100.1:3478"),
                          .transport = TURN_UDP};
    buf_init(&x->req, 1 << 16);
    buf_init(&x->answer, 1 << 17);
    buf_init(&x->payload, 1 << 17);
}

static inline void rig_start(rig *x)
{
    x->t = turn_new(&x->o, &RIG_IO, x);
    policy_listening(&x->peers, &x->path.server);
}

static inline void rig_end(rig *x)
{
    turn_free(x->t);
    assert_int_equal(x->open, 0);
    users_free(&x->who);
    policy_free(&x->peers);
    buf_free(&x->req);
    buf_free(&x->answer);
    buf_free(&x->payload);
}

static inline void rig_begin(rig *x)
{
    rig_prepare(x);
    rig_start(x);
}

/* ---- the client ---- */

static inline buf *req(rig *x, stun_method method)
{
    buf_clear(&x->req);
    stun_begin(&x->req, STUN_REQUEST, method, NULL);
    return &x->req;
}

static inline buf *req_allocate(rig *x)
{
    buf *b = req(x, STUN_ALLOCATE);
    attr_add_u32(b, ATTR_REQUESTED_TRANSPORT, 17u << 24);
    return b;
}

static inline bool answer_find(rig *x, attr_type type, attr *a, stun_msg *m)
{
    assert_int_equal(stun_parse(buf_slice(&x->answer), m), 0);
    return attr_find(m, type, a);
}

static inline bool answer_has(rig *x, attr_type type)
{
    attr a;
    stun_msg m;
    return answer_find(x, type, &a, &m);
}

static inline addr answer_addr(rig *x, attr_type type)
{
    attr a;
    stun_msg m;
    addr out = {.port = 0};
    assert_true(answer_find(x, type, &a, &m));
    assert_int_equal(attr_xor_address(a.value, &m, &out), 0);
    return out;
}

static inline uint32_t answer_u32(rig *x, attr_type type)
{
    attr a;
    stun_msg m;
    uint32_t v = 0;
    assert_true(answer_find(x, type, &a, &m));
    assert_int_equal(attr_u32(a.value, &v), 0);
    return v;
}

/* Sends what was written: SUCCESS, an error code, or NO_ANSWER. Keeps the nonce of challenges. */
static inline int submit(rig *x)
{
    unsigned before = x->answers;
    attr a;
    stun_msg m, mine;
    unsigned code;
    str reason;
    assert_false(buf_failed(&x->req));
    turn_input(x->t, &x->path, buf_slice(&x->req), x->now);
    if (x->answers == before)
        return NO_ANSWER;
    assert_int_equal(x->answers, before + 1);
    if (answer_find(x, ATTR_NONCE, &a, &m) && a.value.n == NONCE_SIZE)
        memcpy(x->nonce, a.value.p, NONCE_SIZE);
    assert_int_equal(stun_parse(buf_slice(&x->req), &mine), 0);
    assert_int_equal(m.method, mine.method);
    assert_memory_equal(m.tid, mine.tid, STUN_TID);
    if (m.class == STUN_SUCCESS)
        return SUCCESS;
    assert_int_equal(m.class, STUN_ERROR);
    assert_true(attr_find(&m, ATTR_ERROR_CODE, &a));
    assert_int_equal(attr_error(a.value, &code, &reason), 0);
    return (int)code;
}

static inline void add_credentials(rig *x, const char *name)
{
    attr_add(&x->req, ATTR_USERNAME, str_of(name));
    attr_add(&x->req, ATTR_REALM, STR("example.org"));
    attr_add(&x->req, ATTR_NONCE, (str){x->nonce, NONCE_SIZE});
}

static inline void add_integrity(rig *x, const char *name, const char *password, attr_type type,
                                 uint16_t algorithm)
{
    integrity_key k;
    integrity_long_term(&k, algorithm, str_of(name), STR("example.org"), str_of(password));
    integrity_add(&x->req, type, (str){(const char *)k.p, k.n});
}

/* Signs as an RFC 5389 client does, and sends. */
static inline int ask_as(rig *x, const char *name, const char *password)
{
    add_credentials(x, name);
    add_integrity(x, name, password, ATTR_MESSAGE_INTEGRITY, ATTR_MD5);
    return submit(x);
}

static inline int ask(rig *x)
{
    return ask_as(x, "alice", "secret");
}

/* A nonce for the present path. */
static inline void challenge(rig *x)
{
    req_allocate(x);
    assert_int_equal(submit(x), 401);
}

static inline void allocated(rig *x)
{
    challenge(x);
    req_allocate(x);
    assert_int_equal(ask(x), SUCCESS);
}

static inline int permit(rig *x, const char *peer)
{
    addr a = rig_addr(peer);
    attr_add_xor_address(req(x, STUN_CREATE_PERMISSION), ATTR_XOR_PEER_ADDRESS, &a);
    return ask(x);
}

static inline int bind_channel(rig *x, uint16_t number, const char *peer)
{
    addr a = rig_addr(peer);
    attr_add_channel(req(x, STUN_CHANNEL_BIND), number);
    attr_add_xor_address(&x->req, ATTR_XOR_PEER_ADDRESS, &a);
    return ask(x);
}

static inline int refresh(rig *x, uint32_t lifetime)
{
    attr_add_u32(req(x, STUN_REFRESH), ATTR_LIFETIME, lifetime);
    return ask(x);
}

/* Send indication; true when a datagram left for a peer. */
static inline bool sends(rig *x, const char *peer, str data, bool df)
{
    unsigned before = x->sends, answers = x->answers;
    addr a = rig_addr(peer);
    buf_clear(&x->req);
    stun_begin(&x->req, STUN_INDICATION, STUN_SEND, NULL);
    attr_add_xor_address(&x->req, ATTR_XOR_PEER_ADDRESS, &a);
    attr_add(&x->req, ATTR_DATA, data);
    if (df)
        attr_add(&x->req, ATTR_DONT_FRAGMENT, (str){NULL, 0});
    turn_input(x->t, &x->path, buf_slice(&x->req), x->now);
    assert_int_equal(x->answers, answers);
    return x->sends > before;
}

static inline bool sends_on(rig *x, uint16_t number, str data)
{
    unsigned before = x->sends, answers = x->answers;
    buf_clear(&x->req);
    stun_channel_write(&x->req, number, data, false);
    turn_input(x->t, &x->path, buf_slice(&x->req), x->now);
    assert_int_equal(x->answers, answers);
    return x->sends > before;
}

/* Data of a peer to the newest relay; true when something went to the client. */
static inline bool comes_from(rig *x, const char *peer, str data)
{
    unsigned before = x->answers;
    addr a = rig_addr(peer);
    turn_peer_data(x->t, x->relays->owner, &a, data, x->now);
    return x->answers > before;
}

#endif
