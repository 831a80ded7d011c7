/* One readable line per event on stderr, off by default:
 *   HH:MM:SS.mmm level component event key=value ...
 * The level is set once, before any loop runs; writing is one write(2) per line, so that threads
 * do not mix lines. Control bytes in values are shown as \xNN, so a peer cannot forge a line. */
#ifndef VIADUCT_BASE_LOG_H
#define VIADUCT_BASE_LOG_H

#include "base/str.h"

typedef enum log_level { LOG_OFF, LOG_ERROR, LOG_INFO, LOG_DEBUG } log_level;

int log_level_parse(str name, log_level *out); /* "off", "error", "info", "debug": 0, or -1 */
void log_set_level(log_level level);
bool log_on(log_level level);
/* fmt gives the "key=value ..." part. Long lines are cut at 1000 bytes. */
void log_event(log_level level, const char *component, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Evaluate their arguments only when the level is on. */
#define log_error(component, ...) LOG_AT(LOG_ERROR, component, __VA_ARGS__)
#define log_info(component, ...) LOG_AT(LOG_INFO, component, __VA_ARGS__)
#define log_debug(component, ...) LOG_AT(LOG_DEBUG, component, __VA_ARGS__)
#define LOG_AT(level, component, ...)                                                              \
    do {                                                                                           \
        if (log_on(level))                                                                         \
            log_event(level, component, __VA_ARGS__);                                              \
    } while (0)

#endif
