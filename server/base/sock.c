#include "base/sock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, UDP_BUFFER = 4 << 20 };

static int on(int fd, int level, int name)
{
    int one = 1;
    return setsockopt(fd, level, name, &one, sizeof(one));
}

static int open_socket(int family, int type)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (family == AF_INET6 && on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) {
        int err = errno;
        close(fd);
        return -err;
    }
    return fd;
}

/* Ends a failed set-up: keeps errno over close(). */
static int fail(int fd)
{
    int err = errno;
    close(fd);
    return -err;
}

static int bind_to(int fd, const addr *at)
{
    struct sockaddr_storage ss;
    socklen_t n = addr_to_sockaddr(at, &ss);
    return bind(fd, (struct sockaddr *)&ss, n);
}

int sock_listen(const addr *at, addr *bound)
{
    int fd = open_socket(at->family, SOCK_STREAM);
    if (fd < 0)
        return fd;
    if (on(fd, SOL_SOCKET, SO_REUSEADDR) || bind_to(fd, at) || listen(fd, BACKLOG))
        return fail(fd);
    *bound = sock_local(fd);
    return fd;
}

int sock_accept(int fd, addr *peer)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    int got = accept4(fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    /* A failure only costs latency; a peer that reset already is found by the first read. */
    (void)on(got, IPPROTO_TCP, TCP_NODELAY);
    *peer = addr_of_sockaddr((struct sockaddr *)&ss);
    return got;
}

int sock_connect(const addr *to, const addr *from)
{
    int fd = open_socket(to->family, SOCK_STREAM);
    if (fd < 0)
        return fd;
    (void)on(fd, IPPROTO_TCP, TCP_NODELAY);
    if (from && bind_to(fd, from))
        return fail(fd);
    struct sockaddr_storage ss;
    socklen_t n = addr_to_sockaddr(to, &ss);
    if (connect(fd, (struct sockaddr *)&ss, n) && errno != EINPROGRESS)
        return fail(fd);
    return fd;
}

int sock_udp(const addr *at, addr *bound)
{
    int fd = open_socket(at->family, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    bool is4 = at->family == AF_INET;
    if (on(fd, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_RECVERR : IPV6_RECVERR) || bind_to(fd, at))
        return fail(fd);
    if (addr_is_any(at) &&
        on(fd, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_PKTINFO : IPV6_RECVPKTINFO))
        return fail(fd);
    int size = UDP_BUFFER; /* the system clips it to its own limit */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    *bound = sock_local(fd);
    return fd;
}

unsigned long sock_raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files))
        return 0;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files); /* a soft limit up to the hard one is always allowed */
    return files.rlim_cur;
}

addr sock_local(int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof(ss);
    if (getsockname(fd, (struct sockaddr *)&ss, &n))
        return (addr){0};
    return addr_of_sockaddr((struct sockaddr *)&ss);
}

addr sock_peer(int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof(ss);
    if (getpeername(fd, (struct sockaddr *)&ss, &n))
        return (addr){0};
    return addr_of_sockaddr((struct sockaddr *)&ss);
}

int sock_error(int fd)
{
    int err = 0;
    socklen_t n = sizeof(err);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) ? errno : err;
}

typedef union control {
    struct cmsghdr align;
    char bytes[512];
} control;

/* The destination of a datagram, by its control data; bound when there is none. */
static addr destination(struct msghdr *m, const addr *bound)
{
    addr to = *bound;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(to.ip, &info.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(to.ip, &info.ipi6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                to.scope = info.ipi6_ifindex;
        }
    }
    return to;
}

long sock_udp_recv_to(int fd, const addr *bound, void *p, size_t max, addr *from, addr *to)
{
    struct sockaddr_storage ss;
    control c;
    struct iovec iov = {p, max};
    struct msghdr m = {
        .msg_name = &ss, .msg_namelen = sizeof(ss), .msg_iov = &iov, .msg_iovlen = 1};
    if (addr_is_any(bound)) {
        m.msg_control = &c;
        m.msg_controllen = sizeof(c);
    }
    ssize_t got = recvmsg(fd, &m, 0);
    if (got < 0)
        return -errno;
    if (m.msg_flags & MSG_TRUNC)
        return -EMSGSIZE;
    *from = addr_of_sockaddr((struct sockaddr *)&ss);
    *to = destination(&m, bound);
    return (long)got;
}

/* Control data that makes a datagram leave from that address. */
static void set_source(struct msghdr *m, control *c, const addr *from)
{
    memset(c, 0, sizeof(*c));
    m->msg_control = c;
    m->msg_controllen = sizeof(*c);
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    if (from->family == AF_INET) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, from->ip, 4);
        h->cmsg_level = IPPROTO_IP;
        h->cmsg_type = IP_PKTINFO;
        h->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(h), &info, sizeof(info));
        m->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, from->ip, 16);
        info.ipi6_ifindex = from->scope;
        h->cmsg_level = IPPROTO_IPV6;
        h->cmsg_type = IPV6_PKTINFO;
        h->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(h), &info, sizeof(info));
        m->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

int sock_udp_send_from(int fd, const void *p, size_t n, const addr *to, const addr *from)
{
    struct sockaddr_storage ss;
    control c;
    struct iovec iov = {(void *)(uintptr_t)p, n}; /* sendmsg() does not write to it */
    struct msghdr m = {.msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1};
    m.msg_namelen = addr_to_sockaddr(to, &ss);
    if (from && from->family && !addr_is_any(from))
        set_source(&m, &c, from);
    /* An ICMP error left from an earlier datagram fails the first call and is cleared by it. */
    for (int again = 0; again < 2; again++) {
        if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH)
            break;
    }
    return -errno;
}

long sock_udp_recv(int fd, void *p, size_t max, addr *from)
{
    addr none = {.port = 0}, to;
    return sock_udp_recv_to(fd, &none, p, max, from, &to);
}

int sock_udp_send(int fd, const void *p, size_t n, const addr *to)
{
    return sock_udp_send_from(fd, p, n, to, NULL);
}

int sock_udp_error(int fd, addr *to)
{
    struct sockaddr_storage ss = {0};
    char byte[1];
    control c;
    struct iovec iov = {byte, sizeof(byte)};
    struct msghdr m = {.msg_name = &ss,
                       .msg_namelen = sizeof(ss),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &c,
                       .msg_controllen = sizeof(c)};
    if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0)
        return 0;
    *to = addr_of_sockaddr((struct sockaddr *)&ss);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        bool is4 = h->cmsg_level == SOL_IP && h->cmsg_type == IP_RECVERR;
        bool is6 = h->cmsg_level == SOL_IPV6 && h->cmsg_type == IPV6_RECVERR;
        if (is4 || is6) {
            struct sock_extended_err e;
            memcpy(&e, CMSG_DATA(h), sizeof(e));
            return (int)e.ee_errno;
        }
    }
    return EIO;
}
