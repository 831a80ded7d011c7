#include "bridge/datagram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"

enum { DATAGRAM_MAX = 65507, BUCKETS = 1024, TOOLS_MAX = 4096 };

typedef struct tool {
    side s;
    datagram_port *port;
    addr far;
    bool dead;
    struct tool *next; /* in its bucket */
    loop_task task;
} tool;

struct datagram_port {
    side_settings *set;
    int fd;
    loop_io io;
    datagram_fresh *fresh; /* NULL: one tool only, and the port goes with it */
    void *arg;
    size_t tools;
    tool *buckets[BUCKETS];
};

static tool **bucket(datagram_port *p, const addr *a)
{
    return &p->buckets[addr_hash(a, 0) % BUCKETS];
}

static tool *find(datagram_port *p, const addr *a)
{
    for (tool *t = *bucket(p, a); t; t = t->next)
        if (addr_eq(&t->far, a))
            return t;
    return NULL;
}

static void on_task(void *arg)
{
    tool *t = arg;
    if (!t->port->fresh)
        datagram_stop(t->port);
    free(t);
}

/* The struct stays until the running callback has returned. */
static void end(side *s, const char *why)
{
    tool *t = (tool *)s;
    (void)why;
    tool **at = bucket(t->port, &t->far);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->port->tools--;
    t->dead = true;
    loop_task_init(&t->task, on_task, t);
    loop_post(t->port->set->l, &t->task);
}

static int send_datagram(side *s, str message, const char **why)
{
    tool *t = (tool *)s;
    if (message.n > DATAGRAM_MAX) {
        *why = "longer than a datagram";
        return -1;
    }
    int r = sock_udp_send(t->port->fd, message.p, message.n, &t->far);
    if (r == 0)
        return 0;
    *why = strerror(-r);
    return -1;
}

static tool *add(datagram_port *p, const addr *far)
{
    tool *t = mem_zalloc(1, sizeof(*t));
    t->port = p;
    t->far = *far;
    t->s = (side){.send = send_datagram, .close = end};
    (void)snprintf(t->s.name, sizeof(t->s.name), "udp-%u", ++p->set->flows);
    tool **at = bucket(p, far);
    t->next = *at;
    *at = t;
    p->tools++;
    return t;
}

static void arrived(datagram_port *p, str message, const addr *from)
{
    char text[ADDR_TEXT];
    tool *t = find(p, from);
    if (!t) {
        if (!p->fresh)
            return; /* only the tool we talk to is heard */
        if (p->tools == TOOLS_MAX) {
            log_error("bridge", "ignored", "from=%s why=\"%d other sources are served already\"",
                      addr_print(from, text), TOOLS_MAX);
            return;
        }
        t = add(p, from);
        p->fresh(&t->s, p->arg);
    }
    if (!t->dead)
        t->s.events->message(&t->s, message, t->s.arg);
}

/* A tool that is gone for now (ICMP says so) may come back on its port: its side stays. */
static void on_readable(unsigned ready, void *arg)
{
    datagram_port *p = arg;
    addr from;
    char text[ADDR_TEXT];
    (void)ready;
    int error = sock_udp_error(p->fd, &from);
    if (error)
        log_info("bridge", "unreachable", "tool=%s why=\"%s\"", addr_print(&from, text),
                 strerror(error));
    char *scratch = loop_scratch(p->set->l);
    long n = sock_udp_recv(p->fd, scratch, LOOP_SCRATCH, &from);
    if (n > 0)
        arrived(p, (str){scratch, (size_t)n}, &from);
}

static datagram_port *make(side_settings *set, const addr *at, addr *bound)
{
    int fd = sock_udp(at, bound);
    datagram_port *p = mem_zalloc(1, sizeof(*p));
    p->set = set;
    p->fd = fd;
    if (fd < 0)
        return p;
    loop_io_init(&p->io, set->l, fd, on_readable, p);
    loop_io_want(&p->io, LOOP_READ);
    return p;
}

datagram_port *datagram_listen(side_settings *set, const place *at, addr *bound,
                               datagram_fresh *fresh, void *arg, char *err, size_t errn)
{
    datagram_port *p = make(set, &at->at, bound);
    if (p->fd < 0) {
        (void)snprintf(err, errn, "%s", strerror(-p->fd));
        free(p);
        return NULL;
    }
    p->fresh = fresh;
    p->arg = arg;
    return p;
}

void datagram_stop(datagram_port *p)
{
    if (p->fd >= 0) {
        loop_io_want(&p->io, 0);
        (void)close(p->fd);
    }
    free(p);
}

side *datagram_connect(side_settings *set, const place *to, const side_events *events, void *arg)
{
    addr any = {.family = to->at.family}, bound;
    datagram_port *p = make(set, &any, &bound);
    tool *t = add(p, &to->at);
    t->s.events = events;
    t->s.arg = arg;
    return &t->s; /* without a socket each send says why */
}
