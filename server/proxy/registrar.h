/* The registrar: a REGISTER in, its response out, the location service changed in between (RFC 3261
 * 10.3, RFC 3327 5.3, RFC 5626 section 6, RFC 5630 5.2). A request that is refused changes nothing.
 */
#ifndef VIADUCT_PROXY_REGISTRAR_H
#define VIADUCT_PROXY_REGISTRAR_H

#include "proxy/request.h"

void registrar_handle(request *r);

#endif
