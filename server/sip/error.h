/* What a parser of this folder says about text it refuses. */
#ifndef VIADUCT_SIP_ERROR_H
#define VIADUCT_SIP_ERROR_H

#include "base/str.h"

typedef struct sip_error {
    size_t at;        /* offset of the byte that is wrong, in the slice given to the parser */
    const char *text; /* static, without a full stop: "port is not a number" */
} sip_error;

/* Fills *err unless err is NULL; always -1, so that a parser can return it. */
static inline int sip_refuse(sip_error *err, size_t at, const char *text)
{
    if (err)
        *err = (sip_error){at, text};
    return -1;
}

#endif
