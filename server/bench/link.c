#include "bench/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/text.h"

enum { MESSAGE_MAX = 65536 };

static const char *const tokens[] = {"UDP", "TCP", "TLS", "WS", "WSS"};

int link_kind_of(const char *name)
{
    for (int i = 0; i < 5; i++)
        if (str_ieqz(str_of(name), tokens[i]))
            return i;
    return -1;
}

const char *link_token(enum link_kind kind)
{
    return tokens[kind];
}

static bool is_ws(const struct link *link)
{
    return link->kind == LINK_WS || link->kind == LINK_WSS;
}

/* Bytes read, 0 when there is nothing now, -1 at the end or on an error. */
static ssize_t pull(struct link *link, char *p, size_t n)
{
    if (link->ssl) {
        int got = SSL_read(link->ssl, p, (int)n);
        if (got > 0)
            return got;
        int why = SSL_get_error(link->ssl, got);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    ssize_t got = recv(link->fd, p, n, 0);
    if (got > 0)
        return got;
    return got < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED) ? 0 : -1;
}

/* A full socket is waited for: the generator must not lose what it counts. */
static int push(struct link *link, const char *p, size_t n)
{
    while (n) {
        ssize_t done =
            link->ssl ? SSL_write(link->ssl, p, (int)n) : send(link->fd, p, n, MSG_NOSIGNAL);
        if (done <= 0) {
            if (!link->ssl && errno != EAGAIN && errno != EINTR)
                return -1;
            if (link->ssl && SSL_get_error(link->ssl, (int)done) != SSL_ERROR_WANT_WRITE)
                return -1;
            struct pollfd wait = {.fd = link->fd, .events = POLLOUT};
            if (poll(&wait, 1, 1000) <= 0)
                return -1;
            continue;
        }
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static int upgrade(struct link *link, const struct sockaddr_in *server)
{
    char head[512];
    int n =
        snprintf(head, sizeof(head),
                 "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dmlhZHVjdC1zaXAtbG9hZA==\r\nSec-WebSocket-Protocol: sip\r\n"
                 "Sec-WebSocket-Version: 13\r\n\r\n",
                 inet_ntoa(server->sin_addr), ntohs(server->sin_port));
    if (push(link, head, (size_t)n))
        return -1;
    for (;;) {
        char bytes[1024];
        ssize_t got = pull(link, bytes, sizeof(bytes));
        if (got <= 0)
            return -1;
        buf_add(&link->in, bytes, (size_t)got);
        str s = buf_slice(&link->in);
        size_t end = text_find(s, STR("\r\n\r\n"));
        if (end == s.n)
            continue;
        if (!str_starts(s, STR("HTTP/1.1 101")))
            return -1;
        buf_take(&link->in, end + 4);
        return 0;
    }
}

int link_open(struct link *link, enum link_kind kind, const struct sockaddr_in *server,
              SSL_CTX *tls, char *errbuf, size_t errlen)
{
    *link = (struct link){.fd = -1, .kind = kind};
    buf_init(&link->in, 4 * MESSAGE_MAX);
    link->fd = socket(AF_INET, (kind == LINK_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int one = 1;
    socklen_t len = sizeof(link->local);
    const char *step = "connect";
    if (link->fd < 0 || connect(link->fd, (const struct sockaddr *)server, sizeof(*server)))
        goto failed;
    if (kind != LINK_UDP)
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    step = "getsockname";
    if (getsockname(link->fd, (struct sockaddr *)&link->local, &len))
        goto failed;
    if (kind == LINK_TLS || kind == LINK_WSS) {
        step = "TLS handshake";
        link->ssl = SSL_new(tls);
        if (!link->ssl || !SSL_set_fd(link->ssl, link->fd) || SSL_connect(link->ssl) != 1)
            goto failed;
    }
    step = "WebSocket handshake";
    if (is_ws(link) && upgrade(link, server))
        goto failed;
    (void)fcntl(link->fd, F_SETFL, O_NONBLOCK);
    return 0;
failed:
    snprintf(errbuf, errlen, "%s over %s failed: %s", step, link_token(kind), strerror(errno));
    link_close(link);
    return -1;
}

void link_close(struct link *link)
{
    SSL_free(link->ssl);
    if (link->fd >= 0)
        close(link->fd);
    buf_free(&link->in);
    link->fd = -1;
    link->ssl = NULL;
}

int link_send(struct link *link, str message)
{
    if (!is_ws(link))
        return push(link, message.p, message.n);
    /* A masking key of zeros is a legal one and leaves the payload as it is. */
    char frame[MESSAGE_MAX + 16];
    size_t head;
    frame[0] = (char)0x81;
    if (message.n < 126) {
        frame[1] = (char)(0x80 | message.n);
        head = 2;
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(message.n >> 8);
        frame[3] = (char)(message.n & 255);
        head = 4;
    }
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, message.p, message.n);
    return push(link, frame, head + 4 + message.n);
}

/* Length of the first whole unit in s (a frame or a SIP message), 0 when there is none yet;
 * *payload is its SIP message, empty for control frames and keep-alives. */
static size_t next_unit(const struct link *link, str s, str *payload)
{
    *payload = (str){NULL, 0};
    if (is_ws(link)) {
        if (s.n < 2)
            return 0;
        size_t head = 2, n = (unsigned char)s.p[1] & 127;
        if (n == 126) {
            if (s.n < 4)
                return 0;
            n = ((size_t)(unsigned char)s.p[2] << 8) | (unsigned char)s.p[3];
            head = 4;
        }
        if (s.n < head + n)
            return 0;
        if (((unsigned char)s.p[0] & 15) <= 2)
            *payload = str_sub(s, head, n);
        return head + n;
    }
    if (str_starts(s, STR("\r\n")))
        return 2;
    size_t end = text_find(s, STR("\r\n\r\n"));
    if (end == s.n)
        return 0;
    size_t n = end + 4 + text_number(str_sub(s, 0, end + 2), STR("Content-Length"));
    if (s.n < n)
        return 0;
    *payload = str_sub(s, 0, n);
    return n;
}

int link_read(struct link *link, link_message on, void *ctx)
{
    char bytes[MESSAGE_MAX];
    for (;;) {
        ssize_t got = pull(link, bytes, sizeof(bytes));
        if (got <= 0)
            return (int)got;
        if (link->kind == LINK_UDP) {
            on(ctx, link, (str){bytes, (size_t)got});
            continue;
        }
        buf_add(&link->in, bytes, (size_t)got);
        size_t used = 0;
        for (;;) {
            str rest = buf_slice(&link->in), payload;
            rest = str_sub(rest, used, rest.n);
            size_t n = next_unit(link, rest, &payload);
            if (!n)
                break;
            if (payload.n)
                on(ctx, link, payload);
            used += n;
        }
        buf_take(&link->in, used);
    }
}
