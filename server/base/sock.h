/* Sockets: non-blocking, close-on-exec, IPv6 ones for IPv6 only, listeners with SO_REUSEADDR, TCP
 * with TCP_NODELAY. Each function that makes one returns a descriptor that the caller closes, or
 * -errno. Port 0 lets the system choose; *bound is then what it chose. */
#ifndef VIADUCT_BASE_SOCK_H
#define VIADUCT_BASE_SOCK_H

#include "base/addr.h"

int sock_listen(const addr *at, addr *bound); /* TCP, listening */
int sock_accept(int fd, addr *peer);          /* -EAGAIN when nobody waits */
/* TCP, connect begun: writable when decided, then sock_error() tells. from may be NULL. */
int sock_connect(const addr *to, const addr *from);
/* UDP, bound, with a large receive buffer. ICMP errors are queued for sock_udp_error(). */
int sock_udp(const addr *at, addr *bound);
/* Raises the process's soft limit of open descriptors to the hard one; how many that makes. */
unsigned long sock_raise_limit(void);
addr sock_local(int fd); /* no address on error */
addr sock_peer(int fd);
int sock_error(int fd); /* takes SO_ERROR: 0 or an errno */

/* One datagram: bytes received (may be 0), or -errno; -EMSGSIZE when it is longer than max. */
long sock_udp_recv(int fd, void *p, size_t max, addr *from);
int sock_udp_send(int fd, const void *p, size_t n, const addr *to); /* 0 or -errno */
/* The same with the local address. *to is where the datagram was sent: the bound address, or on a
 * socket bound to 0.0.0.0 or :: the very address, so that the answer can leave from there (RFC 3581
 * 4). from, NULL for any, counts on such a socket only. */
long sock_udp_recv_to(int fd, const addr *bound, void *p, size_t max, addr *from, addr *to);
int sock_udp_send_from(int fd, const void *p, size_t n, const addr *to, const addr *from);
/* Takes one queued ICMP error: its errno with *to the destination that failed, or 0 when none. */
int sock_udp_error(int fd, addr *to);

#endif
