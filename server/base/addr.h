/* An IP address with a port: IPv4 or IPv6, a plain value that can be copied and compared. Names
 * are never resolved here. Text forms are those of SIP and URIs: "192.0.2.1:5060" and
 * "[2001:db8::1]:5060" (RFC 3986 3.2.2, RFC 5952 for the shortest IPv6 form). */
#ifndef VIADUCT_BASE_ADDR_H
#define VIADUCT_BASE_ADDR_H

#include <sys/socket.h>

#include "base/str.h"

typedef struct addr {
    uint8_t ip[16];  /* network order; IPv4 uses the first 4, the rest is zero */
    uint32_t scope;  /* IPv6 link-local scope, else 0 */
    uint16_t port;   /* host order */
    uint16_t family; /* AF_INET, AF_INET6, or 0: no address */
} addr;

enum { ADDR_TEXT = 72 }; /* room for any text form with its NUL */

/* "host:port" with the host a literal; port 0..65535 is mandatory. 0, or -1 and *a unchanged. */
int addr_parse(addr *a, str text);
/* A literal host, IPv6 with or without brackets, and a port. 0, or -1 and *a unchanged. */
int addr_parse_host(addr *a, str host, uint16_t port);
bool addr_is_literal(str host); /* would addr_parse_host() take it? */

/* Each writes NUL-terminated text to out (ADDR_TEXT bytes) and returns out; "-" for no address. */
char *addr_print(const addr *a, char *out);      /* "192.0.2.1:5060", "[::1]:5060" */
char *addr_print_host(const addr *a, char *out); /* "192.0.2.1", "[::1]": host of a URI or Via */
char *addr_print_ip(const addr *a, char *out);   /* "192.0.2.1", "::1": value of received= */

bool addr_eq(const addr *a, const addr *b);      /* family, address, port, scope */
bool addr_same_ip(const addr *a, const addr *b); /* the same without the port */
bool addr_is_any(const addr *a);                 /* 0.0.0.0 or :: */
uint64_t addr_hash(const addr *a, uint64_t seed);

/* Conversion; IPv4-mapped IPv6 becomes IPv4, a family other than the two becomes no address. */
socklen_t addr_to_sockaddr(const addr *a, struct sockaddr_storage *out);
addr addr_of_sockaddr(const struct sockaddr *sa);

#endif
