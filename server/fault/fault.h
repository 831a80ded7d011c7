/* The closed table of named deviations: ways in which this server can be told to be wrong, so that
 * each check of the harness can be shown to fail. Compiled only with VIADUCT_FAULTS; otherwise
 * fault_on() is the constant false and the compiler drops what hangs on it.
 *
 * A row: enumerator, permanent name, id of the requirement it breaks, what it does. Rows of the
 * transport come first, rows of the proxy after them. */
#ifndef VIADUCT_FAULT_FAULT_H
#define VIADUCT_FAULT_FAULT_H

#include "base/str.h"

#define FAULT_TRANSPORT_TABLE(X)                                                                   \
    X(FAULT_WS_SUBPROTOCOL_MISSING, "ws-subprotocol-missing", "RFC7118-4.1-b",                     \
      "the 101 answer names no subprotocol")                                                       \
    X(FAULT_WS_SUBPROTOCOL_FOREIGN, "ws-subprotocol-foreign", "RFC6455-4.2.2-e",                   \
      "the 101 answer names a subprotocol that was not offered")                                   \
    X(FAULT_WS_SUBPROTOCOL_UNASKED, "ws-subprotocol-unasked", "RFC7118-4.1-f",                     \
      "a handshake that does not offer sip is accepted")                                           \
    X(FAULT_WS_ACCEPT_WRONG, "ws-accept-wrong", "RFC6455-4.2.2-b",                                 \
      "Sec-WebSocket-Accept of the 101 is that of another key")                                    \
    X(FAULT_WS_EXTENSION_UNASKED, "ws-extension-unasked", "RFC6455-4.2.2-f",                       \
      "the 101 answer names an extension that was not offered")                                    \
    X(FAULT_WS_VERSION_ANY, "ws-version-any", "RFC6455-4.2.2-c",                                   \
      "a handshake with a version other than 13 is accepted")                                      \
    X(FAULT_WS_PATH_ANY, "ws-path-any", "RFC6455-4.2.2-d",                                         \
      "a handshake on a path without service is accepted")                                         \
    X(FAULT_WS_FRAMES_MASKED, "ws-frames-masked", "RFC6455-5.1-c",                                 \
      "frames of the server are masked")                                                           \
    X(FAULT_WS_UNMASKED_ACCEPTED, "ws-unmasked-accepted", "RFC6455-5.1-b",                         \
      "unmasked frames of a client are accepted")                                                  \
    X(FAULT_WS_RSV_SET, "ws-rsv-set", "RFC6455-5.2-a", "frames of the server have RSV1 set")       \
    X(FAULT_WS_LENGTH_LONG, "ws-length-long", "RFC6455-5.2-c",                                     \
      "frames of the server use the 64-bit length form")                                           \
    X(FAULT_WS_PONG_MISSING, "ws-pong-missing", "RFC6455-5.5.2-a", "a Ping is not answered")       \
    X(FAULT_WS_PONG_EMPTY, "ws-pong-empty", "RFC6455-5.5.3-a",                                     \
      "a Pong does not repeat the data of the Ping")                                               \
    X(FAULT_WS_CLOSE_MISSING, "ws-close-missing", "RFC6455-5.5.1-c",                               \
      "a Close frame is not answered with one before TCP ends")                                    \
    X(FAULT_WS_UTF8_LENIENT, "ws-utf8-lenient", "RFC6455-8.1-a",                                   \
      "a text message that is not UTF-8 is accepted")                                              \
    X(FAULT_WS_TEXT_ALWAYS, "ws-text-always", "RFC7118-4.2-c",                                     \
      "a SIP message that is not UTF-8 is sent as text")                                           \
    X(FAULT_WS_BINARY_DROPPED, "ws-binary-dropped", "RFC7118-4.2-b",                               \
      "a SIP message arriving in a binary message is dropped")                                     \
    X(FAULT_WS_MESSAGE_SPLIT, "ws-message-split", "RFC7118-5-c",                                   \
      "a SIP message is cut into two WebSocket messages")                                          \
    X(FAULT_WS_FRAGMENTS_LOST, "ws-fragments-lost", "RFC6455-5.4-d",                               \
      "of a fragmented message only the first fragment is used")                                   \
    X(FAULT_KEEPALIVE_PONG_MISSING, "keepalive-pong-missing", "RFC5626-5.4-b",                     \
      "a double CRLF is not answered on TCP and TLS")                                              \
    X(FAULT_KEEPALIVE_PONG_MISSING_WS, "keepalive-pong-missing-ws", "RFC7118-6-b",                 \
      "a double CRLF is not answered on WS and WSS")                                               \
    X(FAULT_KEEPALIVE_PONG_DOUBLE, "keepalive-pong-double", "RFC5626-4.4.1-b",                     \
      "a double CRLF is answered with a double CRLF")                                              \
    X(FAULT_STREAM_ONE_PER_READ, "stream-one-per-read", "RFC3261-18.3-c",                          \
      "of several messages in one segment of a stream only the first is used")                     \
    X(FAULT_FLOW_DIALS_BACK, "flow-dials-back", "RFC3261-18.2.2-a",                                \
      "messages for a TCP peer leave on a new connection to its source address")

#include "fault/proxy_faults.h"

#define FAULT_TABLE(X)                                                                             \
    FAULT_TRANSPORT_TABLE(X)                                                                       \
    FAULT_PROXY_TABLE(X)

typedef enum fault {
#define FAULT_ENUM(id, name, requirement, text) id,
    FAULT_TABLE(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_COUNT
} fault;

typedef struct fault_row {
    const char *name;
    const char *requirement;
    const char *text;
} fault_row;

#ifdef VIADUCT_FAULTS
bool fault_on(fault f); /* set once by options, before any loop runs */
#else
#define fault_on(f) ((void)(f), false)
#endif

/* Whether the table was compiled in; --fault and --list-faults fail with a clear text otherwise. */
bool fault_compiled(void);
int fault_enable(const char *name);  /* 0; -1 when there is no such row, or none is compiled in */
void fault_disable_all(void);        /* for tests */
const fault_row *fault_at(size_t i); /* rows in order, NULL at the end */

#endif
