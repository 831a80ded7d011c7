/* What one network-side connection adds to the trace (server/transport/recorder.h), from the
 * bridge's point of view. With trace NULL nothing is written. */
#ifndef VIADUCT_BRIDGE_VANTAGE_H
#define VIADUCT_BRIDGE_VANTAGE_H

#include "base/conn.h"
#include "transport/recorder.h"
#include "ws/frame.h"

typedef struct vantage {
    recorder *trace;
    const char *flow;
    const char *transport;
    addr local, remote; /* set by vantage_open() */
    bool closed;        /* its close event is written */
} vantage;

void vantage_open(vantage *v, const conn *c, bool client);
void vantage_handshake(vantage *v, recorder_dir dir, str head);
/* opcode: of the WebSocket message that carries it, 0 when none does. */
void vantage_message(vantage *v, recorder_dir dir, str message, int opcode);
void vantage_frame(vantage *v, recorder_dir dir, const frame_head *h, str payload); /* unmasked */
/* A sequence of whole frames as they are about to be written. */
void vantage_frames_out(vantage *v, str frames, bool masked);
/* code: of a WebSocket Close, or 0. Only the first call counts. */
void vantage_close(vantage *v, const char *why, unsigned code);

#endif
