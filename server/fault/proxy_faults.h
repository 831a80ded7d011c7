/* Rows of the fault table that concern the proxy, the registrar and outbound; see fault.h.
 *
 * Those of the first table change messages on their way out and are all done in one place
 * (proxy/deviation.c). Those of the second change decisions, and are asked for where the decision
 * is made. */
#ifndef VIADUCT_FAULT_PROXY_FAULTS_H
#define VIADUCT_FAULT_PROXY_FAULTS_H

#define FAULT_MESSAGE_TABLE(X)                                                                     \
    X(FAULT_VIA_WS_ON_WSS, "via-ws-on-wss", "RFC7118-5.1-b",                                       \
      "the proxy's Via on a secure WebSocket says WS")                                             \
    X(FAULT_VIA_TCP_ON_TLS, "via-tcp-on-tls", "RFC3261-8.1.1.7-d",                                 \
      "the proxy's Via on a TLS connection says TCP")                                              \
    X(FAULT_VIA_UDP_ON_WS, "via-udp-on-ws", "RFC7118-5.1-a",                                       \
      "the proxy's Via on a plain WebSocket says UDP")                                             \
    X(FAULT_VIA_BELOW, "via-below", "RFC3261-16.6-o",                                              \
      "the proxy puts its Via below that of the sender")                                           \
    X(FAULT_VIA_REMOVED_FOREIGN, "via-removed-foreign", "RFC3261-16.6-o",                          \
      "the proxy takes the sender's Via off the request")                                          \
    X(FAULT_VIA_NOT_POPPED, "via-not-popped", "RFC3261-16.7-a",                                    \
      "a forwarded response still has a Via of the proxy on top")                                  \
    X(FAULT_VIA_CHANGED_IN_RESPONSE, "via-changed-in-response", "RFC3261-8.2.6.2-a",               \
      "the branch in the Via of a response is not that of the request")                            \
    X(FAULT_BRANCH_NO_COOKIE, "branch-no-cookie", "RFC3261-16.6-p",                                \
      "the proxy's branch does not begin with z9hG4bK")                                            \
    X(FAULT_BRANCH_REUSED, "branch-reused", "RFC3261-8.1.1.7-c",                                   \
      "every request of the proxy has the same branch")                                            \
    X(FAULT_DROP_RPORT, "drop-rport", "RFC3581-4-a",                                               \
      "an rport that the sender asked for is not filled in")                                       \
    X(FAULT_DROP_RECEIVED, "drop-received", "RFC3581-4-b",                                         \
      "received is not added beside rport or an unlike sent-by")                                   \
    X(FAULT_RPORT_UNASKED, "rport-unasked", "RFC3581-4-f",                                         \
      "rport is added to a Via that did not ask for it")                                           \
    X(FAULT_RECORD_ROUTE_MISSING, "record-route-missing", "RFC7118-B.2-a",                         \
      "the proxy does not record-route")                                                           \
    X(FAULT_RECORD_ROUTE_SINGLE, "record-route-single", "RFC5658-6.2-a",                           \
      "of two Record-Route values only the one for the far side is put in")                        \
    X(FAULT_RECORD_ROUTE_SWAPPED, "record-route-swapped", "RFC5658-5-a",                           \
      "the Record-Route values of the two sides are in the wrong order")                           \
    X(FAULT_RECORD_ROUTE_BELOW, "record-route-below", "RFC3261-16.6-e",                            \
      "the proxy's Record-Route stands below that of others")                                      \
    X(FAULT_RECORD_ROUTE_NO_LR, "record-route-no-lr", "RFC3261-16.6-f",                            \
      "the proxy's Record-Route has no lr")                                                        \
    X(FAULT_RECORD_ROUTE_WSS, "record-route-wss", "RFC7118-5.2-b",                                 \
      "the Record-Route for a WebSocket side has transport=wss")                                   \
    X(FAULT_RECORD_ROUTE_TLS, "record-route-tls", "RFC5658-6.2-d",                                 \
      "the Record-Route for a TLS side has transport=tls")                                         \
    X(FAULT_RECORD_ROUTE_NO_TRANSPORT, "record-route-no-transport", "RFC5658-6.2-b",               \
      "Record-Route values have no transport parameter")                                           \
    X(FAULT_RECORD_ROUTE_NO_TOKEN, "record-route-no-token", "RFC5626-5.3.2-a",                     \
      "Record-Route values have no flow token")                                                    \
    X(FAULT_RECORD_ROUTE_OB, "record-route-ob", "RFC5626-5.3.1-b", "Record-Route values have ob")  \
    X(FAULT_RECORD_ROUTE_REINVITE_MISSING, "record-route-reinvite-missing", "RFC3261-16.6-j",      \
      "requests within a dialog get no Record-Route")                                              \
    X(FAULT_RECORD_ROUTE_CHANGED_IN_RESPONSE, "record-route-changed-in-response", "RFC5658-5-b",   \
      "the first Record-Route value is taken off responses")                                       \
    X(FAULT_ROUTE_KEPT, "route-kept", "RFC3261-16.4-b",                                            \
      "a Route value that names the proxy is left in requests within a dialog")                    \
    X(FAULT_RURI_REWRITTEN, "ruri-rewritten", "RFC3261-16.5-a",                                    \
      "the Request-URI of requests within a dialog gets a parameter")                              \
    X(FAULT_CONTACT_REWRITTEN, "contact-rewritten", "RFC7118-8.2-s",                               \
      "the Contact is replaced by the proxy's address")                                            \
    X(FAULT_MAX_FORWARDS_KEPT, "max-forwards-kept", "RFC3261-16.6-d",                              \
      "Max-Forwards is not lowered")                                                               \
    X(FAULT_MAX_FORWARDS_MISSING, "max-forwards-missing", "RFC3261-16.6-d",                        \
      "Max-Forwards is taken off")                                                                 \
    X(FAULT_MAX_BREADTH_MISSING, "max-breadth-missing", "RFC5393-5.3.3-a",                         \
      "Max-Breadth is not added")                                                                  \
    X(FAULT_BODY_CHANGED, "body-changed", "RFC3261-16.6-b", "a byte of the body is changed")       \
    X(FAULT_HEADER_DROPPED, "header-dropped", "RFC3261-16.6-a",                                    \
      "header fields that the proxy does not know are dropped")                                    \
    X(FAULT_HEADER_REORDERED, "header-reordered", "RFC3261-16.6-a",                                \
      "the first two fields of an unknown name change places")                                     \
    X(FAULT_FROM_CHANGED, "from-changed", "RFC3261-16.6-a",                                        \
      "the tag of From is changed in requests")                                                    \
    X(FAULT_CSEQ_CHANGED, "cseq-changed", "RFC3261-8.2.6.2-b",                                     \
      "the CSeq number of a response is not that of the request")                                  \
    X(FAULT_CALLID_CHANGED, "callid-changed", "RFC3261-8.2.6.2-b",                                 \
      "the Call-ID of a response is not that of the request")                                      \
    X(FAULT_TO_TAG_ADDED, "to-tag-added", "RFC3261-16.7-g",                                        \
      "the To tag of forwarded responses is changed")                                              \
    X(FAULT_STATUS_CHANGED, "status-changed", "RFC3261-16.7-e",                                    \
      "a rejection of a call reaches the caller as 480")                                           \
    X(FAULT_CONTENT_LENGTH_MISSING, "content-length-missing", "RFC3261-20.14-a",                   \
      "messages have no Content-Length on TCP and TLS")                                            \
    X(FAULT_CONTENT_LENGTH_WRONG, "content-length-wrong", "RFC3261-20.14-a",                       \
      "Content-Length is one more than the body")                                                  \
    X(FAULT_CANCEL_NEW_BRANCH, "cancel-new-branch", "RFC3261-9.1-a",                               \
      "a CANCEL has a branch of its own")                                                          \
    X(FAULT_CANCEL_SWALLOWED, "cancel-swallowed", "RFC3261-16.10-a",                               \
      "a CANCEL is answered but not sent on")                                                      \
    X(FAULT_ACK_SWALLOWED, "ack-swallowed", "RFC3261-16.4-b", "the ACK to a 2xx is not forwarded") \
    X(FAULT_ACK_REJECTION_MISSING, "ack-rejection-missing", "RFC3261-17.1.1.2-c",                  \
      "the ACK to a rejection is not sent")                                                        \
    X(FAULT_ACK_REJECTION_NEW_BRANCH, "ack-rejection-new-branch", "RFC3261-17.1.1.3-a",            \
      "the ACK to a rejection has a branch of its own")                                            \
    X(FAULT_TRYING_MISSING, "trying-missing", "RFC3261-17.2.1-a", "an INVITE draws no 100")        \
    X(FAULT_RINGING_SWALLOWED, "ringing-swallowed", "RFC3261-16.7-c", "180 is not forwarded")      \
    X(FAULT_PATH_MISSING, "path-missing", "RFC5626-5.1-a",                                         \
      "a REGISTER is forwarded without a Path of the proxy")                                       \
    X(FAULT_PATH_MISSING_OB, "path-missing-ob", "RFC5626-5.1-f",                                   \
      "the Path of the first hop has no ob")                                                       \
    X(FAULT_PATH_ECHO_MISSING, "path-echo-missing", "RFC3327-4-e",                                 \
      "the 200 to a REGISTER does not give Path back")                                             \
    X(FAULT_REGISTER_NO_EXPIRES, "register-no-expires", "RFC3261-10.3-l",                          \
      "contacts in the 200 to a REGISTER have no expires")                                         \
    X(FAULT_REGISTER_CONTACT_MISSING, "register-contact-missing", "RFC3261-10.3-k",                \
      "the 200 to a REGISTER lists no contacts")                                                   \
    X(FAULT_REGISTER_CONTACT_ONE, "register-contact-one", "RFC3261-10.3-k",                        \
      "the 200 to a REGISTER lists the newest contact only")                                       \
    X(FAULT_REGISTER_REQUIRE_MISSING, "register-require-missing", "RFC5626-6-p",                   \
      "the 200 to an outbound REGISTER has no Require: outbound")                                  \
    X(FAULT_REGISTER_RECORD_ROUTE, "register-record-route", "RFC3261-10.3-a",                      \
      "the 200 to a REGISTER has a Record-Route")                                                  \
    X(FAULT_REGISTER_PARAMS_MISSING, "register-params-missing", "RFC7118-8.1-g",                   \
      "contacts in the 200 to a REGISTER have no parameters but expires")                          \
    X(FAULT_MIN_EXPIRES_MISSING, "min-expires-missing", "RFC3261-10.3-j",                          \
      "a 423 has no Min-Expires")                                                                  \
    X(FAULT_UNSUPPORTED_MISSING, "unsupported-missing", "RFC3261-16.3-e",                          \
      "a 420 does not name the extension")                                                         \
    X(FAULT_STATUS_400_AS_500, "status-400-as-500", "RFC3261-18.3-b",                              \
      "malformed requests are answered by 500")                                                    \
    X(FAULT_STATUS_403_AS_404, "status-403-as-404", "RFC5626-5.3.1-d",                             \
      "a forged flow token draws 404")                                                             \
    X(FAULT_STATUS_404_AS_480, "status-404-as-480", "RFC3261-16.5-c", "an unknown user draws 480") \
    X(FAULT_STATUS_480_AS_404, "status-480-as-404", "RFC3261-16.5-d",                              \
      "a user without bindings draws 404")                                                         \
    X(FAULT_STATUS_416_AS_404, "status-416-as-404", "RFC3261-16.3-c",                              \
      "an unknown URI scheme draws 404")                                                           \
    X(FAULT_STATUS_420_AS_403, "status-420-as-403", "RFC3261-16.3-e",                              \
      "an unknown extension draws 403")                                                            \
    X(FAULT_STATUS_423_AS_400, "status-423-as-400", "RFC3261-10.3-j",                              \
      "a registration that is too short draws 400")                                                \
    X(FAULT_STATUS_430_AS_408, "status-430-as-408", "RFC5626-5.3.1-e",                             \
      "the token of a dead flow draws 408")                                                        \
    X(FAULT_STATUS_439_AS_420, "status-439-as-420", "RFC5626-6-d",                                 \
      "a first hop without outbound draws 420")                                                    \
    X(FAULT_STATUS_481_AS_200, "status-481-as-200", "RFC3261-16.10-a",                             \
      "a CANCEL without transaction draws 200")                                                    \
    X(FAULT_STATUS_482_AS_500, "status-482-as-500", "RFC5393-4.2.2-a", "a loop draws 500")         \
    X(FAULT_STATUS_483_AS_500, "status-483-as-500", "RFC3261-16.3-d", "Max-Forwards 0 draws 500")  \
    X(FAULT_STATUS_505_AS_400, "status-505-as-400", "RFC4475-3.1.2.16-a",                          \
      "another SIP version draws 400")

