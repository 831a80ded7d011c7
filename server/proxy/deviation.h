/* Where the message rows of the fault table are carried out: between the proxy and the wire, on
 * whole messages, so that the proxy itself knows nothing of them (fault/proxy_faults.h). Without
 * VIADUCT_FAULTS this is nothing at all. */
#ifndef VIADUCT_PROXY_DEVIATION_H
#define VIADUCT_PROXY_DEVIATION_H

#include "proxy/core.h"

#ifdef VIADUCT_FAULTS

/* Changes a message that is about to leave as the faults that are on demand; *text then lies in a
 * buffer that is good until the next call. False: it is not to be sent at all. */
bool deviation_out(proxy *p, flow *f, str *text);

/* Gives a branch that was changed on its way out its first form again, so that a response still
 * finds its transaction. */
void deviation_in(proxy *p, str *text);

#else
#define deviation_out(p, f, text) ((void)(p), (void)(f), (void)(text), true)
#define deviation_in(p, text) ((void)(p), (void)(text))
#endif

#endif
