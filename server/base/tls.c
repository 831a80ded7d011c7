#include "base/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"

struct tls {
    SSL_CTX *ctx;
    bool client;
};

/* In order of our preference; each with its length in front (RFC 7301 3.1). */
static const unsigned char SERVER_PROTOCOLS[] = "\x08http/1.1\x05sip/2\x03sip\x09stun.turn";

void tls_reason(char *out, size_t n)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (reason)
        (void)snprintf(out, n, "%s", reason);
    else if (code)
        (void)snprintf(out, n, "TLS error %lx", code);
    else
        (void)snprintf(out, n, "TLS error");
    ERR_clear_error();
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *outn,
                           const unsigned char *in, unsigned inn, void *arg)
{
    (void)ssl;
    (void)arg;
    unsigned char *chosen;
    int got = SSL_select_next_proto(&chosen, outn, SERVER_PROTOCOLS, sizeof(SERVER_PROTOCOLS) - 1,
                                    in, inn);
    if (got != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The file is opened for each line: sessions are few where keys are logged, and a file that is
 * appended to line by line can be shared by several processes. */
static void log_key(const SSL *ssl, const char *line)
{
    (void)ssl;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const char *path = getenv("SSLKEYLOGFILE");
    pthread_mutex_lock(&lock);
    FILE *f = path ? fopen(path, "ae") : NULL;
    if (f) {
        fprintf(f, "%s\n", line);
        fclose(f);
    }
    pthread_mutex_unlock(&lock);
}

static tls *make(const SSL_METHOD *method, bool client)
{
    tls *t = mem_zalloc(1, sizeof(*t));
    t->client = client;
    t->ctx = SSL_CTX_new(method);
    if (!t->ctx)
        abort();
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A peer that ends TCP without close_notify is an ordinary EOF here: SIP and WebSocket frame
     * their messages themselves, so truncation cannot pass for completeness. */
    SSL_CTX_set_options(t->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_read_ahead(t->ctx, 1);
    /* Tickets let clients resume without our keeping thousands of their sessions. */
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    if (getenv("SSLKEYLOGFILE"))
        SSL_CTX_set_keylog_callback(t->ctx, log_key);
    return t;
}

/* Does the error mean that a file is not of the kind that was wanted? */
static bool is_foreign(unsigned long code)
{
    int library = ERR_GET_LIB(code), reason = ERR_GET_REASON(code);
    return (library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) ||
           (library == ERR_LIB_X509 && reason == X509_R_NO_CERTIFICATE_OR_CRL_FOUND) ||
           (library == ERR_LIB_OSSL_DECODER && reason == ERR_R_UNSUPPORTED);
}

/* Reason of a failure about a file; system errors (no such file) speak for themselves. */
static int file_error(const char *path, const char *what, char *err, size_t errn)
{
    unsigned long code = ERR_peek_error();
    char reason[160];
    if (ERR_GET_LIB(code) == ERR_LIB_SYS)
        (void)snprintf(reason, sizeof(reason), "%s", strerror(ERR_GET_REASON(code)));
    else if (is_foreign(code))
        (void)snprintf(reason, sizeof(reason), "holds no %s in PEM", what);
    else
        tls_reason(reason, sizeof(reason));
    ERR_clear_error();
    (void)snprintf(err, errn, "%s: %s", path, reason);
    return -1;
}

int tls_use_certificate(tls *t, const char *cert, const char *key, char *err, size_t errn)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(t->ctx, cert) != 1)
        return file_error(cert, "certificate", err, errn);
    if (SSL_CTX_use_PrivateKey_file(t->ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(t->ctx) != 1)
        return file_error(key, "private key", err, errn);
    return 0;
}

static int trust(tls *t, const char *ca, char *err, size_t errn)
{
    ERR_clear_error();
    if (ca ? SSL_CTX_load_verify_file(t->ctx, ca) != 1
           : SSL_CTX_set_default_verify_paths(t->ctx) != 1)
        return file_error(ca ? ca : "system certificates", "certificate", err, errn);
    return 0;
}

tls *tls_server(const char *cert, const char *key, const char *ca, char *err, size_t errn)
{
    tls *t = make(TLS_server_method(), false);
    if (tls_use_certificate(t, cert, key, err, errn) || (ca && trust(t, ca, err, errn))) {
        tls_free(t);
        return NULL;
    }
    if (ca)
        SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
    SSL_CTX_set_alpn_select_cb(t->ctx, select_protocol, NULL);
    static const unsigned char context[] = "viaduct";
    SSL_CTX_set_session_id_context(t->ctx, context, sizeof(context) - 1);
    return t;
}

tls *tls_client(const char *ca, char *err, size_t errn)
{
    tls *t = make(TLS_client_method(), true);
    if (trust(t, ca, err, errn)) {
        tls_free(t);
        return NULL;
    }
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    return t;
}

void tls_offer(tls *t, const char *const *protocols)
{
    unsigned char wire[256];
    unsigned at = 0;
    for (; *protocols; protocols++) {
        size_t n = strlen(*protocols);
        if (n == 0 || n > 255 || at + 1 + n > sizeof(wire))
            abort(); /* names are literals of ours */
        wire[at] = (unsigned char)n;
        memcpy(wire + at + 1, *protocols, n);
        at += 1 + (unsigned)n;
    }
    if (SSL_CTX_set_alpn_protos(t->ctx, wire, at))
        abort();
}

void tls_trust_all(tls *t)
{
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
}

void tls_free(tls *t)
{
    if (t) {
        SSL_CTX_free(t->ctx);
        free(t);
    }
}

struct ssl_st *tls_session(tls *t, int fd, const char *host)
{
    SSL *ssl = SSL_new(t->ctx);
    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        goto failed;
    if (!t->client) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    str name = str_of(host);
    if (addr_is_literal(name)) {
        /* RFC 6066 3 allows no literal in SNI; the certificate must hold it as iPAddress. */
        if (name.p[0] == '[')
            name = str_sub(name, 1, name.n - 2);
        char *ip = str_dup(name);
        int ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), ip);
        free(ip);
        if (ok != 1)
            goto failed;
    } else if (name.n) {
        if (SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_set1_host(ssl, host) != 1)
            goto failed;
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    }
    return ssl;
failed:
    SSL_free(ssl);
    return NULL;
}
