"""Via: what each sender puts on top, what a server stamps on it, what a hop must leave alone."""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.place import is_ip, plain_host
from viaduct.rules.scene.scene import Scene
from viaduct.sip.via import MAGIC, Via

TOKENS = {"udp": "UDP", "tcp": "TCP", "tls": "TLS", "ws": "WS", "wss": "WSS"}
# What a server may add to the top value, or fill in there (RFC 3261 18.2.1, RFC 3581, RFC 6223).
STAMPS = ("received", "rport", "keep")


@rule(
    "via-transport-token",
    "The top Via names the transport that the request really took",
    "RFC3261-8.1.1.7-d",
    "RFC7118-5.1-a",
    "RFC7118-5.1-b",
    "RFC7118-8.2-d",
    "RFC7118-8.2-o",
    "RFC3261-20.42-b",
)
def transport_token(scene: Scene) -> Iterator[Breach]:
    """The topmost Via of a request has the token of the leg it travels on: WS on a plain and WSS on
    a secure WebSocket connection, else UDP, TCP or TLS."""
    special = {"ws": "RFC7118-5.1-a", "wss": "RFC7118-5.1-b", "tls": "RFC3261-20.42-b"}
    for packet in scene.requests:
        via, due = packet.top, TOKENS.get(packet.transport)
        if via is not None and due is not None and via.transport != due:
            yield breach(
                packet,
                f"The top Via says {via.transport} on a {packet.transport} leg; {due} is due.",
                "Via",
                via.transport_span,
                requirement=special.get(packet.transport),
            )


@rule("via-protocol", "The top Via is of protocol SIP/2.0", "RFC3261-8.1.1.7-a")
def protocol(scene: Scene) -> Iterator[Breach]:
    """The Via value that a sender inserts starts with SIP/2.0."""
    for packet in scene.requests:
        via = packet.top
        if via is not None and (via.protocol, via.version) != ("SIP", "2.0"):
            yield breach(
                packet, f"The top Via is of {via.protocol}/{via.version}.", "Via", via.span
            )


@rule(
    "via-branch-cookie",
    "The branch of the top Via starts with z9hG4bK",
    "RFC3261-8.1.1.7-b",
    "RFC3261-16.6-p",
)
def branch_cookie(scene: Scene) -> Iterator[Breach]:
    """The Via value that a sender inserts has a branch parameter that starts with z9hG4bK."""
    for packet in scene.requests:
        via = packet.top
        if via is None or (packet.hop is not None and packet.hop.pushed == 0):
            continue
        if via.branch is None or not via.branch.lower().startswith(MAGIC.lower()):
            what = "no branch" if via.branch is None else f"branch {via.branch}"
            yield breach(
                packet,
                f"The top Via has {what}; one starting with {MAGIC} is due.",
                "Via",
                via.span,
                requirement=None if packet.enters else "RFC3261-16.6-p",
            )


@rule(
    "via-pushed",
    "A forwarded request gets a Via of the proxy on top",
    "RFC3261-16.6-o",
    "RFC7118-8.2-d",
    role="target",
)
def pushed(scene: Scene) -> Iterator[Breach]:
    """A proxy puts a Via value of its own above those of a request that it passes on."""
    for hop in scene.request_hops:
        if hop.pushed == 0:
            via = hop.out.top
            yield breach(
                hop.out,
                f"The {hop.out.method} left with the top Via it came with.",
                "Via",
                None if via is None else via.span,
            )


