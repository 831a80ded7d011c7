#include "fault/fault.h"

#include <string.h>

static const fault_row ROWS[] = {
#define FAULT_ROW(id, name, requirement, text) {name, requirement, text},
    FAULT_TABLE(FAULT_ROW)
#undef FAULT_ROW
};

const fault_row *fault_at(size_t i)
{
    return i < FAULT_COUNT ? &ROWS[i] : NULL;
}

#ifdef VIADUCT_FAULTS

/* Written while options are read, only read afterwards. */
static bool enabled[FAULT_COUNT];

bool fault_on(fault f)
{
    return enabled[f];
}

bool fault_compiled(void)
{
    return true;
}

int fault_enable(const char *name)
{
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (strcmp(ROWS[i].name, name) == 0) {
            enabled[i] = true;
            return 0;
        }
    }
    return -1;
}

void fault_disable_all(void)
{
    memset(enabled, 0, sizeof(enabled));
}

#else

bool fault_compiled(void)
{
    return false;
}

int fault_enable(const char *name)
{
    (void)name;
    return -1;
}

void fault_disable_all(void)
{
}

#endif
