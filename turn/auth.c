/* The long-term credential mechanism (RFC 8489 9.2.4), check by check in its order. */
#include <string.h>

#include "turn/core.h"

typedef struct given {
    attr sha1, sha256, user, hash, realm, nonce, algorithm, algorithms;
    bool has_sha1, has_sha256, has_user, has_hash, has_realm, has_nonce;
    bool has_algorithm, has_algorithms;
} given;

static void collect(const stun_msg *m, given *g)
{
    g->has_sha1 = attr_find(m, ATTR_MESSAGE_INTEGRITY, &g->sha1);
    g->has_sha256 = attr_find(m, ATTR_MESSAGE_INTEGRITY_SHA256, &g->sha256);
    g->has_user = attr_find(m, ATTR_USERNAME, &g->user);
    g->has_hash = attr_find(m, ATTR_USERHASH, &g->hash);
    g->has_realm = attr_find(m, ATTR_REALM, &g->realm);
    g->has_nonce = attr_find(m, ATTR_NONCE, &g->nonce);
    g->has_algorithm = attr_find(m, ATTR_PASSWORD_ALGORITHM, &g->algorithm);
    g->has_algorithms = attr_find(m, ATTR_PASSWORD_ALGORITHMS, &g->algorithms);
}

/* The algorithm of the key, or 0 when what is said about it does not hold together: so nobody
 * between could have taken the better one off the list (bid-down, RFC 8489 9.2.1). */
static uint16_t algorithm_of(const given *g)
{
    uint16_t chosen;
    if (!g->has_algorithm && !g->has_algorithms)
        return ATTR_MD5;
    if (!g->has_algorithm || !g->has_algorithms ||
        !str_eq(g->algorithms.value, attr_algorithms()) ||
        attr_algorithm(g->algorithm.value, &chosen) ||
        (chosen != ATTR_MD5 && chosen != ATTR_SHA256))
        return 0;
    return chosen;
}

/* Of several secrets the one that signed tells itself by its key. */
static bool signed_by_one(request *r, const given *g, const integrity_key *keys, size_t n)
{
    attr_type type = g->has_sha256 ? ATTR_MESSAGE_INTEGRITY_SHA256 : ATTR_MESSAGE_INTEGRITY;
    for (size_t i = 0; i < n; i++) {
        str key = {(const char *)keys[i].p, keys[i].n};
        if (integrity_check(&r->m, type, key) == 0) {
            r->key = keys[i];
            return true;
        }
    }
    return false;
}

/* Sets r->name to the user that is meant. False when there cannot be one of that name. */
static bool named(request *r, const given *g)
{
    str name = g->user.value;
    if (!g->has_user) {
        const char *known = users_by_hash(r->t->o.who, g->hash.value);
        if (!known)
            return false;
        name = str_of(known);
    }
    if (name.n == 0 || name.n > USER_NAME_MAX || memchr(name.p, 0, name.n))
        return false;
    memcpy(r->name, name.p, name.n);
    r->name[name.n] = 0;
    return true;
}

int auth_check(request *r)
{
    given g;
    integrity_key keys[USER_KEYS_MAX];
    collect(&r->m, &g);
    if (!g.has_sha1 && !g.has_sha256) {
        answer_challenge(r, 401, "no credentials yet");
        return -1;
    }
    if ((!g.has_user && !g.has_hash) || !g.has_realm || !g.has_nonce) {
        answer_error(r, 400, "signed, but without user, realm or nonce");
        return -1;
    }
    uint16_t algorithm = algorithm_of(&g);
    if (algorithm == 0) {
        if (nonce_features(g.nonce.value) & NONCE_ALGORITHMS) {
            answer_error(r, 400, "password algorithms do not match the offer");
            return -1;
        }
        algorithm = ATTR_MD5; /* the nonce is none of ours: 438 will tell, if the rest is right */
    }
    /* TURN REST 4.2: who holds an allocation keeps it though the time of his name is over. */
    bool there = named(r, &g);
    bool holds = there && r->a && str_eq(str_of(r->a->user->name), str_of(r->name));
    size_t n =
        there ? users_keys(r->t->o.who, str_of(r->name), algorithm, holds ? 0 : r->now.unix, keys)
              : 0;
    if (n == 0) {
        answer_challenge(r, 401, "no such user, or its time is over");
        return -1;
    }
    if (!str_eq(g.realm.value, str_of(r->t->o.who->realm)) || !signed_by_one(r, &g, keys, n)) {
        answer_challenge(r, 401, "wrong password or realm");
        return -1;
    }
    if (!nonce_valid(&r->t->nonces, &r->from->client, r->now.ms, g.nonce.value)) {
        answer_challenge(r, 438, "nonce too old, or of another client");
        return -1;
    }
    r->sign = g.has_algorithm ? SIGN_SHA256 : SIGN_SHA1;
    return 0;
}
