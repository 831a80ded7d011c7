"""Contact, and the URIs that name an element: transport parameters, sips, what proxies keep."""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.dialog import is_forming
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.place import plain_host
from viaduct.rules.scene.scene import Scene
from viaduct.sip.uri import Uri, aor, same_uri

_TITLES = {
    "contact": "Contact",
    "route": "Route",
    "record-route": "Record-Route",
    "path": "Path",
    "service-route": "Service-Route",
}


def written(scene: Scene, packet: Packet) -> list[tuple[str, Uri]]:
    """The SIP URIs that the sender of a message made itself, with the header each stands in."""
    return scene.once(_all_written).get(id(packet), [])


def _all_written(scene: Scene) -> dict[int, list[tuple[str, Uri]]]:
    return {id(packet): list(_written(scene, packet)) for packet in scene.fresh}


def _written(scene: Scene, packet: Packet) -> Iterator[tuple[str, Uri]]:
    for key, title in _TITLES.items():
        for value in scene.authored(packet, key):
            uri = value.uri
            if uri is not None and uri.is_sip:
                if not scene.had_heard(packet.party, uri, packet.t):
                    yield title, uri
    uri = packet.uri
    if uri is not None and uri.is_sip and packet.hop is None:
        if not scene.had_heard(packet.party, uri, packet.t):
            yield "Request-URI", uri


@rule(
    "uri-transport-wss",
    "No URI has transport=wss",
    "RFC7118-5.2-b",
    level="MUST NOT",
    legs=("ws", "wss"),
)
def transport_wss(scene: Scene) -> Iterator[Breach]:
    """The URI parameter transport has no value wss; a secure WebSocket is written transport=ws."""
    for packet in scene.fresh:
        for title, uri in written(scene, packet):
            param = uri.param("transport")
            if param is not None and uri.transport == "wss":
                yield breach(packet, f"{uri} has transport=wss.", title, param.span)


@rule(
    "uri-transport-tls",
    "transport=tls is deprecated",
    "RFC3261-26.2.2-b",
    level="SHOULD NOT",
)
def transport_tls(scene: Scene) -> Iterator[Breach]:
    """The URI parameter value transport=tls is deprecated and not written any more."""
    for packet in scene.fresh:
        for title, uri in written(scene, packet):
            param = uri.param("transport")
            if param is not None and uri.transport == "tls":
                if title not in ("Record-Route", "Contact"):
                    yield breach(packet, f"{uri} has transport=tls.", title, param.span)


@rule(
    "contact-transport-tls",
    "A Contact does not use transport=tls",
    "RFC5630-5.1.2-a",
    level="MUST NOT",
    role="agent",
)
def contact_tls(scene: Scene) -> Iterator[Breach]:
    """User agents do not put transport=tls in their Contact."""
    for packet in scene.fresh:
        if not packet.enters:
            continue
        for title, uri in written(scene, packet):
            param = uri.param("transport")
            if title == "Contact" and param is not None and uri.transport == "tls":
                yield breach(packet, f"{uri} has transport=tls.", title, param.span)


def _is_local(uri: Uri, packet: Packet) -> bool:
    """Whether a Contact stands for this very client: its .invalid name, or its own address."""
    host = plain_host(uri.host)
    if host.endswith(".invalid"):
        return True
    near = packet.link.near
    return near is not None and (host, uri.port) == (near.host, near.port)


@rule(
    "contact-transport-ws",
    "The Contact of a WebSocket client has transport=ws",
    "RFC7118-5.2-a",
    "RFC7118-8.1-d",
    role="agent",
    legs=("ws", "wss"),
)
def contact_ws(scene: Scene) -> Iterator[Breach]:
    """A Contact that is to be reached over the WebSocket connection has transport=ws."""
    for packet in scene.fresh:
        if not packet.enters or not packet.link.is_websocket:
            continue
        for title, uri in written(scene, packet):
            if title != "Contact" or uri.has("gr") or not _is_local(uri, packet):
                continue
            if uri.transport not in ("ws", "wss", "tls"):
                yield breach(packet, f"{uri} lacks transport=ws.", title, uri.span)


