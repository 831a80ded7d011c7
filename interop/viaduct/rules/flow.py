"""Flows: which connection a message took, and that .invalid names are never resolved or dialled."""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.place import plain_host
from viaduct.rules.scene.scene import Scene


@rule(
    "response-same-connection",
    "A response takes the connection of its request",
    "RFC3261-18.2.2-a",
    "RFC7118-5.3-d",
    "RFC3261-18.1.1-c",
    legs=("ws", "wss", "tls", "tcp"),
)
def response_same_connection(scene: Scene) -> Iterator[Breach]:
    """A response is sent over the connection on which its request came, while that is open, and
    nowhere else."""
    for packet in scene.responses:
        request = packet.request
        if request is None or not request.link.is_stream or packet.link is request.link:
            continue
        if request.link.open_at(packet.t):
            yield breach(
                packet,
                f"The {request.method} came over {request.link}, the {packet.status} left over"
                f" {packet.link}.",
                requirement="RFC7118-5.3-d" if request.link.is_websocket else None,
            )


@rule(
    "response-udp-address",
    "A UDP response goes where the request came from",
    "RFC3581-4-d",
    "RFC3261-18.2.2-c",
    legs=("udp",),
)
def response_udp_address(scene: Scene) -> Iterator[Breach]:
    """With rport a response over UDP goes to the source address and port of the request, without it
    to that address and the port of sent-by."""
    for packet in scene.responses:
        request = packet.request
        if request is None or request.top is None or request.transport != "udp":
            continue
        if packet.transport != "udp" or request.top.has("maddr") or not request.enters:
            continue
        source, to = request.link.near, packet.link.near
        if source is None or to is None:
            continue
        asked = request.top.has("rport")
        port = source.port if asked else (request.top.port or 5060)
        if (to.host, to.port) != (source.host, port):
            yield breach(
                packet,
                f"The request came from {source} with sent-by {request.top.host}; the"
                f" {packet.status} went to {to}, port {port} is due.",
                "Via",
                request.top.span if packet.message is None else None,
                requirement=None if asked else "RFC3261-18.2.2-c",
            )


@rule(
    "response-udp-source",
    "A UDP response comes from the address the request went to",
    "RFC3581-4-e",
    legs=("udp",),
    role="target",
)
def response_udp_source(scene: Scene) -> Iterator[Breach]:
    """With rport the source of a response is the address and port that the request had been sent
    to."""
    for packet in scene.responses:
        request = packet.request
        if packet.enters or request is None or request.transport != "udp":
            continue
        if request.top is None or not request.top.has("rport") or packet.transport != "udp":
            continue
        asked, told = request.link.far, packet.link.far
        if asked is not None and told is not None and asked != told:
            yield breach(packet, f"The request went to {asked}, the response came from {told}.")


@rule(
    "binding-own-flow",
    "A request to a WebSocket binding takes the flow of its registration",
    "RFC5626-7-e",
    "RFC5626-6-q",
    "RFC5626-6-s",
    "RFC7118-B.2-a",
    "RFC7118-B.1-b",
    role="target",
)
def binding_own_flow(scene: Scene) -> Iterator[Breach]:
    """A proxy sends a request for a contact that was registered over a WebSocket connection, or
    with outbound over any flow, on that very flow."""
    for hop in scene.request_hops:
        uri = hop.out.uri
        if uri is None or hop.inn.to_tag is not None:
            continue
        flows = [
            one
            for one in scene.bindings.to(uri, hop.out.t)
            if (one.link.is_websocket or (one.is_outbound and one.link.is_stream))
        ]
        others = [one for one in scene.bindings.to(uri, hop.out.t) if one not in flows]
        if not flows or others or any(one.paths for one in flows):
            continue
        if all(one.link is not hop.out.link for one in flows):
            alive = [one for one in flows if one.link.open_at(hop.out.t)]
            if alive:
                yield breach(
                    hop.out,
                    f"{uri} is bound to {alive[-1].link}; the {hop.out.method} left over"
                    f" {hop.out.link}.",
                    "Request-URI",
                    uri.span,
                )


@rule(
    "invalid-own-flow",
    "A request for a WebSocket client's Contact takes its flow",
    "RFC7118-B.2-a",
    "RFC7118-B.1-b",
    "RFC5626-5.3.1-c",
    "RFC5626-9.1-a",
    "RFC7118-8.2-p",
    role="target",
)
def invalid_own_flow(scene: Scene) -> Iterator[Breach]:
    """A request within a dialog whose Request-URI is a Contact under .invalid or with transport=ws
    leaves over a flow on which that Contact was given."""
    for hop in scene.request_hops:
        uri = hop.out.uri
        if uri is None or hop.out.routes:
            continue
        if not uri.host.endswith(".invalid") and uri.transport != "ws":
            continue
        if hop.inn.to_tag is None:
            continue
        given = [p.link for p in scene.announced.get(uri.raw, []) if p.t <= hop.out.t]
        if given and hop.out.link not in given:
            if any(link.open_at(hop.out.t) for link in given):
                yield breach(
                    hop.out,
                    f"{uri} was given over {given[-1]}; the {hop.out.method} left over"
                    f" {hop.out.link}.",
                    "Request-URI",
                    uri.span,
                )


@rule(
    "invalid-never-resolved",
    "A name under .invalid is never looked up",
    "RFC7118-B.1-b",
    role="target",
)
def never_resolved(scene: Scene) -> Iterator[Breach]:
    """Elements route to a WebSocket client by its flow and never resolve its .invalid name."""
    for event in scene.events("dns"):
        name = str(event.info.get("name", ""))
        if plain_host(name).endswith(".invalid"):
            yield Breach(event, "target", f"A DNS query asked for {name}.")


@rule(
    "nobody-dialled",
    "No connection is opened to a client",
    "RFC5626-5.3.1-f",
    "RFC7118-B.1-b",
    level="MUST NOT",
    role="target",
)
def nobody_dialled(scene: Scene) -> Iterator[Breach]:
    """A proxy opens no connection, and sends no datagram, to the address that a client of a flow
    wrote in Via or Contact."""
    for event in scene.events("dial"):
        where = event.local or event.remote or "an address"
        yield Breach(event, "target", f"{where} was dialled by {event.transport or 'someone'}.")


@rule(
    "edge-record-route-flow",
    "A dialog begun with ob comes back on its flow",
    "RFC5626-5.3.2-a",
    "RFC5626-5.3.1-a",
    "RFC5626-9.1-a",
    level="SHOULD",
    role="target",
)
def dialog_back_on_flow(scene: Scene) -> Iterator[Breach]:
    """For a dialog-forming request whose Contact has ob an edge proxy puts in Record-Route what is
    needed for later requests of the dialog to come back on the flow."""
    for hop in scene.request_hops:
        contacts = hop.inn.contacts
        if hop.inn.to_tag is not None or hop.inn.method not in ("INVITE", "SUBSCRIBE"):
            continue
        if len(contacts) != 1 or contacts[0].uri is None or not contacts[0].uri.has("ob"):
            continue
        same = hop.inn.transport == hop.out.transport
        if not hop.out.reads("record-route"):
            continue
        if same and len(hop.inn.vias) == 1 and not scene.own_record_routes(hop):
            yield breach(
                hop.out,
                f"The {hop.inn.method} has a Contact with ob and left without Record-Route of"
                " the proxy.",
                "Record-Route",
            )
