"""Record-Route: what a proxy puts in, for which side, and what everyone else leaves alone."""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.dialog import is_forming
from viaduct.rules.scene.hop import Hop
from viaduct.rules.scene.packet import Link
from viaduct.rules.scene.place import WEBSOCKETS, is_any, is_ip, plain_host, uri_port
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address
from viaduct.sip.uri import Uri


def crosses(hop: Hop) -> bool:
    """Whether the request left by another transport or address family than it came by."""
    return hop.inn.transport != hop.out.transport or crosses_family(hop)


def crosses_family(hop: Hop) -> bool:
    before, after = family(hop.inn.link), family(hop.out.link)
    return before is not None and after is not None and before != after


def family(link: Link) -> int | None:
    address = link.far or link.near
    if address is None or not is_ip(address.host):
        return None
    return 6 if ":" in address.host else 4


def fits(uri: Uri, link: Link) -> bool:
    """Whether a URI leads to the kind of interface that the link uses."""
    if not uri.is_sip:
        return False
    named, transport = uri.transport, link.transport
    if is_ip(plain_host(uri.host)):
        kind = 6 if ":" in uri.host else 4
        if family(link) not in (None, kind):
            return False
    elif named is None and uri.port is None:
        return True  # DNS decides (RFC 3263)
    if transport in WEBSOCKETS:
        return named in ("ws", "wss")
    if transport == "udp":
        return uri.scheme == "sip" and named in (None, "udp")
    if transport == "tcp":
        return uri.scheme == "sip" and named == "tcp"
    return uri.scheme == "sips" or named in ("tcp", "tls")


def swapped(hop: Hop, own: tuple[Address, ...]) -> bool:
    """Whether the two values of a double Record-Route stand in the wrong order."""
    if len(own) < 2 or own[0].uri is None or own[-1].uri is None:
        return False
    top, bottom = own[0].uri, own[-1].uri
    right = fits(top, hop.out.link) and fits(bottom, hop.inn.link)
    return not right and fits(top, hop.inn.link) and fits(bottom, hop.out.link)


def rewritten(scene: Scene, hop: Hop) -> bool | None:
    """Whether the system changed its one value in a response to the caller (RFC 5658 6.2 allows
    that instead of a second value); None when no response shows it."""
    for answer in hop.inn.answers:
        if answer.hop is not None and answer.hop.inn.record_routes and answer.record_routes:
            before = [value.raw for value in answer.hop.inn.record_routes]
            return before != [value.raw for value in answer.record_routes]
    return None


@rule(
    "record-route-on-top",
    "Own Record-Route values stand above those that came in",
    "RFC3261-16.6-e",
    "RFC3608-6.4.2-a",
    role="target",
)
def on_top(scene: Scene) -> Iterator[Breach]:
    """A proxy puts its Record-Route above the existing values and leaves those as they are."""
    for hop in scene.request_hops:
        before = [value.raw for value in hop.inn.record_routes]
        after = [value.raw for value in hop.out.record_routes]
        if before and after[len(after) - len(before) :] != before:
            values = hop.out.record_routes
            yield breach(
                hop.out,
                "The Record-Route values that came in are not the last ones, unchanged and in"
                " order, of the request that left.",
                "Record-Route",
                (values[0].span[0], values[0].span[1]) if values else None,
            )


@rule(
    "record-route-lr",
    "A Record-Route URI is a sip or sips URI with lr",
    "RFC3261-16.6-f",
)
def loose(scene: Scene) -> Iterator[Breach]:
    """The URI that a proxy puts in Record-Route has the scheme sip or sips and the parameter lr."""
    for packet in scene.requests:
        for value in scene.authored(packet, "record-route"):
            if value.uri is not None and not (value.uri.is_sip and value.uri.has("lr")):
                yield breach(
                    packet,
                    f"The Record-Route value {value.raw} is no sip URI with lr.",
                    "Record-Route",
                    value.span,
                )


