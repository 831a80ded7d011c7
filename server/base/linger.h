/* The end of a connection that nobody owns any more: what is still queued is sent, then
 * close_notify and FIN, then input is dropped until the peer's FIN. Closing at once would reset a
 * connection with unread input, and the peer would lose what it had not read yet. Each of the two
 * stages lasts 2 s at most; loop_free() ends it at once. */
#ifndef VIADUCT_BASE_LINGER_H
#define VIADUCT_BASE_LINGER_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/stream.h"

/* Takes over the stream and the output from offset from on; both are empty for the caller
 * afterwards. peer_done: the peer's FIN was seen. Its descriptor must not be watched. */
void linger_take(loop *l, stream *s, buf *out, size_t from, bool peer_done);

#endif
