#include "sip/host.h"

#include <arpa/inet.h>
#include <string.h>

#include "sip/charset.h"

/* The 16 or 4 bytes of a literal address. The length, or 0 when it is none. */
static size_t literal(sip_host_kind kind, str text, unsigned char out[16])
{
    char z[INET6_ADDRSTRLEN + 1];
    if (text.n >= sizeof(z))
        return 0;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (kind == SIP_HOST_IPV4)
        return inet_pton(AF_INET, z, out) == 1 ? 4 : 0;
    char *three = strstr(z, ":::");
    if (three)
        memmove(three, three + 1, strlen(three));
    return inet_pton(AF_INET6, z, out) == 1 ? 16 : 0;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Four numbers up to 255; without leading-zero rules, as the grammar has 1*3DIGIT. */
static bool is_ipv4(str s)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        unsigned v = 0;
        size_t start = at;
        while (at < s.n && at < start + 3 && digit(s.p[at]))
            v = v * 10 + (unsigned)(s.p[at++] - '0');
        if (at == start || v > 255)
            return false;
        if (part < 3 && (at == s.n || s.p[at++] != '.'))
            return false;
    }
    return at == s.n;
}

/* Length of the name at the start of s, 0 when there is no proper one. Labels of letters, digits
 * and inner hyphens. The grammar wants the last label to begin with a letter; names such as a
 * container's "3f2a1b9c" are in use, so only one of nothing but digits is refused: it is a bad IPv4
 * address. */
static size_t name_end(str s)
{
    size_t label = 0, i = 0;
    bool numeric = true;
    for (; i < s.n && sip_is(s.p[i], SIP_C_HOST); i++) {
        if (s.p[i] == '.') {
            if (i == label || s.p[label] == '-' || s.p[i - 1] == '-')
                return 0;
            label = i + 1;
            if (i + 1 < s.n && sip_is(s.p[i + 1], SIP_C_HOST))
                numeric = true; /* of the next label; a final dot begins none */
        } else {
            numeric = numeric && digit(s.p[i]);
        }
    }
    if (i == 0 || numeric || s.p[i - 1] == '-' || (label < i && s.p[label] == '-'))
        return 0;
    return i;
}

size_t sip_host_parse(str text, sip_host *out)
{
    unsigned char bytes[16];
    if (text.n && text.p[0] == '[') {
        size_t end = str_chr(text, ']', 1);
        str inner = str_sub(text, 1, end - 1);
        if (end == text.n || inner.n == 0 || !literal(SIP_HOST_IPV6, inner, bytes))
            return 0;
        *out = (sip_host){SIP_HOST_IPV6, inner};
        return end + 1;
    }
    size_t n = name_end(text);
    if (n > 0) {
        *out = (sip_host){SIP_HOST_NAME, {text.p, n}};
        return n;
    }
    str s = {text.p, sip_skip(text, 0, SIP_C_HOST)};
    if (!is_ipv4(s))
        return 0;
    *out = (sip_host){SIP_HOST_IPV4, s};
    return s.n;
}

bool sip_host_eq(const sip_host *a, const sip_host *b)
{
    unsigned char x[16], y[16];
    if (a->kind != b->kind)
        return false;
    if (str_ieq(a->text, b->text))
        return true;
    if (a->kind != SIP_HOST_IPV6)
        return false;
    return literal(a->kind, a->text, x) && literal(b->kind, b->text, y) && memcmp(x, y, 16) == 0;
}

bool sip_host_is(const sip_host *h, str ip)
{
    sip_host other = {str_chr(ip, ':', 0) < ip.n ? SIP_HOST_IPV6 : SIP_HOST_IPV4, ip};
    return sip_host_eq(h, &other);
}

void sip_host_write(buf *out, const sip_host *h)
{
    if (h->kind == SIP_HOST_IPV6)
        buf_byte(out, '[');
    buf_str(out, h->text);
    if (h->kind == SIP_HOST_IPV6)
        buf_byte(out, ']');
}