@rule(
    "record-route-multihomed",
    "A proxy record-routes where transport or address family change",
    "RFC5658-6.2-g",
    "RFC7118-B.2-a",
    level="SHOULD",
    role="target",
)
def multihomed(scene: Scene) -> Iterator[Breach]:
    """A proxy that sends a dialog-forming request on by another transport or address family than it
    came by puts itself in Record-Route."""
    for hop in scene.request_hops:
        if is_forming(hop.inn) and crosses(hop) and hop.pushed:
            if not scene.own_record_routes(hop) and hop.out.reads("record-route"):
                yield breach(
                    hop.out,
                    f"The {hop.inn.method} came by {hop.inn.transport} and left by"
                    f" {hop.out.transport} without a Record-Route of the proxy.",
                    "Record-Route",
                )


@rule(
    "record-route-double",
    "Two Record-Route values where transport or address family change",
    "RFC5658-6.2-a",
    "RFC5658-5-a",
    "RFC5658-5-e",
    "RFC7118-8.2-e",
    "RFC3608-6.2-b",
    level="SHOULD",
    role="target",
)
def double(scene: Scene) -> Iterator[Breach]:
    """Where the two sides differ in transport or address family a record-routing proxy puts in two
    values, one for each side, unless it rewrites its one value in the responses."""
    for hop in scene.request_hops:
        if not is_forming(hop.inn) or not crosses(hop):
            continue
        own = scene.own_record_routes(hop)
        if len(own) == 1 and rewritten(scene, hop) is False:
            yield breach(
                hop.out,
                f"From {hop.inn.transport} to {hop.out.transport} with the one Record-Route"
                f" {own[0].raw}, which the response shows unchanged.",
                "Record-Route",
                own[0].span,
                requirement="RFC5658-5-e" if hop.inn.transport == hop.out.transport else None,
            )


@rule(
    "record-route-order",
    "The Record-Route for the outgoing side is above that for the incoming side",
    "RFC5658-5-a",
    "RFC5658-5-e",
    "RFC5658-6.2-h",
    level="SHOULD",
    role="target",
)
def order(scene: Scene) -> Iterator[Breach]:
    """With double Record-Route the topmost value is the interface the request leaves by and the
    next one the interface it came in by, so that each side meets its own interface first."""
    for hop in scene.request_hops:
        own = scene.own_record_routes(hop)
        if is_forming(hop.inn) and swapped(hop, own):
            yield breach(
                hop.out,
                f"The top value {own[0].raw} leads to the {hop.inn.transport} side that the"
                f" request came from, the last one to the {hop.out.transport} side.",
                "Record-Route",
                own[0].span,
            )


def sides(scene: Scene) -> Iterator[tuple[Hop, Address, Uri, Link]]:
    """Each own value of a dialog-forming request with the link of the side it is meant for."""
    for hop in scene.request_hops:
        own = scene.own_record_routes(hop)
        if not is_forming(hop.inn) or not own or swapped(hop, own):
            continue
        if len(own) > 1:
            pairs = [(own[0], hop.out.link), (own[-1], hop.inn.link)]
        elif crosses(hop):
            continue
        else:
            pairs = [(own[0], hop.out.link)]
        for value, link in pairs:
            if value.uri is not None and value.uri.is_sip:
                yield hop, value, value.uri, link


@rule(
    "record-route-transport",
    "Each value of a double Record-Route has a transport that fits its side",
    "RFC5658-6.2-b",
    level="SHOULD",
    role="target",
    legs=("udp", "tcp", "tls"),
)
def transport(scene: Scene) -> Iterator[Breach]:
    """When the transport changes, each URI inserted has a transport parameter that fits its
    side; for UDP it may be left out."""
    for hop, value, uri, link in sides(scene):
        if link.is_websocket or uri.transport in ("tls", "wss"):
            continue
        if hop.inn.transport != hop.out.transport and not fits(uri, link):
            if link.transport == "tls" and uri.transport is None:
                continue  # record-route-tls
            yield breach(
                hop.out,
                f"{value.raw} stands for the {link.transport} side, which its transport does not"
                " fit.",
                "Record-Route",
                value.span,
            )


