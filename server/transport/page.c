/* Files of the client page. The path of a request is taken apart into names, and each is opened
 * relative to the directory before it without following links: what is outside cannot be named. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/inside.h"

enum { PATH_SIZE = 1024, NAME_SIZE = 256 };

static const struct {
    const char *suffix, *type;
} TYPES[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".wasm", "application/wasm"},
    {".wav", "audio/wav"},
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes one path segment. 0, or -1 when it is malformed, too long, or no plain name:
 * starting with a dot, or holding a slash, a backslash or a control character. */
static int segment_name(str segment, char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < segment.n; i++) {
        int c = (unsigned char)segment.p[i];
        if (c == '%') {
            int high = i + 2 < segment.n ? hex(segment.p[i + 1]) : -1;
            int low = high >= 0 ? hex(segment.p[i + 2]) : -1;
            if (low < 0)
                return -1;
            c = high << 4 | low;
            i += 2;
        }
        if (c < ' ' || c == 0x7f || c == '/' || c == '\\' || n + 1 >= NAME_SIZE)
            return -1;
        name[n++] = (char)c;
    }
    name[n] = 0;
    return n == 0 || name[0] == '.' ? -1 : 0;
}

static const char *type_of(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        size_t k = strlen(TYPES[i].suffix);
        if (n > k && strcmp(name + n - k, TYPES[i].suffix) == 0)
            return TYPES[i].type;
    }
    return "application/octet-stream";
}

int page_open(const char *root, str path, uint64_t *size, const char **type)
{
    if (!root || path.n == 0 || path.n > PATH_SIZE || path.p[0] != '/')
        return -1;
    int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t from = 1; at >= 0;) {
        size_t end = str_chr(path, '/', from);
        str segment = str_sub(path, from, end - from);
        bool last = end == path.n;
        char name[NAME_SIZE] = "index.html";
        if (!(last && segment.n == 0) && segment_name(segment, name)) {
            close(at);
            return -1;
        }
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
        int next = openat(at, name, flags);
        close(at);
        at = next;
        if (last) {
            *type = type_of(name);
            break;
        }
        from = end + 1;
    }
    struct stat st;
    if (at >= 0 && (fstat(at, &st) || !S_ISREG(st.st_mode))) {
        close(at);
        at = -1;
    }
    if (at >= 0)
        *size = (uint64_t)st.st_size;
    return at;
}