@rule(
    "via-lower-unchanged",
    "A forwarded request keeps the Via values it came with",
    "RFC3261-16.6-o",
    "RFC3261-18.2.1-c",
    "RFC5393-4.2.4-a",
    "RFC7118-8.2-d",
    "RFC7118-8.2-o",
    role="target",
)
def lower_unchanged(scene: Scene) -> Iterator[Breach]:
    """Below its own Via a proxy leaves all values as they came, in order; only the topmost of them
    may gain received and a value for rport."""
    for hop in scene.request_hops:
        before, after = hop.inn.vias, hop.out.vias[hop.pushed :]
        if not before or not hop.out.vias or not hop.pushed:
            continue
        if len(before) != len(after):
            yield breach(
                hop.out,
                f"{len(before)} Via values came in, {len(after)} of them are left below the"
                " proxy's own.",
                "Via",
                hop.out.vias[-1].span,
            )
            continue
        for index, (old, new) in enumerate(zip(before, after)):
            stamps = STAMPS if index == 0 else ()
            if old.without(*stamps) != new.without(*stamps):
                yield breach(
                    hop.out,
                    f"A lower Via came as “{old.raw}” and left as “{new.raw}”.",
                    "Via",
                    new.span,
                    requirement="RFC3261-18.2.1-c" if _only_stamped(old, new) else None,
                )


def _only_stamped(old: Via, new: Via) -> bool:
    return old.without(*STAMPS) == new.without(*STAMPS)


@rule(
    "via-own-popped",
    "A proxy takes its own Via off a response",
    "RFC3261-16.7-a",
    "RFC7118-8.2-j",
    "RFC7118-8.2-r",
    role="target",
)
def own_popped(scene: Scene) -> Iterator[Breach]:
    """A proxy removes its own topmost Via from a response before it passes it on."""
    for packet in scene.responses:
        top, request = packet.top, packet.request
        if packet.enters or top is None or request is None:
            continue
        if _own_on_top(packet, request):
            yield breach(
                packet,
                f"The {packet.status} left with the proxy's own Via on top.",
                "Via",
                top.span,
            )


def _own_on_top(packet: Packet, request: Packet) -> bool:
    """Whether a response leaves with a Via of the system above those of the request: one of those
    that it put on the request, or one more than the request had."""
    if not request.forwards or not packet.vias:
        return False
    if packet.vias[0].branch in _own_branches(request):
        return True
    below = [via.without(*STAMPS) for via in packet.vias[1:]]
    return bool(below) and below == [via.without(*STAMPS) for via in request.vias]


def _own_branches(request: Packet) -> set[str]:
    return {
        via.branch
        for hop in request.forwards
        for via in hop.out.vias[: hop.pushed]
        if via.branch is not None
    }


@rule(
    "via-response-stack",
    "A response carries the Via values of its request",
    "RFC3261-8.2.6.2-a",
    "RFC7118-8.2-q",
    "RFC7118-8.2-i",
    "RFC7118-8.1-f",
)
def response_stack(scene: Scene) -> Iterator[Breach]:
    """A response repeats all Via values of the request that it answers, in the same order; only the
    topmost may gain received and values for rport and keep."""
    for packet in scene.responses:
        request = packet.request
        if request is None or not packet.vias or not request.vias:
            continue
        if not packet.enters and _own_on_top(packet, request):
            continue  # via-own-popped
        if len(packet.vias) != len(request.vias):
            yield breach(
                packet,
                f"The request had {len(request.vias)} Via values, the {packet.status} has"
                f" {len(packet.vias)}.",
                "Via",
                packet.vias[-1].span,
            )
            continue
        for index, (asked, told) in enumerate(zip(request.vias, packet.vias)):
            stamps = STAMPS if index == 0 else ()
            if asked.without(*stamps) != told.without(*stamps):
                yield breach(
                    packet,
                    f"The request had the Via “{asked.raw}”, the {packet.status} says"
                    f" “{told.raw}”.",
                    "Via",
                    told.span,
                )


@rule(
    "rport-empty-in-request",
    "A client sends rport without a value",
    "RFC3581-3-b",
)
def rport_empty(scene: Scene) -> Iterator[Breach]:
    """An rport that a sender puts in its own Via has no value; the next hop fills it in."""
    for packet in scene.requests:
        via = packet.top
        param = None if via is None else via.param("rport")
        if param is not None and param.value is not None:
            yield breach(
                packet, f"The sender gave rport the value {param.value}.", "Via", param.span
            )


