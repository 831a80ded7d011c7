#include "sip/method.h"

static const str names[SIP_METHODS] = {
    [SIP_INVITE] = {"INVITE", 6},
    [SIP_ACK] = {"ACK", 3},
    [SIP_BYE] = {"BYE", 3},
    [SIP_CANCEL] = {"CANCEL", 6},
    [SIP_REGISTER] = {"REGISTER", 8},
    [SIP_OPTIONS] = {"OPTIONS", 7},
    [SIP_MESSAGE] = {"MESSAGE", 7},
    [SIP_INFO] = {"INFO", 4},
    [SIP_NOTIFY] = {"NOTIFY", 6},
    [SIP_PRACK] = {"PRACK", 5},
    [SIP_PUBLISH] = {"PUBLISH", 7},
    [SIP_REFER] = {"REFER", 5},
    [SIP_SUBSCRIBE] = {"SUBSCRIBE", 9},
    [SIP_UPDATE] = {"UPDATE", 6},
};

sip_method sip_method_of(str name)
{
    for (unsigned m = SIP_INVITE; m < SIP_METHODS; m++)
        if (str_eq(names[m], name))
            return (sip_method)m;
    return SIP_METHOD_OTHER;
}

str sip_method_name(sip_method m)
{
    return names[m];
}
