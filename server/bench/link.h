/* One client connection of the load generator: SIP messages over UDP, TCP, TLS, WS or WSS.
 * It trusts the server (no certificate check, lenient framing), because it measures and does not
 * judge. */
#ifndef VIADUCT_BENCH_LINK_H
#define VIADUCT_BENCH_LINK_H

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "base/buf.h"

enum link_kind { LINK_UDP, LINK_TCP, LINK_TLS, LINK_WS, LINK_WSS };

struct link {
    int fd;
    enum link_kind kind;
    SSL *ssl; /* TLS and WSS only */
    buf in;   /* bytes read and not yet a whole message */
    struct sockaddr_in local;
};

typedef void (*link_message)(void *ctx, struct link *link, str message);

/* -1 for an unknown name, else an enum link_kind. */
int link_kind_of(const char *name);
/* "UDP", "TCP", "TLS", "WS", "WSS": the token of the Via. */
const char *link_token(enum link_kind kind);

/* Connects (blocking: TCP, TLS and WebSocket handshakes included) and makes the socket
 * non-blocking. Returns 0, or -1 with a reason in errbuf. */
int link_open(struct link *link, enum link_kind kind, const struct sockaddr_in *server,
              SSL_CTX *tls, char *errbuf, size_t errlen);
void link_close(struct link *link);
/* Sends one SIP message. Returns 0, or -1 when the connection cannot take it (errno). */
int link_send(struct link *link, str message);
/* Reads what is there and hands over each whole message. Returns 0, or -1 when the peer closed. */
int link_read(struct link *link, link_message on, void *ctx);

#endif
