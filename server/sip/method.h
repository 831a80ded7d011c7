/* Request methods (RFC 3261 7.1 and the IANA registry). */
#ifndef VIADUCT_SIP_METHOD_H
#define VIADUCT_SIP_METHOD_H

#include "base/str.h"

typedef enum sip_method {
    SIP_METHOD_OTHER,
    SIP_INVITE,
    SIP_ACK,
    SIP_BYE,
    SIP_CANCEL,
    SIP_REGISTER,
    SIP_OPTIONS,
    SIP_MESSAGE,
    SIP_INFO,
    SIP_NOTIFY,
    SIP_PRACK,
    SIP_PUBLISH,
    SIP_REFER,
    SIP_SUBSCRIBE,
    SIP_UPDATE,
    SIP_METHODS, /* how many there are */
} sip_method;

/* By name; methods are case-sensitive. */
sip_method sip_method_of(str name);
str sip_method_name(sip_method m); /* empty for SIP_METHOD_OTHER */

#endif
