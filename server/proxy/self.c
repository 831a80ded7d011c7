#include "proxy/self.h"

static const char *const NO_EXTENSIONS[] = {"path", "outbound", NULL};

void self_handle(request *r)
{
    if (request_refuse_options(r, SIP_REQUIRE, NO_EXTENSIONS))
        return;
    if (r->m->method == SIP_OPTIONS)
        request_answer(r, 200, STR(""),
                       STR("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, REGISTER, "
                           "SUBSCRIBE, NOTIFY, REFER, UPDATE, INFO, PRACK, PUBLISH\r\n"
                           "Accept: application/sdp\r\n"
                           "Accept-Encoding: identity\r\n"
                           "Accept-Language: en\r\n"
                           "Supported: path, outbound\r\n"));
    else
        request_answer(r, 405, STR(""), STR("Allow: OPTIONS, REGISTER\r\n"));
}
