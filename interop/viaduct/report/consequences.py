"""What goes wrong in practice when a header or element is not as it should be.

A requirement says what is due; these sentences say why anybody should care. They are keyed by the
`header` of a catalogue entry, in lower case.
"""

from viaduct.catalogue import Requirement

_VIA = (
    "Responses find their way back by Via alone. A wrong transport, a missing branch, received or "
    "rport sends them to the wrong place or nowhere, and the caller sees a timeout instead of an "
    "answer."
)
_HANDSHAKE = (
    "Browsers refuse a WebSocket whose handshake is not exactly right, so the client never gets "
    "to speak SIP at all; a server that is too lax speaks to peers which mean something else."
)
_FRAMES = (
    "A peer that follows RFC 6455 has to fail the connection on a bad frame: all calls and "
    "registrations on it are lost at once."
)
_PULSE = (
    "A peer that gets no proper answer to its Ping takes the connection for dead: all calls and "
    "registrations on it are lost."
)
_ROUTES = (
    "Requests inside a dialog follow the route set. If it is wrong, the call is answered but ACK, "
    "re-INVITE or BYE never arrive: it drops after half a minute, or cannot be hung up."
)
_AUTH = "Credentials are refused or, worse, accepted where they should not be."

_BY_HEADER = {
    "via": _VIA,
    "record-route": _ROUTES,
    "route": _ROUTES,
    "contact": (
        "Contact tells the other side where to reach this one for the rest of the dialog or until "
        "the binding expires. A WebSocket client cannot be dialled: with a wrong Contact it can "
        "call but never be called, or it loses the call at the first request in the other "
        "direction."
    ),
    "path": (
        "Path is how a registrar learns that a client is behind an edge proxy. Without it, "
        "incoming calls are sent to an address that does not exist."
    ),
    "service-route": "Later requests of the client take another way than the registrar asked for.",
    "request-uri": (
        "The Request-URI decides who receives the request; a wrong one ends in 404, in a loop, or "
        "with the wrong user."
    ),
    "message": (
        "The two ends no longer agree on the state of the transaction or dialog: requests are "
        "repeated, answered twice, or left hanging until a timer ends them."
    ),
    "cseq": "A response is not matched to its request, or a request is taken for a stale one.",
    "call-id": "The message is put into another dialog or registration than the one it belongs to.",
    "max-forwards": "Without the count a loop between two proxies runs until one of them is down.",
    "max-breadth": "A forking loop multiplies requests until a proxy is down.",
    "content-length": (
        "On a stream the next message starts in the wrong place and everything after it is lost; "
        "on other transports the body is cut short or padded."
    ),
    "supported": "The peer does not know that an extension may be used, and falls back or refuses.",
    "require": "A peer goes on without an extension that both sides have to apply for it to work.",
    "proxy-require": "A proxy forwards what it was told not to forward without understanding it.",
    "flow-timer": (
        "The client keeps its flow alive too rarely, a NAT forgets it, and calls stop coming."
    ),
    "min-expires": (
        "A client that asked for too short a time does not learn what would be accepted."
    ),
    "handshake": _HANDSHAKE,
    "tls": "The connection is refused, or it is not protected although everybody believes it is.",
    "origin": "Any web page can open connections in the name of the user who visits it.",
    "ping": _PULSE,
    "pong": _PULSE,
    "utf-8": _FRAMES,
    "mask": _FRAMES,
    "opcode": _FRAMES,
    "fragmentation": (
        "Large messages, such as an INVITE with many candidates, are cut or refused while small "
        "ones pass: calls fail for some users only."
    ),
    "www-authenticate": _AUTH,
    "proxy-authenticate": _AUTH,
    "authorization": _AUTH,
    "retry-after": (
        "Clients come back all at once, or too early, and keep an overloaded server down."
    ),
}
_HANDSHAKE_WORDS = ("sec-websocket", "upgrade", "request line", "status 1", "status 4", "host")
_FRAME_WORDS = tuple("fin rsv close payload masking opcode control text".split())


def consequence(requirement: Requirement) -> str:
    """The sentence for this requirement, or "" where none would be true for sure."""
    header = requirement.header.lower()
    if header in ("from", "to") and "tag" in requirement.text.lower():
        return "Dialogs are told apart by tag; without it a forked call mixes up its branches."
    if header in _BY_HEADER:
        return _BY_HEADER[header]
    if not requirement.id.startswith(("RFC6455", "RFC7118", "RFC8441", "RFC7692")):
        return ""
    if header.startswith(_HANDSHAKE_WORDS):
        return _HANDSHAKE
    return _FRAMES if header.startswith(_FRAME_WORDS) else ""
