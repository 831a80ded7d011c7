/* Route sets: the values of Route, Record-Route, Path and Service-Route (RFC
 * 3261 12.2, 16.4, 16.6, 20.30, 20.34; RFC 3327; RFC 3608). */
#ifndef VIADUCT_SIP_ROUTE_H
#define VIADUCT_SIP_ROUTE_H

#include "sip/message.h"

/* The n-th value (from 0) of all fields of an id, across lines and commas. 0; 1 when there are not
 * that many; -1 with *err (its offset counted in m->text) when a value up to it is malformed. */
int sip_route_get(const sip_message *m, sip_header id, size_t n, sip_addr *out, sip_error *err);

/* How many values there are; malformed ones count. */
size_t sip_route_count(const sip_message *m, sip_header id);

/* Is the URI of a loose router: parameter lr, with or without value (RFC 3261 16.6 step 6). */
bool sip_route_is_loose(const sip_addr *a);

#endif