@rule(
    "contact-invalid-host",
    "Via and Contact of a WebSocket client share one .invalid name",
    "RFC7118-8.1-d",
    "RFC7118-8.1-c",
    role="agent",
    legs=("ws", "wss"),
)
def invalid_host(scene: Scene) -> Iterator[Breach]:
    """A client that registers a Contact with a name under .invalid uses the same name in its
    Via."""
    for packet in scene.requests:
        via = packet.top
        if not packet.enters or packet.method != "REGISTER" or via is None:
            continue
        if not packet.link.is_websocket or not via.host.endswith(".invalid"):
            continue
        for contact in packet.contacts:
            uri = contact.uri
            if uri is None or not uri.host.endswith(".invalid") or uri.host == via.host:
                continue
            if not scene.had_heard(packet.party, uri, packet.t):
                yield breach(
                    packet, f"Via says {via.host}, Contact {uri.host}.", "Contact", uri.span
                )


@rule(
    "contact-in-request",
    "A dialog-forming request has one SIP Contact",
    "RFC3261-8.1.1.8-a",
    role="agent",
)
def in_request(scene: Scene) -> Iterator[Breach]:
    """INVITE, SUBSCRIBE and REFER have exactly one Contact, a sip or sips URI."""
    for packet in scene.requests:
        if packet.enters and is_forming(packet) and not _malformed(packet):
            if not _one_contact(packet):
                yield _count_breach(packet)


@rule(
    "contact-in-response",
    "A dialog-forming response has one SIP Contact",
    "RFC3261-12.1.1-b",
    role="agent",
)
def in_response(scene: Scene) -> Iterator[Breach]:
    """A response to INVITE that forms a dialog has a Contact with a sip or sips URI."""
    for packet in scene.responses:
        request = packet.request
        if not packet.enters or request is None or request.method != "INVITE":
            continue
        if not is_forming(request) or not 100 < packet.status < 300 or packet.to_tag is None:
            continue
        if not _malformed(packet) and not _one_contact(packet):
            yield _count_breach(packet)


def _malformed(packet: Packet) -> bool:
    return packet.message is None or (packet.message.has("contact") and not packet.contacts)


def _one_contact(packet: Packet) -> bool:
    contacts = packet.contacts
    return len(contacts) == 1 and contacts[0].uri is not None and contacts[0].uri.is_sip


def _count_breach(packet: Packet) -> Breach:
    contacts = packet.contacts
    seen = ", ".join(value.raw for value in contacts) or "none"
    return breach(
        packet,
        f"One Contact with a SIP URI is due in the {packet.name}; it has {seen}.",
        "Contact",
        contacts[0].span if contacts else None,
    )


@rule(
    "contact-sips",
    "A sips request has a sips Contact",
    "RFC3261-8.1.1.8-b",
    role="agent",
)
def sips_contact(scene: Scene) -> Iterator[Breach]:
    """If the Request-URI or the topmost Route of a request is a sips URI its Contact is one too."""
    for packet in scene.requests:
        if packet.enters and packet.method != "REGISTER" and _is_sips(packet):
            for contact in packet.contacts:
                if contact.uri is not None and contact.uri.scheme == "sip":
                    yield breach(
                        packet,
                        f"The request is for a sips URI, its Contact is {contact.uri}.",
                        "Contact",
                        contact.uri.span,
                    )


def _is_sips(packet: Packet) -> bool:
    first = packet.routes[0].uri if packet.routes else None
    return any(uri is not None and uri.scheme == "sips" for uri in (packet.uri, first))


@rule(
    "contact-sip-for-sip",
    "A sip request has a sip Contact",
    "RFC5630-5.1.1.2-a",
    role="agent",
    legs=("tls", "wss"),
)
def sip_contact(scene: Scene) -> Iterator[Breach]:
    """With a sip Request-URI and no sips URI on top of Route the Contact is a sip URI, on a secure
    connection as well."""
    for packet in scene.requests:
        uri = packet.uri
        if not packet.enters or not is_forming(packet) or _is_sips(packet):
            continue
        if uri is None or uri.scheme != "sip":
            continue
        for contact in packet.contacts:
            if contact.uri is not None and contact.uri.scheme == "sips":
                yield breach(
                    packet,
                    f"The request is for {uri}, its Contact is {contact.uri}.",
                    "Contact",
                    contact.uri.span,
                )


