#include "proxy/resolver.h"

#include <event2/dns.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST = 16 }; /* addresses of one name; more are not tried */

struct resolver {
    loop *l;
    struct evdns_base *dns;
    bool closing;
};

typedef struct question {
    resolver *r;
    wire_resolved *done;
    void *arg;
} question;

resolver *resolver_new(loop *l, const char *server, char *err, size_t errn)
{
    resolver *r = mem_zalloc(1, sizeof(*r));
    r->l = l;
    r->dns = evdns_base_new(loop_base(l), EVDNS_BASE_DISABLE_WHEN_INACTIVE |
                                              (server ? 0 : EVDNS_BASE_INITIALIZE_NAMESERVERS));
    if (!r->dns) {
        /* A machine without name servers in resolv.conf: all but names works. */
        r->dns = evdns_base_new(loop_base(l), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    }
    if (!r->dns || (server && evdns_base_nameserver_ip_add(r->dns, server))) {
        snprintf(err, errn, "--dns: %s is not the address of a name server",
                 server ? server : "the system's");
        resolver_free(r);
        return NULL;
    }
    return r;
}

void resolver_free(resolver *r)
{
    if (!r)
        return;
    r->closing = true;
    if (r->dns)
        evdns_base_free(r->dns, 1);
    loop_step(r->l, false); /* evdns gives its questions up only from the loop */
    free(r);
}

static void take(const struct evutil_addrinfo *list, int family, addr *out, size_t *n)
{
    for (; list && *n < MOST; list = list->ai_next)
        if (list->ai_family == family)
            out[(*n)++] = addr_of_sockaddr(list->ai_addr);
}

static void answered(int result, struct evutil_addrinfo *list, void *arg)
{
    question *q = arg;
    addr found[MOST];
    size_t n = 0;
    if (result == 0) {
        take(list, AF_INET, found, &n);
        take(list, AF_INET6, found, &n);
    }
    if (list)
        evutil_freeaddrinfo(list);
    if (!q->r->closing)
        q->done(q->arg, found, n);
    free(q);
}

void resolver_ask(resolver *r, str host, uint16_t port, wire_resolved *done, void *arg)
{
    if (r->closing) {
        done(arg, NULL, 0);
        return;
    }
    char service[8], *name = str_dup(host);
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP,
                                    .ai_flags = EVUTIL_AI_NUMERICSERV};
    question *q = mem_alloc(sizeof(*q));
    *q = (question){r, done, arg};
    snprintf(service, sizeof(service), "%u", port);
    evdns_getaddrinfo(r->dns, name, service, &hints, answered, q);
    free(name);
}
