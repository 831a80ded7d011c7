/* The contacts of a REGISTER, parsed and checked (RFC 3261 10.3 steps 6 and 7, RFC 5626 section 6).
 */
#ifndef VIADUCT_PROXY_CONTACT_H
#define VIADUCT_PROXY_CONTACT_H

#include "proxy/location.h"
#include "sip/message.h"

typedef struct contact {
    sip_addr at;
    bool has_expires;
    uint32_t expires; /* seconds; valid with has_expires */
    unsigned q;       /* thousandths, 1000 when not given */
    str instance;     /* within the quotes and angle brackets; empty when none */
    uint32_t reg_id;  /* 0: none, or none that counts */
    binding *same;    /* the binding that it updates, NULL for a new one */
} contact;

typedef struct contact_list {
    size_t n;
    bool star;
    contact v[LOCATION_MAX_BINDINGS];
} contact_list;

/* 0, or -1 and what is wrong, fit for a reason phrase. */
int contact_parse(const sip_message *m, contact_list *out, const char **why);

/* Seconds of an expires value; anything malformed counts as 3600 (RFC 3261 10.2.1.1, 20.10). */
uint32_t contact_seconds(str text);

/* Appends the header parameters of a contact as they were sent, all but expires. */
void contact_params(const contact *c, buf *out);

/* The same instance-id: urn:uuid without regard to case (RFC 4122 section 3), others with. */
bool contact_same_instance(str a, str b);

#endif
