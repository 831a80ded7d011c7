#include "turn/user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LINE_MAX_BYTES = 2048 };

void users_init(users *u, const char *realm)
{
    *u = (users){.realm = str_dup(str_of(realm))};
}

void users_free(users *u)
{
    for (size_t i = 0; i < u->n; i++)
        free(u->v[i].name);
    for (size_t i = 0; i < u->secret_count; i++)
        free(u->secrets[i]);
    free(u->v);
    free(u->realm);
    *u = (users){0};
}

static const user *find(const users *u, str name)
{
    for (size_t i = 0; i < u->n; i++)
        if (str_eq(name, str_of(u->v[i].name)))
            return &u->v[i];
    return NULL;
}

const char *users_add(users *u, str text)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon == text.n)
        return "not of the form NAME:PASSWORD";
    str name = str_sub(text, 0, colon - 1), password = str_sub(text, colon, text.n);
    if (name.n > USER_NAME_MAX)
        return "the name is too long";
    if (find(u, name))
        return "the user is there already";
    str realm = str_of(u->realm);
    u->v = mem_realloc(u->v, (u->n + 1) * sizeof(*u->v));
    user *one = &u->v[u->n++];
    one->name = str_dup(name);
    integrity_userhash(one->hash, name, realm);
    integrity_long_term(&one->md5, ATTR_MD5, name, realm, password);
    integrity_long_term(&one->sha256, ATTR_SHA256, name, realm, password);
    return NULL;
}

int users_file(users *u, const char *path, char *err, size_t errn)
{
    char line[LINE_MAX_BYTES];
    FILE *f = fopen(path, "re");
    if (!f) {
        (void)snprintf(err, errn, "%s: %s", path, strerror(errno));
        return -1;
    }
    int result = 0;
    for (unsigned number = 1; !result && fgets(line, sizeof(line), f); number++) {
        str text = str_of(line);
        bool whole = text.n + 1 < sizeof(line) || line[text.n - 1] == '\n';
        text = str_trim(text);
        const char *why = NULL;
        if (!whole)
            why = "the line is too long";
        else if (text.n && text.p[0] != '#')
            why = users_add(u, text);
        if (why) {
            (void)snprintf(err, errn, "%s:%u: %s", path, number, why);
            result = -1;
        }
    }
    if (!result && ferror(f)) {
        (void)snprintf(err, errn, "%s: %s", path, strerror(errno));
        result = -1;
    }
    fclose(f);
    return result;
}

const char *users_secret(users *u, const char *secret)
{
    if (u->secret_count == USER_SECRETS_MAX)
        return "more than 8 secrets";
    u->secrets[u->secret_count++] = str_dup(str_of(secret));
    return NULL;
}

/* The time until which an ephemeral name is good; 0 when it is none. */
static uint64_t expiry(str name)
{
    uint64_t at;
    size_t colon = str_chr(name, ':', 0);
    return str_u64(str_sub(name, 0, colon), UINT64_MAX, &at) ? 0 : at;
}

size_t users_keys(const users *u, str name, uint16_t algorithm, uint64_t unix_now,
                  integrity_key out[USER_KEYS_MAX])
{
    const user *one = find(u, name);
    if (one) {
        out[0] = algorithm == ATTR_SHA256 ? one->sha256 : one->md5;
        return 1;
    }
    uint64_t until = expiry(name);
    if (until == 0 || until <= unix_now)
        return 0;
    for (size_t i = 0; i < u->secret_count; i++) {
        uint8_t mac[DIGEST_SHA1];
        buf password;
        buf_init(&password, 64);
        digest_hmac_sha1(str_of(u->secrets[i]), name, mac);
        digest_base64(&password, (str){(const char *)mac, sizeof(mac)});
        integrity_long_term(&out[i], algorithm, name, str_of(u->realm), buf_slice(&password));
        buf_free(&password);
    }
    return u->secret_count;
}

const char *users_by_hash(const users *u, str hash)
{
    for (size_t i = 0; i < u->n && hash.n == DIGEST_SHA256; i++)
        if (memcmp(u->v[i].hash, hash.p, hash.n) == 0)
            return u->v[i].name;
    return NULL;
}