@rule(
    "record-route-ws",
    "The Record-Route of a WebSocket side has transport=ws",
    "RFC7118-5.2-a",
    role="target",
    legs=("ws", "wss"),
)
def websocket(scene: Scene) -> Iterator[Breach]:
    """A URI that stands for a WebSocket interface has the parameter transport=ws."""
    for hop, value, uri, link in sides(scene):
        if link.is_websocket and uri.transport not in ("ws", "wss"):
            yield breach(
                hop.out,
                f"{value.raw} stands for a {link.transport} side without transport=ws.",
                "Record-Route",
                value.span,
            )


@rule(
    "record-route-tls",
    "The Record-Route of a TLS side leads to TLS",
    "RFC5658-6.2-c",
    role="target",
    legs=("tls",),
)
def secure(scene: Scene) -> Iterator[Breach]:
    """Where TLS is used on a side the URI for that side leads to TLS: it is a sips URI, or one for
    which DNS selects TLS."""
    for hop, value, uri, link in sides(scene):
        if link.transport != "tls" or uri.scheme == "sips" or uri.transport == "tls":
            continue
        if is_ip(plain_host(uri.host)) or uri.transport is not None:
            yield breach(
                hop.out,
                f"{value.raw} stands for a TLS side and leads to"
                f" {(uri.transport or 'udp').upper()}.",
                "Record-Route",
                value.span,
            )


@rule(
    "record-route-transport-tls",
    "Record-Route does not use transport=tls",
    "RFC5658-6.2-d",
    level="MUST NOT",
)
def no_transport_tls(scene: Scene) -> Iterator[Breach]:
    """The deprecated parameter transport=tls is not used in a Record-Route URI."""
    for packet in scene.requests:
        for value in scene.authored(packet, "record-route"):
            param = None if value.uri is None else value.uri.param("transport")
            if param is not None and (param.value or "").lower() == "tls":
                yield breach(packet, f"{value.raw} has transport=tls.", "Record-Route", param.span)


@rule(
    "record-route-leads-back",
    "A Record-Route URI leads back to the proxy",
    "RFC3261-16.6-g",
    "RFC3261-18.2.1-e",
    role="target",
)
def leads_back(scene: Scene) -> Iterator[Breach]:
    """Host and port of an own Record-Route URI, or the default port of its transport, are a
    socket on which the proxy accepts requests."""
    for hop in scene.request_hops:
        for value in scene.own_record_routes(hop):
            uri = value.uri
            if uri is None or not uri.is_sip:
                continue
            host = plain_host(uri.host)
            if is_any(host):
                yield breach(hop.out, f"{value.raw} leads nowhere.", "Record-Route", value.span)
                continue
            if host not in scene.sut.hosts or not is_ip(host):
                continue
            if not _has_listener(scene, uri):
                continue
            if (host, uri_port(uri)) not in scene.sut.sockets:
                yield breach(
                    hop.out,
                    f"{value.raw} leads to port {uri_port(uri)}, where the proxy does not listen.",
                    "Record-Route",
                    value.span,
                )


def _has_listener(scene: Scene, uri: Uri) -> bool:
    """Whether the trace names a listener of the URI's transport at all; else it may be left out."""
    named = uri.transport or "udp"
    kinds = WEBSOCKETS if named == "ws" else ("tls",) if uri.scheme == "sips" else (named,)
    return any(known in kinds for known, _, _ in scene.sut.listeners)


@rule(
    "record-route-sips",
    "A sips request is record-routed with sips",
    "RFC3261-16.6-i",
    role="target",
)
def sips(scene: Scene) -> Iterator[Breach]:
    """If the Request-URI or the topmost Route of the request is a sips URI, so is the Record-Route
    URI that a proxy inserts."""
    for hop in scene.request_hops:
        uri, routes = hop.out.uri, hop.out.routes
        first = routes[0].uri if routes else None
        if not any(one is not None and one.scheme == "sips" for one in (uri, first)):
            continue
        own = scene.own_record_routes(hop)
        if own and own[0].uri is not None and own[0].uri.scheme == "sip":
            yield breach(
                hop.out,
                f"The request is for a sips URI, the proxy's Record-Route is {own[0].raw}.",
                "Record-Route",
                own[0].span,
            )


