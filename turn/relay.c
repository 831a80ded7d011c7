#include "turn/relay.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"

enum { DATAGRAMS_PER_EVENT = 64 };

struct relay {
    loop *l;
    const relay_handler *h;
    void *arg, *owner;
    loop_io io;
    int fd;
    bool v4, df; /* df: what the socket is set to */
};

static void set_df(relay *r, bool df)
{
    /* PROBE sets DF and leaves the kernel's idea of the path's MTU out of it. */
    int mode = df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
    if (setsockopt(r->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)) == 0)
        r->df = df;
}

/* One error from the queue, told on when ICMP brought it. False when there is none. */
static bool take_error(relay *r)
{
    struct sockaddr_storage ss = {0};
    union {
        struct cmsghdr align;
        char bytes[512];
    } control;
    char byte[1];
    struct iovec iov = {byte, sizeof(byte)};
    struct msghdr m = {.msg_name = &ss,
                       .msg_namelen = sizeof(ss),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    if (recvmsg(r->fd, &m, MSG_ERRQUEUE) < 0)
        return false;
    addr peer = addr_of_sockaddr((struct sockaddr *)&ss);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct sock_extended_err e;
        if (!(c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) &&
            !(c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR))
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof(e));
        if (e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6)
            r->h->icmp(r->owner, &peer, e.ee_type, e.ee_code, e.ee_info, r->arg);
    }
    return true;
}

static void on_ready(unsigned ready, void *arg)
{
    (void)ready;
    relay *r = arg;
    char *p = loop_scratch(r->l);
    for (int i = 0; i < DATAGRAMS_PER_EVENT; i++) {
        addr peer;
        long n = sock_udp_recv(r->fd, p, LOOP_SCRATCH, &peer);
        if (n == -EAGAIN)
            break;
        if (n >= 0)
            r->h->data(r->owner, &peer, (str){p, (size_t)n}, r->arg);
    }
    for (int i = 0; i < DATAGRAMS_PER_EVENT && take_error(r); i++)
        continue;
}

relay *relay_open(loop *l, const addr *at, void *owner, const relay_handler *h, void *arg)
{
    addr bound;
    int fd = sock_udp(at, &bound);
    if (fd < 0)
        return NULL;
    relay *r = mem_zalloc(1, sizeof(*r));
    r->l = l;
    r->h = h;
    r->arg = arg;
    r->owner = owner;
    r->fd = fd;
    r->v4 = at->family == AF_INET;
    if (r->v4)
        set_df(r, false);
    loop_io_init(&r->io, l, fd, on_ready, r);
    loop_io_want(&r->io, LOOP_READ);
    return r;
}

void relay_close(relay *r)
{
    loop_io_want(&r->io, 0);
    close(r->fd);
    free(r);
}

void relay_send(relay *r, const addr *peer, str data, bool dont_fragment)
{
    if (r->v4 && dont_fragment != r->df)
        set_df(r, dont_fragment);
    int err = sock_udp_send(r->fd, data.p, data.n, peer);
    if (err && log_on(LOG_DEBUG)) {
        char text[ADDR_TEXT];
        log_event(LOG_DEBUG, "relay", "lost", "peer=%s bytes=%zu why=\"%s\"",
                  addr_print(peer, text), data.n, strerror(-err));
    }
}
