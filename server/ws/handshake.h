/* The opening handshake of WebSocket, RFC 6455 section 4, both sides; with what RFC 7118 section
 * 4.1 adds: the subprotocol. Sans I/O: heads and bytes in, bytes out. */
#ifndef VIADUCT_WS_HANDSHAKE_H
#define VIADUCT_WS_HANDSHAKE_H

#include "base/buf.h"
#include "ws/http.h"

enum { HANDSHAKE_KEY_SIZE = 16 };

/* What a server accepts. All slices must outlive its use. */
typedef struct handshake_policy {
    const str *paths; /* exact paths with a WebSocket service; none given: every path */
    size_t path_count;
    const str *origins;  /* allowed Origin values, e.g. "https://sip.example"; none given: all. A */
    size_t origin_count; /* request without Origin is no browser's and passes in any case */
    str subprotocol;     /* the one it speaks ("sip"), demanded from the client; empty: none */
} handshake_policy;

typedef struct handshake_verdict {
    int status;      /* 101: switched; else the status of the refusal */
    const char *why; /* for the log: what was wrong, or "accepted"; static text */
    http_target target;
    str origin; /* slice into the request, empty when absent */
} handshake_verdict;

/* Is this request about WebSocket at all, so that handshake_answer() is the one to answer it? Yes
 * when it says Upgrade: websocket, carries a Sec-WebSocket-Key, or asks for a path that the policy
 * lists by name while no page is known there (has_page false). Anything else is ordinary HTTP. */
bool handshake_wanted(const http_head *req, const handshake_policy *p, bool has_page);

/* Judges the request and appends the complete answer to out: the 101 (preceded by 100 Continue when
 * the client expects that), after which frames follow at once; or a refusal with Connection: close,
 * after which the connection is to be closed once written. Returns the status. */
int handshake_answer(const http_head *req, const handshake_policy *p, buf *out,
                     handshake_verdict *v);

/* What a client asks for. */
typedef struct handshake_offer {
    str host;        /* authority for Host: name or [IPv6], with :port unless it is the default */
    str target;      /* path and query, "/" when empty; no fragment */
    str origin;      /* empty: no Origin */
    str subprotocol; /* offered; empty: none */
    uint8_t key[HANDSHAKE_KEY_SIZE]; /* random, new for each connection */
} handshake_offer;

void handshake_request(const handshake_offer *o, buf *out);

typedef enum handshake_error {
    HANDSHAKE_OK = 0,
    HANDSHAKE_E_STATUS,      /* answer is not 101: see the head's status and reason */
    HANDSHAKE_E_UPGRADE,     /* no Upgrade: websocket */
    HANDSHAKE_E_CONNECTION,  /* no Connection: Upgrade */
    HANDSHAKE_E_ACCEPT,      /* Sec-WebSocket-Accept missing, doubled or wrong */
    HANDSHAKE_E_SUBPROTOCOL, /* not exactly the one we offered */
    HANDSHAKE_E_EXTENSION,   /* an extension we did not offer */
} handshake_error;

/* Judges the answer to that offer (section 4.1, second list). When a subprotocol was offered, the
 * server must name it: RFC 7118 has no SIP without "sip". Skip 1xx answers other than 101 before.*/
handshake_error handshake_check(const http_head *answer, const handshake_offer *o);
const char *handshake_error_text(handshake_error e);

#endif