@rule(
    "contact-response-sips",
    "A sips dialog is answered with a sips Contact",
    "RFC3261-12.1.1-c",
    role="agent",
)
def response_sips(scene: Scene) -> Iterator[Breach]:
    """If the Request-URI or the topmost Record-Route was a sips URI, or without Record-Route the
    Contact, then the Contact of the dialog-forming response is one."""
    for packet in scene.responses:
        request = packet.request
        if not packet.enters or request is None or not is_forming(request):
            continue
        if not 100 < packet.status < 300 or packet.to_tag is None:
            continue
        routed = request.record_routes or request.contacts
        first = routed[0].uri if routed else None
        if not any(uri is not None and uri.scheme == "sips" for uri in (request.uri, first)):
            continue
        for contact in packet.contacts:
            if contact.uri is not None and contact.uri.scheme == "sip":
                yield breach(
                    packet,
                    f"The request came as sips, the {packet.status} has Contact {contact.uri}.",
                    "Contact",
                    contact.uri.span,
                )


@rule(
    "contact-kept",
    "A proxy leaves Contact alone",
    "RFC7118-8.2-s",
    "RFC3261-16.6-a",
    "RFC3261-16.7-j",
    role="target",
)
def kept(scene: Scene) -> Iterator[Breach]:
    """The Contact of a forwarded request or response is the one that came in, whatever transports
    it crosses."""
    for hop in (*scene.request_hops, *scene.response_hops):
        if hop.inn.message is None or hop.out.message is None:
            continue
        before = [row.value for row in hop.inn.message.rows("contact")]
        after = [row.value for row in hop.out.message.rows("contact")]
        if before != after:
            rows = hop.out.message.rows("contact")
            yield breach(
                hop.out,
                f"Contact came as {', '.join(before) or 'none'} and left as"
                f" {', '.join(after) or 'none'}.",
                "Contact",
                rows[0].span if rows else None,
            )


@rule(
    "uri-sips-udp",
    "A sips URI does not name UDP",
    "RFC3261-19.1.1-c",
)
def sips_udp(scene: Scene) -> Iterator[Breach]:
    """The transport of a sips URI is a reliable one."""
    for packet in scene.fresh:
        for title, uri in written(scene, packet):
            param = uri.param("transport")
            if uri.scheme == "sips" and param is not None and uri.transport == "udp":
                yield breach(packet, f"{uri} names UDP.", title, param.span)


@rule(
    "contact-brackets",
    "URI parameters stand inside the angle brackets",
    "RFC3261-20.10-a",
    role="agent",
)
def brackets(scene: Scene) -> Iterator[Breach]:
    """transport, ob and gr are URI parameters and stand within the angle brackets of Contact;
    reg-id and +sip.instance are Contact parameters and stand outside."""
    for packet in scene.fresh:
        if not packet.enters:
            continue
        for contact in scene.authored(packet, "contact"):
            for param in contact.params:
                if param.name in ("transport", "ob", "gr", "lr"):
                    yield breach(
                        packet,
                        f"{param.name} is a URI parameter and stands outside the brackets.",
                        "Contact",
                        param.span,
                    )
            for param in contact.uri.params if contact.uri is not None else ():
                if param.name in ("reg-id", "+sip.instance", "expires", "q"):
                    yield breach(
                        packet,
                        f"{param.name} is a Contact parameter and stands inside the brackets.",
                        "Contact",
                        param.span,
                    )


@rule(
    "contact-registered-uri",
    "A request to a binding has the registered contact as Request-URI",
    "RFC3261-16.6-c",
    role="target",
)
def registered_uri(scene: Scene) -> Iterator[Breach]:
    """When a proxy sends a request to a registered contact, the Request-URI is that contact's
    URI as it was registered, without method parameter and headers."""
    for hop in scene.request_hops:
        uri, asked = hop.out.uri, hop.inn.uri
        if uri is None or asked is None or not uri.is_sip or hop.inn.to_tag is not None:
            continue
        bindings = scene.bindings.at(aor(asked), hop.out.t)
        if not bindings or same_uri(uri, asked):
            continue
        known = [one.uri for one in bindings]
        listed = [c.uri for one in bindings for c in one.answer.contacts if c.uri is not None]
        if any(_same_target(uri, one) for one in (*known, *listed)):
            continue
        yield breach(
            hop.out,
            f"The Request-URI is {uri}; registered is {', '.join(map(str, known))}.",
            "Request-URI",
            uri.span,
        )


def _same_target(uri: Uri, contact: Uri) -> bool:
    """Equal but for what RFC 3261 19.1.1 forbids in a Request-URI."""
    names = {param.name: param.value for param in contact.params if param.name != "method"}
    mine = {param.name: param.value for param in uri.params}
    host = plain_host(uri.host) == plain_host(contact.host)
    same = (uri.user, uri.port, uri.scheme) == (contact.user, contact.port, contact.scheme)
    return host and same and names == mine
