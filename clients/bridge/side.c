#include "bridge/side.h"

int side_send(side *s, str message, const char **why)
{
    return s->send(s, message, why);
}

void side_close(side *s, const char *why)
{
    s->close(s, why);
}
