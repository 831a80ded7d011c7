#include "base/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static stream_result lost(int err, char *detail)
{
    (void)snprintf(detail, STREAM_DETAIL, "%s", err ? strerror(err) : "connection lost");
    return STREAM_LOST;
}

/* What an SSL call that returned ret means. */
static stream_result ssl_result(stream *s, int ret, char *detail)
{
    int err = errno;
    switch (SSL_get_error(s->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return STREAM_EOF;
    case SSL_ERROR_SYSCALL: ERR_clear_error(); return lost(err, detail);
    default: break;
    }
    long verified = SSL_get_verify_result(s->ssl);
    tls_reason(detail, STREAM_DETAIL);
    if (verified != X509_V_OK && !SSL_is_init_finished(s->ssl))
        (void)snprintf(detail, STREAM_DETAIL, "certificate not accepted: %s",
                       X509_verify_cert_error_string(verified));
    return STREAM_TLS;
}

stream_result stream_handshake(stream *s, char *detail)
{
    ERR_clear_error();
    errno = 0;
    int ret = SSL_do_handshake(s->ssl);
    return ret == 1 ? STREAM_DONE : ssl_result(s, ret, detail);
}

stream_result stream_read(stream *s, char *p, size_t max, size_t *n, char *detail)
{
    errno = 0;
    if (s->ssl) {
        ERR_clear_error();
        int ret = SSL_read_ex(s->ssl, p, max, n);
        return ret == 1 ? STREAM_DONE : ssl_result(s, ret, detail);
    }
    ssize_t got = recv(s->fd, p, max, 0);
    if (got > 0) {
        *n = (size_t)got;
        return STREAM_DONE;
    }
    if (got == 0)
        return STREAM_EOF;
    return errno == EAGAIN || errno == EINTR ? STREAM_AGAIN : lost(errno, detail);
}

stream_result stream_write(stream *s, const char *p, size_t *n, char *detail)
{
    size_t all = *n;
    *n = 0;
    while (*n < all) {
        size_t took = 0;
        errno = 0;
        if (s->ssl) {
            ERR_clear_error();
            int ret = SSL_write_ex(s->ssl, p + *n, all - *n, &took);
            if (ret != 1)
                return ssl_result(s, ret, detail);
        } else {
            ssize_t ret = send(s->fd, p + *n, all - *n, MSG_NOSIGNAL);
            if (ret < 0)
                return errno == EAGAIN || errno == EINTR ? STREAM_AGAIN : lost(errno, detail);
            took = (size_t)ret;
        }
        *n += took;
    }
    return STREAM_DONE;
}

bool stream_pending(const stream *s)
{
    return s->ssl && SSL_has_pending(s->ssl);
}

bool stream_wants_write(const stream *s)
{
    return s->ssl && SSL_want_write(s->ssl);
}

int stream_finish(stream *s)
{
    if (s->ssl) {
        ERR_clear_error();
        (void)SSL_shutdown(s->ssl); /* best effort: the FIN follows in any case */
        ERR_clear_error();
        SSL_free(s->ssl); /* what comes in now is only dropped */
        s->ssl = NULL;
    }
    return shutdown(s->fd, SHUT_WR);
}

stream_result stream_drop(stream *s, char *scratch, size_t max)
{
    ssize_t got = recv(s->fd, scratch, max, 0);
    if (got == 0)
        return STREAM_EOF;
    return got > 0 || errno == EAGAIN || errno == EINTR ? STREAM_DONE : STREAM_LOST;
}

str stream_alpn(const stream *s)
{
    const unsigned char *p = NULL;
    unsigned n = 0;
    if (s->ssl)
        SSL_get0_alpn_selected(s->ssl, &p, &n);
    return (str){(const char *)p, n};
}

const char *stream_sni(const stream *s)
{
    const char *name = s->ssl ? SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    return name ? name : "";
}

const char *stream_version(const stream *s)
{
    return s->ssl ? SSL_get_version(s->ssl) : "";
}

void stream_close(stream *s)
{
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void stream_reset(stream *s)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (s->fd >= 0)
        (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}
