/* The whole path of a server: packets of one client, each behind two bytes that give its length,
 * and how long it comes after the one before. With the top bit set it is signed first, so that the
 * fuzzer gets behind the credentials; a peer answers each. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "turn/nonce.h"
#include "turn/turn.h"

typedef struct world {
    void *owner; /* of the newest open relay */
    char nonce[NONCE_SIZE];
} world;

static void to_client(const turn_path *to, str bytes, bool data, void *arg)
{
    world *w = arg;
    stun_msg m;
    attr a;
    (void)to;
    (void)data;
    if (stun_frame(bytes) > (long)bytes.n)
        abort();
    if (stun_parse(bytes, &m) == 0) {
        if (attr_check(&m))
            abort();
        if (attr_find(&m, ATTR_NONCE, &a) && a.value.n == NONCE_SIZE)
            memcpy(w->nonce, a.value.p, NONCE_SIZE);
    }
}

static void *open_relay(const addr *at, void *owner, void *arg)
{
    world *w = arg;
    void **r = mem_alloc(sizeof(*r));
    (void)at;
    *r = owner;
    w->owner = owner;
    return r;
}

static void close_relay(void *r, void *arg)
{
    world *w = arg;
    if (*(void **)r == w->owner)
        w->owner = NULL;
    free(r);
}

static void send_relay(void *r, const addr *peer, str data, bool df, void *arg)
{
    (void)r;
    (void)df;
    (void)arg;
    if (peer->family != AF_INET && peer->family != AF_INET6)
        abort();
    if (data.n > STUN_MAX)
        abort();
}

static const turn_io IO = {.to_client = to_client,
                           .relay_open = open_relay,
                           .relay_close = close_relay,
                           .relay_send = send_relay};

/* The request with credentials behind what it has. */
static void sign(const world *w, str packet, buf *out)
{
    integrity_key k;
    buf_str(out, packet);
    if (out->n < STUN_HEADER || out->n % 4)
        return;
    stun_set_length(out, out->n - STUN_HEADER);
    attr_add(out, ATTR_USERNAME, STR("u"));
    attr_add(out, ATTR_REALM, STR("r"));
    attr_add(out, ATTR_NONCE, (str){w->nonce, NONCE_SIZE});
    integrity_long_term(&k, ATTR_MD5, STR("u"), STR("r"), STR("p"));
    integrity_add(out, ATTR_MESSAGE_INTEGRITY, (str){(const char *)k.p, k.n});
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    world w = {.owner = NULL};
    users who;
    policy peers = {0};
    turn_options o;
    turn_time now = {.ms = 1000, .unix = 1};
    turn_path path = {.transport = n % 2 ? TURN_TCP : TURN_UDP};
    addr peer;
    users_init(&who, "r");
    if (users_add(&who, STR("u:p")))
        abort();
    turn_defaults(&o);
    o.who = &who;
    o.peers = &peers;
    (void)addr_parse(&o.relay[0], STR("198.51.100.1:0"));
    (void)addr_parse(&o.relay[1], STR("[2001:db8::1]:0"));
    (void)addr_parse(&path.client, STR("192.0.2.1:1"));
    (void)addr_parse(&path.server, STR("198.51.100.1:3478"));
    (void)addr_parse(&peer, STR("203.0.113.1:1"));
    turn *t = turn_new(&o, &IO, &w);
    turn_input(t, &path,
               (str){"\0\3\0\0\x21\x12\xa4\x42"
                     "abcdefghijkl",
                     20},
               now);
    while (n >= 2) {
        size_t size = (size_t)(p[0] << 8 | p[1]) & 0x3FF;
        bool is_signed = p[0] & 0x80;
        now.ms += (uint64_t)(p[0] & 0x7C) * 1000;
        p += 2;
        n -= 2;
        size = size < n ? size : n;
        buf packet;
        buf_init(&packet, 4096);
        if (is_signed)
            sign(&w, (str){(const char *)p, size}, &packet);
        else
            buf_add(&packet, p, size);
        turn_input(t, &path, buf_slice(&packet), now);
        buf_free(&packet);
        if (w.owner)
            turn_peer_data(t, w.owner, &peer, (str){(const char *)p, size}, now);
        if (w.owner)
            turn_peer_icmp(t, w.owner, &peer, 3, 4, 1500, now);
        p += size;
        n -= size;
    }
    turn_expire(t, now);
    turn_free(t);
    users_free(&who);
    policy_free(&peers);
    return 0;
}