#define FAULT_DECISION_TABLE(X)                                                                    \
    X(FAULT_FLOW_IGNORED, "flow-ignored", "RFC5626-7-e",                                           \
      "the contact of a binding is dialled, not its flow used")                                    \
    X(FAULT_FLOW_DEAD_DIALLED, "flow-dead-dialled", "RFC5626-5.3.1-f",                             \
      "when the flow of a token is gone, the Request-URI is dialled")                              \
    X(FAULT_FLOW_BINDINGS_KEPT, "flow-bindings-kept", "RFC5626-7-f",                               \
      "bindings outlive their flow, and what is sent to them meets silence")                       \
    X(FAULT_RESOLVE_INVALID, "resolve-invalid", "RFC3263-4.1-d",                                   \
      "the .invalid host of a contact is looked up")                                               \
    X(FAULT_TOKEN_UNSIGNED, "token-unsigned", "RFC5626-5.2-a",                                     \
      "a flow token is taken without looking at its signature")                                    \
    X(FAULT_RESPONSE_TO_SENT_BY, "response-to-sent-by", "RFC3581-4-d",                             \
      "responses over UDP go to the port of sent-by, rport or not")                                \
    X(FAULT_MAX_FORWARDS_IGNORED, "max-forwards-ignored", "RFC3261-16.3-d",                        \
      "a request with Max-Forwards 0 is forwarded")                                                \
    X(FAULT_LOOP_IGNORED, "loop-ignored", "RFC5393-4.2.2-a", "loops are not detected")             \
    X(FAULT_PROXY_REQUIRE_IGNORED, "proxy-require-ignored", "RFC3261-16.3-e",                      \
      "unknown options in Proxy-Require are not refused")                                          \
    X(FAULT_METHOD_REFUSED, "method-refused", "RFC3261-16.3-a",                                    \
      "a request of an unknown method draws 405")                                                  \
    X(FAULT_SCHEME_IGNORED, "scheme-ignored", "RFC3261-16.3-c",                                    \
      "a request for an unknown URI scheme is not answered")                                       \
    X(FAULT_MALFORMED_SILENT, "malformed-silent", "RFC3261-18.3-b",                                \
      "a malformed request is not answered")                                                       \
    X(FAULT_TRYING_FORWARDED, "trying-forwarded", "RFC3261-16.7-c",                                \
      "the 100 of the next hop is forwarded")                                                      \
    X(FAULT_TRYING_NON_INVITE, "trying-non-invite", "RFC4320-4.1-b",                               \
      "every forwarded request draws a 100")                                                       \
    X(FAULT_PROVISIONAL_NON_INVITE, "provisional-non-invite", "RFC4320-4.1-a",                     \
      "provisional responses to other requests than INVITE are forwarded")                         \
    X(FAULT_TIMEOUT_NON_INVITE, "timeout-non-invite", "RFC4320-4.2-a",                             \
      "an unanswered request other than INVITE draws 408")                                         \
    X(FAULT_BUSY_503_FORWARDED, "busy-503-forwarded", "RFC3261-16.7-f",                            \
      "a 503 is forwarded as it is")                                                               \
    X(FAULT_FORK_FIRST_ONLY, "fork-first-only", "RFC3261-16.7-e",                                  \
      "of several contacts only the newest is tried")                                              \
    X(FAULT_FORK_NO_CANCEL, "fork-no-cancel", "RFC3261-16.7-k",                                    \
      "pending branches are not cancelled after an answer")                                        \
    X(FAULT_REGISTER_STALE_KEPT, "register-stale-kept", "RFC5626-6-n",                             \
      "a new contact of the same instance and reg-id does not replace the old one")                \
    X(FAULT_REGISTER_CSEQ_IGNORED, "register-cseq-ignored", "RFC3261-10.3-h",                      \
      "an older CSeq of the same Call-ID changes the binding")                                     \
    X(FAULT_REGISTER_SHORT_TAKEN, "register-short-taken", "RFC3261-10.3-j",                        \
      "registrations may be as short as they like")                                                \
    X(FAULT_REGISTER_STAR_IGNORED, "register-star-ignored", "RFC3261-10.3-g",                      \
      "Contact * beside other contacts is taken")                                                  \
    X(FAULT_REGISTER_SIPS_TAKEN, "register-sips-taken", "RFC5630-5.2-b",                           \
      "a sips contact is registered by a sip request")                                             \
    X(FAULT_REGISTER_EXPIRES_IGNORED, "register-expires-ignored", "RFC3261-10.3-i",                \
      "the expires of a contact does not count, only Expires does")                                \
    X(FAULT_SIPS_DOWNGRADED, "sips-downgraded", "RFC3261-26.2.2-a",                                \
      "a request for a sips URI is sent over any transport")

#define FAULT_PROXY_TABLE(X)                                                                       \
    FAULT_MESSAGE_TABLE(X)                                                                         \
    FAULT_DECISION_TABLE(X)

#endif
