#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1000 };

static log_level threshold = LOG_OFF;

static const char *const NAMES[] = {"off", "error", "info", "debug"};

int log_level_parse(str name, log_level *out)
{
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (str_eq(name, str_of(NAMES[i]))) {
            *out = (log_level)i;
            return 0;
        }
    }
    return -1;
}

void log_set_level(log_level level)
{
    threshold = level;
}

bool log_on(log_level level)
{
    return level <= threshold && level != LOG_OFF;
}

void log_event(log_level level, const char *component, const char *event, const char *fmt, ...)
{
    if (!log_on(level))
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm tm;
    gmtime_r(&now.tv_sec, &tm);
    char text[LINE];
    int head = snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d %s %s %s ", tm.tm_hour, tm.tm_min,
                        tm.tm_sec, (int)(now.tv_nsec / 1000000), NAMES[level], component, event);
    size_t n = (size_t)head < sizeof(text) ? (size_t)head : sizeof(text) - 1;
    va_list args;
    va_start(args, fmt);
    int more = vsnprintf(text + n, sizeof(text) - n, fmt, args);
    va_end(args);
    if (more > 0)
        n = n + (size_t)more < sizeof(text) ? n + (size_t)more : sizeof(text) - 1;

    char line[4 * LINE + 1];
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c < ' ' || c == 0x7f)
            at += (size_t)snprintf(line + at, sizeof(line) - at, "\\x%02x", c);
        else
            line[at++] = (char)c;
    }
    while (at && line[at - 1] == ' ')
        at--;
    line[at++] = '\n';
    ssize_t unused = write(STDERR_FILENO, line, at); /* nobody to tell when stderr is gone */
    (void)unused;
}
