/* A proxy on its sockets: joins transport, resolver, clock and proxy on one loop. */
#ifndef VIADUCT_PROXY_SERVICE_H
#define VIADUCT_PROXY_SERVICE_H

#include "proxy/proxy.h"

typedef struct service service;

typedef struct service_options {
    transport_options transport;
    proxy_options proxy;
    const char *dns; /* server to ask instead of the system's, or NULL */
} service_options;

/* NULL and the reason in err when the resolver does not come up. */
service *service_new(loop *l, const service_options *o, char *err, size_t errn);
transport *service_transport(service *s); /* to listen on */
void service_free(service *s);

#endif
