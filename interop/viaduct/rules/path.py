"""Path (RFC 3327) and what an edge proxy puts in it (RFC 5626 section 5.1)."""

from collections import defaultdict
from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.hop import Hop
from viaduct.rules.scene.packet import Link, Packet
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address


def registrations(scene: Scene) -> Iterator[Hop]:
    """REGISTER requests that the system under test passed on to a registrar."""
    for hop in scene.request_hops:
        if hop.inn.method == "REGISTER" and hop.pushed:
            yield hop


def wants_outbound(packet: Packet) -> bool:
    """A REGISTER with reg-id and instance-id of a UA that supports outbound, for one binding
    that is not being removed."""
    if not packet.lists("supported", "outbound"):
        return False
    contacts = [value for value in packet.contacts if value.has("reg-id")]
    return len(contacts) == 1 and contacts[0].has("+sip.instance") and not _removes(packet)


def _removes(packet: Packet) -> bool:
    param = packet.contacts[0].param("expires") if packet.contacts else None
    if param is not None:
        return param.value == "0"
    return packet.number("expires") == 0


@rule(
    "path-lr",
    "A Path value is a URI in angle brackets with lr",
    "RFC3327-4-b",
)
def loose(scene: Scene) -> Iterator[Breach]:
    """Every Path value has Route syntax and a URI with the parameter lr."""
    for packet in scene.requests:
        for value in scene.authored(packet, "path"):
            if value.uri is None or not value.uri.has("lr"):
                yield breach(packet, f"The Path value {value.raw} lacks lr.", "Path", value.span)


@rule(
    "path-only-in-register",
    "Path occurs in REGISTER and its 2xx only",
    "RFC3327-4-d",
    level="MUST NOT",
)
def only_register(scene: Scene) -> Iterator[Breach]:
    """No message other than a REGISTER request or a 2xx response to one has Path."""
    for packet in scene.fresh:
        message = packet.message
        if message is None or not message.has("path"):
            continue
        if packet.method == "REGISTER" and (packet.is_request or 200 <= packet.status < 300):
            continue
        if packet.hop is not None and packet.hop.inn.message is not None:
            if packet.hop.inn.message.has("path"):
                continue
        yield breach(packet, f"The {packet.name} has Path.", "Path", message.rows("path")[0].span)


@rule(
    "path-on-top",
    "A proxy puts its Path on top",
    "RFC3327-5.2-a",
    "RFC3327-5.5.1-a",
    role="target",
)
def on_top(scene: Scene) -> Iterator[Breach]:
    """A proxy that adds itself to Path does so above the values that came in, which it leaves as
    they are."""
    for hop in registrations(scene):
        before = [value.raw for value in hop.inn.paths]
        after = [value.raw for value in hop.out.paths]
        if before and after[len(after) - len(before) :] != before:
            values = hop.out.paths
            yield breach(
                hop.out,
                f"Path came as {', '.join(before)} and left as {', '.join(after) or 'none'}.",
                "Path",
                values[0].span if values else None,
            )


@rule(
    "path-response-kept",
    "Path passes unchanged in the response",
    "RFC3327-5.2-e",
    level="SHOULD NOT",
    role="target",
)
def response_kept(scene: Scene) -> Iterator[Breach]:
    """Proxies leave the Path values of a response to REGISTER unchanged."""
    for hop in scene.response_hops:
        before = [value.raw for value in hop.inn.paths]
        after = [value.raw for value in hop.out.paths]
        if hop.inn.method == "REGISTER" and before != after:
            values = hop.out.paths
            yield breach(
                hop.out,
                f"Path came as {', '.join(before) or 'none'} and left as"
                f" {', '.join(after) or 'none'}.",
                "Path",
                values[0].span if values else None,
            )


