/* Who may use the server: named users with their keys, and ephemeral users of shared secrets (the
 * TURN REST draft: name "EXPIRY" or "EXPIRY:ID", password base64(HMAC-SHA1(secret, name))). Several
 * secrets are live at a time, so that they can be rotated. */
#ifndef VIADUCT_TURN_USER_H
#define VIADUCT_TURN_USER_H

#include "turn/integrity.h"

enum { USER_NAME_MAX = 763, USER_SECRETS_MAX = 8, USER_KEYS_MAX = USER_SECRETS_MAX };

typedef struct user {
    char *name;
    uint8_t hash[DIGEST_SHA256];
    integrity_key md5, sha256;
} user;

typedef struct users {
    char *realm;
    user *v;
    size_t n;
    char *secrets[USER_SECRETS_MAX];
    size_t secret_count;
} users;

void users_init(users *u, const char *realm);
void users_free(users *u);
/* "NAME:PASSWORD"; the name ends at the last colon when it has some, as ephemeral ones have.
 * NULL, or a reason. */
const char *users_add(users *u, str name_and_password);
/* A file of such lines; empty ones and those that begin with # are skipped. 0, or -1 and a reason
 * that names file and line. */
int users_file(users *u, const char *path, char *err, size_t errn);
const char *users_secret(users *u, const char *secret); /* NULL, or a reason */

/* The keys that this user may have signed with, at most USER_KEYS_MAX: 0 when there is no such
 * user, or an ephemeral one whose time is over. unix_now: seconds; 0 lets a time that is over pass,
 * for one who holds an allocation (TURN REST 4.2). */
size_t users_keys(const users *u, str name, uint16_t algorithm, uint64_t unix_now,
                  integrity_key out[USER_KEYS_MAX]);
const char *users_by_hash(const users *u, str hash); /* the name, or NULL */

#endif