@rule("rport-syntax", "A value of rport is a port number", "RFC3581-5-a")
def rport_syntax(scene: Scene) -> Iterator[Breach]:
    """An rport parameter is bare or has a number from 1 to 65535."""
    for packet in scene.fresh:
        for index, via in enumerate(packet.vias):
            param = via.param("rport")
            if param is None or param.value is None or _copied(packet, index, via):
                continue
            value = param.value
            if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= 65535:
                yield breach(packet, f"rport has the value {value}.", "Via", param.span)


def _copied(packet: Packet, index: int, via: Via) -> bool:
    """Whether the sender only passed this value on."""
    before = packet.hop.inn if packet.hop is not None else packet.request
    return before is not None and any(via.raw == known.raw for known in before.vias)


def stamped(scene: Scene) -> Iterator[tuple[Packet, Packet, Via, Via]]:
    """Where the receiver of a request shows what it made of its top Via: (request, the message that
    shows it, the Via as sent, the Via as shown). Its sender is the party to judge."""
    for request in scene.requests:
        sent = request.top
        if sent is None:
            continue
        for hop in request.forwards:
            if hop.out.is_request and len(hop.out.vias) > hop.pushed > 0:
                shown = hop.out.vias[hop.pushed]
                if shown.branch == sent.branch:
                    yield request, hop.out, sent, shown
        for answer in request.answers:
            if answer.top is not None and answer.top.branch == sent.branch:
                yield request, answer, sent, answer.top


def _lost_on_the_way_back(packet: Packet, name: str) -> bool:
    """Whether the system had stamped the request it passed on, so that a response without the
    parameter is a matter of `received-kept`."""
    if packet.hop is None or not packet.is_response:
        return False
    request = packet.hop.inn.request
    if request is None or request.hop is None:
        return False
    hop = request.hop
    return len(hop.out.vias) > hop.pushed and hop.out.vias[hop.pushed].value(name) is not None


@rule(
    "rport-filled",
    "rport is filled in with the source port",
    "RFC3581-4-a",
    "RFC3581-4-c",
    "RFC3581-6-a",
    role="target",
)
def rport_filled(scene: Scene) -> Iterator[Breach]:
    """A server that gets an empty rport in the top Via sets it to the source port of the
    request, on every transport."""
    for request, packet, sent, shown in stamped(scene):
        param = sent.param("rport")
        if not request.enters or param is None or param.value is not None:
            continue
        if _lost_on_the_way_back(packet, "rport"):
            continue
        source = request.source
        value = shown.value("rport")
        if value is None or (source is not None and value != str(source.port)):
            due = "the source port" if source is None else str(source.port)
            seen = "empty" if value is None and shown.has("rport") else value or "missing"
            yield breach(
                packet,
                f"The request asked with rport; it is {seen}, {due} is due.",
                "Via",
                shown.span,
                requirement=None if request.transport == "udp" else "RFC3581-4-c",
            )


@rule(
    "rport-not-invented",
    "A server adds no rport that was not asked for",
    "RFC3581-4-f",
    level="MUST NOT",
)
def rport_not_invented(scene: Scene) -> Iterator[Breach]:
    """Without rport in the request the server adds none."""
    for _, packet, sent, shown in stamped(scene):
        param = shown.param("rport")
        if param is not None and not sent.has("rport"):
            yield breach(packet, "rport was added without being asked for.", "Via", param.span)


def _differs(sent: Via, packet: Packet) -> bool:
    source = packet.source
    host = plain_host(sent.host)
    return not is_ip(host) or (source is not None and host != source.host)


