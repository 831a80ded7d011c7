/* Reason phrases of status codes (RFC 3261 21 and the IANA registry). */
#ifndef VIADUCT_SIP_REASON_H
#define VIADUCT_SIP_REASON_H

#include "base/str.h"

/* The usual phrase, "Not Found"; "Unknown" for codes that no RFC names. */
str sip_reason_of(unsigned status);

#endif
