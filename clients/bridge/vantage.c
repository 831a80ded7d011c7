#include "bridge/vantage.h"

#include <stdio.h>

#include "base/buf.h"
#include "sip/framing.h"

static void add(vantage *v, const char *kind, recorder_dir dir, str data, const char *info)
{
    recorder_add(v->trace, &(recorder_event){.kind = kind,
                                             .flow = v->flow,
                                             .transport = v->transport,
                                             .local = &v->local,
                                             .remote = &v->remote,
                                             .dir = dir,
                                             .data = data,
                                             .info = info});
}

void vantage_open(vantage *v, const conn *c, bool client)
{
    char info[512] = "{}";
    v->local = *conn_local(c);
    v->remote = *conn_peer(c);
    if (conn_secure(c)) {
        str alpn = conn_alpn(c);
        (void)snprintf(info, sizeof(info), "{\"tls\":\"%s\",\"alpn\":\"%.*s\",\"sni\":\"%s\"}",
                       conn_tls_version(c), STR_FMT(alpn), conn_sni(c));
    }
    add(v, client ? "connect" : "accept", RECORDER_NONE, (str){NULL, 0}, info);
}

void vantage_handshake(vantage *v, recorder_dir dir, str head)
{
    add(v, "handshake", dir, head, NULL);
}

void vantage_message(vantage *v, recorder_dir dir, str message, int opcode)
{
    char info[64];
    const char *keep = sip_keepalive(message) ? "\"keepalive\":true" : "";
    if (opcode)
        (void)snprintf(info, sizeof(info), "{\"opcode\":%d%s%s}", opcode, *keep ? "," : "", keep);
    else
        (void)snprintf(info, sizeof(info), "{%s}", keep);
    add(v, "message", dir, message, info);
}

void vantage_frame(vantage *v, recorder_dir dir, const frame_head *h, str payload)
{
    char info[160], code[32] = "";
    if (h->opcode == FRAME_CLOSE && payload.n >= 2)
        (void)snprintf(code, sizeof(code), ",\"close\":%d",
                       (uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1]);
    (void)snprintf(info, sizeof(info),
                   "{\"fin\":%s,\"rsv\":%d,\"opcode\":%d,\"masked\":%s,\"length\":%llu%s}",
                   h->fin ? "true" : "false", h->rsv, h->opcode, h->masked ? "true" : "false",
                   (unsigned long long)h->length, code);
    add(v, "frame", dir, payload.p ? payload : STR(""), info);
}

void vantage_frames_out(vantage *v, str frames, bool masked)
{
    frame_head h;
    frame_error e;
    int size;
    if (!v->trace)
        return;
    while ((size = frame_parse(frames, masked, &h, &e)) > 0) {
        buf payload;
        buf_init(&payload, (size_t)h.length);
        buf_str(&payload, str_sub(frames, (size_t)size, (size_t)h.length));
        if (masked)
            frame_mask(payload.p, payload.n, h.key, 0);
        vantage_frame(v, RECORDER_OUT, &h, buf_slice(&payload));
        buf_free(&payload);
        frames = str_sub(frames, (size_t)size + (size_t)h.length, frames.n);
    }
}

void vantage_close(vantage *v, const char *why, unsigned code)
{
    char info[96], number[32] = "";
    if (v->closed)
        return;
    v->closed = true;
    if (code)
        (void)snprintf(number, sizeof(number), ",\"code\":%u", code);
    (void)snprintf(info, sizeof(info), "{\"why\":\"%s\"%s}", why, number);
    add(v, "close", RECORDER_NONE, (str){NULL, 0}, info);
}