@rule(
    "record-route-no-ob",
    "A Record-Route URI has no ob parameter",
    "RFC5626-5.3.1-b",
    level="SHOULD NOT",
    role="target",
)
def no_ob(scene: Scene) -> Iterator[Breach]:
    """The ob parameter belongs in Path and Contact; a Record-Route made from a token Route has
    none."""
    for hop in scene.request_hops:
        for value in scene.own_record_routes(hop):
            param = None if value.uri is None else value.uri.param("ob")
            if param is not None:
                yield breach(hop.out, f"{value.raw} has ob.", "Record-Route", param.span)


@rule(
    "record-route-in-dialog",
    "A re-INVITE is record-routed like the INVITE",
    "RFC3261-16.6-j",
    level="SHOULD",
    role="target",
)
def in_dialog(scene: Scene) -> Iterator[Breach]:
    """A proxy that put Record-Route in the request that formed the dialog does so in the requests
    within it that refresh its target."""
    routed: set[str] = set()
    for hop in scene.request_hops:
        if is_forming(hop.inn) and scene.own_record_routes(hop):
            routed.add(hop.inn.call_id)
    for hop in scene.request_hops:
        if hop.inn.method != "INVITE" or hop.inn.to_tag is None:
            continue
        if not hop.out.reads("record-route"):
            continue
        if hop.inn.call_id in routed and not scene.own_record_routes(hop):
            yield breach(
                hop.out, "The re-INVITE left without Record-Route of the proxy.", "Record-Route"
            )


@rule(
    "record-route-response-kept",
    "Double Record-Route passes unchanged in responses",
    "RFC5658-5-b",
    level="MUST NOT",
    role="target",
)
def response_kept(scene: Scene) -> Iterator[Breach]:
    """A proxy that put in two values does not touch Record-Route in the response; one that put in a
    single value may change that one only."""
    for hop in scene.response_hops:
        before = [value.raw for value in hop.inn.record_routes]
        after = [value.raw for value in hop.out.record_routes]
        request = hop.inn.request
        if before == after or request is None or request.hop is None:
            continue
        if not (hop.inn.reads("record-route") and hop.out.reads("record-route")):
            continue
        own = {value.raw for value in scene.own_record_routes(request.hop)}
        single = len(own) == 1 and len(before) == len(after)
        if single and all(a == b or b in own for a, b in zip(after, before)):
            continue
        values = hop.out.record_routes
        yield breach(
            hop.out,
            f"Record-Route came in the {hop.inn.status} as {', '.join(before) or 'nothing'} and"
            f" left as {', '.join(after) or 'nothing'}.",
            "Record-Route",
            values[0].span if values else None,
        )


@rule(
    "record-route-copied",
    "A dialog-forming response copies Record-Route from the request",
    "RFC3261-12.1.1-a",
    "RFC7118-8.2-h",
    role="agent",
)
def copied(scene: Scene) -> Iterator[Breach]:
    """A UAS copies all Record-Route values of the request, with all parameters and in order, into a
    response that forms a dialog; proxies between may have put theirs above."""
    for packet in scene.responses:
        request = packet.request
        if request is None or not is_forming(request) or not packet.enters:
            continue
        if request.method != "INVITE" or packet.to_tag is None or not 100 < packet.status < 300:
            continue
        due = [value.raw for value in request.record_routes]
        told = [value.raw for value in packet.record_routes]
        if told[len(told) - len(due) :] != due and packet.reads("record-route"):
            values = packet.record_routes
            yield breach(
                packet,
                f"The request had Record-Route {', '.join(due) or 'none'}, the {packet.status}"
                f" has {', '.join(told) or 'none'}.",
                "Record-Route",
                values[0].span if values else None,
            )
