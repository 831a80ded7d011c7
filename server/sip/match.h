/* What makes messages belong to one transaction (RFC 3261 17.1.3, 17.2.3), as a key: messages of
 * one transaction have equal keys, all others different ones. Client and server keys never meet. */
#ifndef VIADUCT_SIP_MATCH_H
#define VIADUCT_SIP_MATCH_H

#include "base/buf.h"
#include "sip/message.h"

/* Appends the key of a client transaction. method: as in CSeq. */
void sip_match_client(buf *key, str branch, str method);

/* Appends the key of the server transaction that request m belongs to. method: of the request that
 * the transaction was made for, which for an ACK is INVITE. */
void sip_match_server(buf *key, const sip_message *m, str method);

#endif