@rule(
    "received-when-different",
    "received is added when sent-by is not the source address",
    "RFC3261-18.2.1-a",
    legs=("udp", "tcp", "tls"),
)
def received_when_different(scene: Scene) -> Iterator[Breach]:
    """If sent-by of the top Via is a host name, or an address other than the source of the packet,
    the server adds received. RFC 7118 5.3 exempts WebSocket servers."""
    for request, packet, sent, shown in stamped(scene):
        if request.transport not in ("udp", "tcp", "tls") or shown.has("received"):
            continue
        if _lost_on_the_way_back(packet, "received"):
            continue
        if _differs(sent, request):
            yield breach(
                packet,
                f"sent-by is {sent.host} and the request came from"
                f" {request.source or 'an address'}; received is due.",
                "Via",
                shown.span,
            )


@rule(
    "received-with-rport",
    "received goes with rport",
    "RFC3581-4-b",
    role="target",
    legs=("udp", "tcp", "tls"),
)
def received_with_rport(scene: Scene) -> Iterator[Breach]:
    """With an empty rport in the request the server adds received as well, even if the source
    address equals sent-by."""
    for request, packet, sent, shown in stamped(scene):
        if request.transport not in ("udp", "tcp", "tls") or shown.has("received"):
            continue
        if not request.enters or not sent.has("rport") or _differs(sent, request):
            continue
        if not _lost_on_the_way_back(packet, "received"):
            yield breach(
                packet, "The request asked with rport; received is due too.", "Via", shown.span
            )


@rule(
    "received-value",
    "received is the source address of the request",
    "RFC3261-18.2.1-b",
    "RFC7118-5.3-c",
)
def received_value(scene: Scene) -> Iterator[Breach]:
    """Where received is added to the top Via it is the address that the request came from."""
    for request, packet, sent, shown in stamped(scene):
        param, source = shown.param("received"), request.source
        if param is None or source is None or sent.has("received"):
            continue
        if plain_host(param.value or "") != source.host:
            yield breach(
                packet,
                f"received is {param.value}, the request came from {source}.",
                "Via",
                param.span,
                requirement="RFC7118-5.3-c" if request.link.is_websocket else None,
            )


@rule(
    "received-kept",
    "A response keeps received and rport as the proxy had added them",
    "RFC3261-16.7-i",
    level="MUST NOT",
    role="target",
)
def received_kept(scene: Scene) -> Iterator[Breach]:
    """When a proxy takes its Via off a response it does not remove what it had added to the next
    one."""
    for hop in scene.response_hops:
        request = hop.inn.request
        if request is None or request.hop is None or not hop.out.vias:
            continue
        pushed = request.hop.pushed
        if len(request.vias) <= pushed or len(hop.inn.vias) <= pushed:
            continue
        for name in ("received", "rport"):
            was = request.vias[pushed].value(name)
            came = hop.inn.vias[pushed].value(name)
            left = hop.out.vias[0].value(name)
            if was is not None and was == came and left != was:
                yield breach(
                    hop.out,
                    f"{name}={was} had been added to the request and is"
                    f" {'gone' if left is None else left} in the {hop.out.status}.",
                    "Via",
                    hop.out.vias[0].span,
                )


@rule(
    "via-sent-by-listens",
    "sent-by names a socket that takes the responses",
    "RFC3261-18.1.1-d",
    role="target",
    legs=("udp",),
)
def sent_by_listens(scene: Scene) -> Iterator[Breach]:
    """Responses over UDP are taken on the port named in sent-by, or 5060: where sent-by is an
    address of the proxy, that is a socket of its."""
    listeners = {(host, port) for kind, host, port in scene.sut.listeners if kind == "udp"}
    for packet in scene.requests:
        via = packet.top
        if packet.enters or via is None or packet.transport != "udp" or not listeners:
            continue
        if packet.hop is not None and packet.hop.pushed == 0:
            continue
        host, port = plain_host(via.host), via.port or 5060
        if any(host == known for known, _ in listeners) and (host, port) not in listeners:
            yield breach(
                packet,
                f"sent-by is {via.host}:{port}, where the proxy does not listen.",
                "Via",
                via.sent_by_span,
            )
