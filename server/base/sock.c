#include "base/sock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
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
    int size = UDP_BUFFER; /* the system clips it to its own limit */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    *bound = sock_local(fd);
    return fd;
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

long sock_udp_recv(int fd, void *p, size_t max, addr *from)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    ssize_t got = recvfrom(fd, p, max, MSG_TRUNC, (struct sockaddr *)&ss, &n);
    if (got < 0)
        return -errno;
    if ((size_t)got > max)
        return -EMSGSIZE;
    *from = addr_of_sockaddr((struct sockaddr *)&ss);
    return (long)got;
}

int sock_udp_send(int fd, const void *p, size_t n, const addr *to)
{
    struct sockaddr_storage ss;
    socklen_t length = addr_to_sockaddr(to, &ss);
    /* An ICMP error left from an earlier datagram fails the first call and is cleared by it. */
    for (int again = 0; again < 2; again++) {
        if (sendto(fd, p, n, MSG_NOSIGNAL, (struct sockaddr *)&ss, length) >= 0)
            return 0;
        if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH)
            break;
    }
    return -errno;
}

int sock_udp_error(int fd, addr *to)
{
    struct sockaddr_storage ss = {0};
    char byte[1], control[512];
    struct iovec iov = {byte, sizeof(byte)};
    struct msghdr m = {.msg_name = &ss,
                       .msg_namelen = sizeof(ss),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0)
        return 0;
    *to = addr_of_sockaddr((struct sockaddr *)&ss);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        bool is4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR;
        bool is6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR;
        if (is4 || is6) {
            struct sock_extended_err e;
            memcpy(&e, CMSG_DATA(c), sizeof(e));
            return (int)e.ee_errno;
        }
    }
    return EIO;
}
