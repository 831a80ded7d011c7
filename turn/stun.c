#include "turn/stun.h"

#include <string.h>

#include "base/digest.h"

uint16_t stun_u16(const char *p)
{
    return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

uint32_t stun_u32(const char *p)
{
    return (uint32_t)stun_u16(p) << 16 | stun_u16(p + 2);
}

stun_kind stun_kind_of(str packet)
{
    if (packet.n == 0)
        return STUN_OTHER;
    uint8_t first = (uint8_t)packet.p[0];
    if (first <= 3)
        return STUN_MESSAGE;
    return first >= 64 && first <= 79 ? STUN_CHANNEL : STUN_OTHER;
}

/* The method's 12 bits lie around the two bits of the class: M11..M7 C1 M6..M4 C0 M3..M0. */
static uint16_t method_of(uint16_t type)
{
    return (uint16_t)((type & 0xF) | (type >> 1 & 0x70) | (type >> 2 & 0xF80));
}

static stun_class class_of(uint16_t type)
{
    return (stun_class)((type >> 4 & 1) | (type >> 7 & 2));
}

int stun_parse(str message, stun_msg *m)
{
    if (message.n < STUN_HEADER || message.n > STUN_MAX || stun_kind_of(message) != STUN_MESSAGE)
        return -1;
    uint16_t type = stun_u16(message.p);
    uint16_t length = stun_u16(message.p + 2);
    if (stun_u32(message.p + 4) != STUN_COOKIE || length % 4 != 0 ||
        length != message.n - STUN_HEADER)
        return -1;
    *m = (stun_msg){.all = message,
                    .tid = (const uint8_t *)message.p + 8,
                    .method = method_of(type),
                    .class = class_of(type)};
    return 0;
}

int stun_channel_data(str packet, uint16_t *number, str *data)
{
    if (packet.n < STUN_CHANNEL_HEADER || stun_kind_of(packet) != STUN_CHANNEL)
        return -1;
    uint16_t length = stun_u16(packet.p + 2);
    if (length > packet.n - STUN_CHANNEL_HEADER)
        return -1;
    *number = stun_u16(packet.p);
    *data = str_sub(packet, STUN_CHANNEL_HEADER, length);
    return 0;
}

long stun_frame(str in)
{
    if (in.n == 0)
        return 0;
    /* RFC 8656 12.5: 0x5000 and above is reserved, yet framed alike, so the top bits alone tell. */
    unsigned top = (uint8_t)in.p[0] >> 6;
    if (top > 1)
        return -1;
    if (in.n < STUN_CHANNEL_HEADER)
        return 0;
    size_t size = stun_u16(in.p + 2);
    if (top == 1) {
        size = STUN_CHANNEL_HEADER + (size + 3) / 4 * 4;
    } else {
        if (size % 4 != 0 || (in.n >= 8 && stun_u32(in.p + 4) != STUN_COOKIE))
            return -1;
        size += STUN_HEADER;
    }
    return size <= in.n ? (long)size : 0;
}

void stun_begin(buf *to, stun_class class, stun_method method, const uint8_t *tid)
{
    unsigned m = method, c = class;
    unsigned type = (m & 0xF) | (m & 0x70) << 1 | (m & 0xF80) << 2 | (c & 1) << 4 | (c & 2) << 7;
    char head[STUN_HEADER] = {(char)(type >> 8), (char)type, 0, 0, 0x21, 0x12, (char)0xA4, 0x42};
    if (tid)
        memcpy(head + 8, tid, STUN_TID);
    else
        digest_random(head + 8, STUN_TID);
    buf_add(to, head, sizeof(head));
}

void stun_set_length(buf *message, size_t attributes)
{
    message->p[2] = (char)(attributes >> 8);
    message->p[3] = (char)attributes;
}

void stun_channel_write(buf *to, uint16_t number, str data, bool padded)
{
    static const char zero[3];
    char head[STUN_CHANNEL_HEADER] = {(char)(number >> 8), (char)number, (char)(data.n >> 8),
                                      (char)data.n};
    buf_add(to, head, sizeof(head));
    buf_str(to, data);
    if (padded)
        buf_add(to, zero, (4 - data.n % 4) % 4);
}

const char *stun_method_name(uint16_t method)
{
    switch (method) {
    case STUN_BINDING: return "Binding";
    case STUN_ALLOCATE: return "Allocate";
    case STUN_REFRESH: return "Refresh";
    case STUN_SEND: return "Send";
    case STUN_DATA: return "Data";
    case STUN_CREATE_PERMISSION: return "CreatePermission";
    case STUN_CHANNEL_BIND: return "ChannelBind";
    default: return "unknown";
    }
}
