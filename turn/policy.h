/* Which peers data may be relayed to (RFC 8656 21.1.4, 21.4). Refused unless opened by name: loop-
 * back, unspecified, link-local, private, shared, unique-local, multicast and reserved ranges, IPv6
 * forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo), and the server's own
 * addresses but for relayed ports on them, so that two clients of this server reach each other. */
#ifndef VIADUCT_TURN_POLICY_H
#define VIADUCT_TURN_POLICY_H

#include "base/addr.h"

typedef struct policy_range {
    addr at;
    unsigned bits;
} policy_range;

typedef struct policy {
    policy_range *allowed, *denied;
    size_t allowed_count, denied_count;
    addr *listening, *relaying; /* listening with ports */
    size_t listening_count, relaying_count;
    uint16_t low, high; /* relayed ports */
} policy;

/* "192.0.2.0/24", "2001:db8::/32", or one address. 0, or -1. */
int policy_parse(str text, policy_range *out);
bool policy_within(const policy_range *r, const addr *a);

void policy_free(policy *p);
void policy_allow(policy *p, const policy_range *r);
void policy_deny(policy *p, const policy_range *r); /* beats policy_allow() */
void policy_listening(policy *p, const addr *a);
void policy_relaying(policy *p, const addr *a);

/* NULL when data may go to that peer, or in words why not. port 0: is the address good at all, as
 * permissions ask? */
const char *policy_refuses(const policy *p, const addr *peer);
/* The part of it that looks at ports, for a peer whose address has a permission. */
const char *policy_refuses_port(const policy *p, const addr *peer);
/* 6to4 and Teredo, which no client may come from either (RFC 8656 21.4). */
bool policy_tunnelled(const addr *a);

#endif
