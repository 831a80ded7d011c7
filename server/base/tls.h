/* TLS contexts: TLS 1.2 and later, idle sessions without buffers (SSL_MODE_RELEASE_BUFFERS).
 *
 * A server selects by ALPN the first of its protocols that the client offers: "http/1.1", "sip/2",
 * "sip", "stun.turn" (RFC 7443). A client that offers nothing is served without; one that offers
 * only unknown names gets the alert no_application_protocol (RFC 7301 3.2).
 * A client sends SNI for names, verifies the chain against its CA and the name or IP address of
 * the certificate (RFC 5922 7.3 in its subjectAltName form).
 * With the environment variable SSLKEYLOGFILE set, secrets are appended to that file in the NSS
 * format, so that captures can be read. */
#ifndef VIADUCT_BASE_TLS_H
#define VIADUCT_BASE_TLS_H

#include "base/str.h"

typedef struct tls tls;

/* On failure NULL and a reason naming the file in err. ca may be NULL: a server then asks no client
 * certificate; a client uses the system's store. */
tls *tls_server(const char *cert, const char *key, const char *ca, char *err, size_t errn);
tls *tls_client(const char *ca, char *err, size_t errn);
/* Client certificate for mutual TLS. 0, or -1 and err. */
int tls_use_certificate(tls *t, const char *cert, const char *key, char *err, size_t errn);
/* Protocols that a client offers, NULL-terminated array of names; none by default. */
void tls_offer(tls *t, const char *const *protocols);
/* Lets a client accept any certificate: only for tools that test servers. */
void tls_trust_all(tls *t);
void tls_free(tls *t); /* open connections keep what they need; NULL is fine */

/* For conn.c: a session on a connected descriptor. host: a client's name or literal of the server
 * (NULL for a server). NULL when OpenSSL refuses. */
struct ssl_st *tls_session(tls *t, int fd, const char *host);
/* Reason of the last OpenSSL failure on this thread, clearing its queue; never empty. */
void tls_reason(char *out, size_t n);

#endif
