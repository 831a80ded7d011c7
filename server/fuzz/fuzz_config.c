/* A configuration file of any bytes: read or refused with a reason, and freed whole. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

typedef struct settings {
    bool fast;
    char *name;
    uint64_t port;
    config_list listen;
} settings;

static const config_option TABLE[] = {
    {.name = "fast", .kind = CONFIG_FLAG, .offset = offsetof(settings, fast)},
    {.name = "name", .kind = CONFIG_TEXT, .offset = offsetof(settings, name), .argument = "NAME"},
    {.name = "port",
     .kind = CONFIG_NUMBER,
     .offset = offsetof(settings, port),
     .max = 65535,
     .argument = "N"},
    {.name = "listen",
     .kind = CONFIG_LIST,
     .offset = offsetof(settings, listen),
     .argument = "WHERE"},
    {.name = "config", .kind = CONFIG_FILE, .argument = "FILE"},
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    settings s = {0};
    char err[200] = "";
    int result = config_text(TABLE, &s, (str){(const char *)p, n}, "x", err, sizeof(err));
    if ((result == 0) != (err[0] == 0) || s.port > 65535)
        abort();
    config_free(TABLE, &s);
    return 0;
}
