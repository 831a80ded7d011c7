/* Requests for the server itself: its own domain or address without a user (RFC 3261 8.2, 11.2,
 * 16.5). */
#ifndef VIADUCT_PROXY_SELF_H
#define VIADUCT_PROXY_SELF_H

#include "proxy/request.h"

void self_handle(request *r);

#endif