@rule(
    "path-echoed",
    "The 2xx to REGISTER returns the Path",
    "RFC3327-4-e",
    "RFC5626-9.2-a",
    role="both",
)
def echoed(scene: Scene) -> Iterator[Breach]:
    """A registrar that accepts a REGISTER with Path copies the values, and just those, into its
    2xx."""
    for packet in scene.responses:
        request = packet.request
        if request is None or packet.method != "REGISTER" or packet.hop is not None:
            continue
        if not 200 <= packet.status < 300 or not request.paths:
            continue
        due = [value.raw for value in request.paths]
        told = [value.raw for value in packet.paths]
        if told[-len(due) :] != due or len(told) > len(due) + 1:
            yield breach(
                packet,
                f"The REGISTER had Path {', '.join(due)}, the {packet.status} has"
                f" {', '.join(told) or 'none'}.",
                "Path",
                packet.paths[0].span if packet.paths else None,
            )


def first_hop(scene: Scene) -> Iterator[tuple[Hop, tuple[Address, ...]]]:
    """Outbound registrations that reached the system under test straight from the UA."""
    for hop in registrations(scene):
        if len(hop.inn.vias) == 1 and wants_outbound(hop.inn):
            yield hop, scene.own_paths(hop)


@rule(
    "path-added",
    "An edge proxy adds itself to the Path of an outbound registration",
    "RFC5626-5.1-a",
    "RFC7118-B.2-b",
    role="target",
)
def added(scene: Scene) -> Iterator[Breach]:
    """An edge proxy that is the first hop of a REGISTER with reg-id inserts its URI in Path
    before it passes the request on."""
    for hop, own in first_hop(scene):
        if not own and hop.out.reads("path"):
            websocket = hop.inn.link.is_websocket
            yield breach(
                hop.out,
                "The REGISTER with reg-id came straight from the UA and left without Path of the"
                " proxy.",
                "Path",
                requirement="RFC7118-B.2-b" if websocket else None,
            )


@rule(
    "path-ob",
    "The first hop's Path has ob",
    "RFC5626-5.1-f",
    role="target",
)
def ob(scene: Scene) -> Iterator[Breach]:
    """The edge proxy that is the first hop adds the URI parameter ob to its Path value."""
    for hop, own in first_hop(scene):
        uri = own[-1].uri if own else None
        if uri is not None and not uri.has("ob"):
            yield breach(hop.out, f"{own[-1].raw} lacks ob.", "Path", own[-1].span)


@rule(
    "path-no-ob",
    "A later hop's Path has no ob",
    "RFC5626-5.1-g",
    level="MUST NOT",
    role="target",
)
def no_ob(scene: Scene) -> Iterator[Breach]:
    """A proxy that is not the first hop does not put ob in its Path value."""
    for hop in registrations(scene):
        if len(hop.inn.vias) < 2:
            continue
        for value in scene.own_paths(hop):
            param = None if value.uri is None else value.uri.param("ob")
            if param is not None:
                yield breach(
                    hop.out,
                    f"{value.raw} has ob, and the REGISTER came by another proxy.",
                    "Path",
                    param.span,
                )


@rule(
    "path-token",
    "The Path of the first hop tells flows apart",
    "RFC5626-5.1-c",
    role="target",
)
def token(scene: Scene) -> Iterator[Breach]:
    """The Path value of the edge proxy stands for the flow that the REGISTER came over, so two
    flows never share one."""
    seen: dict[str, dict[Link, Packet]] = defaultdict(dict)
    for hop, own in first_hop(scene):
        if not own:
            continue
        key = ",".join(value.raw for value in own)
        others = seen[key]
        if others and hop.inn.link not in others:
            yield breach(
                hop.out,
                f"{own[-1].raw} had been given for another flow before.",
                "Path",
                own[-1].span,
            )
        others.setdefault(hop.inn.link, hop.out)


@rule(
    "path-not-unasked",
    "No Path for a UA that does not know it",
    "RFC3327-5.2-b",
    level="SHOULD NOT",
    role="target",
    legs=("udp", "tcp", "tls"),
)
def not_unasked(scene: Scene) -> Iterator[Breach]:
    """A proxy does not add Path to a REGISTER whose UA did not list path in Supported. RFC 7118
    needs it for WebSocket clients in any case."""
    for hop in registrations(scene):
        own = scene.own_paths(hop)
        if own and not hop.inn.lists("supported", "path") and not hop.inn.link.is_websocket:
            if not any(contact.has("reg-id") for contact in hop.inn.contacts):
                yield breach(
                    hop.out, f"{own[0].raw} was added without being asked for.", "Path", own[0].span
                )
