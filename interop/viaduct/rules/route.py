"""Route: what a proxy takes off and leaves, and what the agents build from their route sets."""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.dialog import Half
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.place import is_ip, plain_host
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address
from viaduct.sip.uri import same_uri


def leading_own(scene: Scene, routes: tuple[Address, ...]) -> int:
    """How many of the first Route values lead to the system under test."""
    count = 0
    for value in routes:
        if value.uri is None or not scene.is_own(value.uri):
            break
        count += 1
    return count


@rule(
    "route-own-removed",
    "A proxy removes its own Route values",
    "RFC3261-16.4-b",
    "RFC5658-5-c",
    "RFC5626-5.3.1-c",
    "RFC5626-9.2-b",
    "RFC5626-9.5-a",
    "RFC7118-8.2-f",
    "RFC7118-8.2-m",
    "RFC3608-6.4.2-a",
    "RFC3327-5.5.2-a",
    role="target",
)
def own_removed(scene: Scene) -> Iterator[Breach]:
    """A first Route value that names the proxy, and a second one of a double Record-Route, are gone
    from the request that it passes on."""
    for hop in scene.request_hops:
        left = hop.out.routes[: leading_own(scene, hop.out.routes)]
        given = {value.raw for value in hop.inn.routes}
        for value in left:
            if value.raw in given:
                double = leading_own(scene, hop.inn.routes) > 1
                yield breach(
                    hop.out,
                    f"{value.raw} names the proxy that passed the request on.",
                    "Route",
                    value.span,
                    requirement="RFC5658-5-c" if double else None,
                )


@rule(
    "route-rest-kept",
    "A proxy leaves the Route values of others alone",
    "RFC3261-16.6-a",
    "RFC3608-6.4.2-a",
    level="MUST NOT",
    role="target",
)
def rest_kept(scene: Scene) -> Iterator[Breach]:
    """Below its own values, which it removes, a proxy keeps the Route list as it came; what it adds
    stands above."""
    for hop in scene.request_hops:
        uri = hop.inn.uri
        if uri is None or uri.raw in scene.own_uris:
            continue  # a strict router had put our URI there (RFC 3261 16.4)
        rest = [value.raw for value in _foreign(scene, hop.inn.routes)]
        after = [value.raw for value in hop.out.routes]
        if rest and after[len(after) - len(rest) :] != rest:
            values = hop.out.routes
            yield breach(
                hop.out,
                f"Route {', '.join(rest)} was still to be visited; the request left with"
                f" {', '.join(after) or 'none'}.",
                "Route",
                values[0].span if values else None,
            )


def _foreign(scene: Scene, routes: tuple[Address, ...]) -> tuple[Address, ...]:
    """Route from the first value on that surely leads elsewhere. A host name that the trace does
    not explain may be one of the system under test."""
    for at, value in enumerate(routes):
        uri = value.uri
        if uri is not None and not scene.is_own(uri) and is_ip(plain_host(uri.host)):
            return routes[at:]
    return ()


def in_dialog(scene: Scene) -> Iterator[tuple[Packet, Half]]:
    """Requests that agents sent, and not relayed, within dialogs whose route set is known. ACK
    for a failed INVITE and CANCEL follow the transaction, not the dialog."""
    for packet in scene.requests:
        if not packet.enters or packet.to_tag is None or packet.method == "CANCEL":
            continue
        half = scene.dialogs.of(packet)
        if half is None or half.route_set is None or half.agent != packet.agent:
            continue
        if len(packet.vias) != 1:
            continue
        if packet.method == "ACK" and not _accepted(half, packet):
            continue
        if packet.message is not None and packet.message.has("route") and not packet.routes:
            continue
        yield packet, half


def _accepted(half: Half, ack: Packet) -> bool:
    """Whether the ACK belongs to a 2xx."""
    cseq = ack.cseq
    for request in (half.formed_by, *half.sent):
        if request.method == "INVITE" and cseq is not None and request.cseq is not None:
            if request.cseq.number == cseq.number:
                return any(200 <= answer.status < 300 for answer in request.answers)
    return False


def _same_route(one: tuple[Address, ...], other: tuple[Address, ...]) -> bool:
    """Equal URIs with all parameters, in order."""
    if len(one) != len(other):
        return False
    for a, b in zip(one, other):
        if a.uri is None or b.uri is None:
            return False
        if a.uri.raw != b.uri.raw and not (
            same_uri(a.uri, b.uri) and len(a.uri.params) == len(b.uri.params)
        ):
            return False
    return True


def _is_loose(half: Half) -> bool:
    routes = half.route_set
    return not routes or (routes[0].uri is not None and routes[0].uri.has("lr"))


def _route_breach(packet: Packet, half: Half, learned: str) -> Breach:
    due = ", ".join(value.raw for value in half.route_set or ())
    seen = ", ".join(value.raw for value in packet.routes)
    return breach(
        packet,
        f"{learned} gives the route set {due}; the {packet.method} has {seen or 'no Route'}.",
        "Route",
        packet.routes[0].span if packet.routes else None,
    )


@rule(
    "route-set-caller",
    "The caller's route set is the Record-Route of the response in reverse",
    "RFC3261-12.1.2-a",
    "RFC3261-12.2.1.1-a",
    "RFC7118-8.2-k",
    "RFC5658-6.2-h",
    role="agent",
)
def caller(scene: Scene) -> Iterator[Breach]:
    """A UAC builds Route of its requests within the dialog from the Record-Route values of the
    response in reverse order, with all parameters."""
    for packet, half in in_dialog(scene):
        if half.calls and half.route_set and _is_loose(half):
            if not _same_route(packet.routes, half.route_set):
                yield _route_breach(packet, half, "The response")


@rule(
    "route-set-callee",
    "The callee's route set is the Record-Route of the request in order",
    "RFC3261-12.1.1-d",
    "RFC3261-12.2.1.1-a",
    "RFC7118-8.2-n",
    "RFC5658-6.2-h",
    role="agent",
)
def callee(scene: Scene) -> Iterator[Breach]:
    """A UAS builds Route of its requests within the dialog from the Record-Route values of the
    request in order, with all parameters."""
    for packet, half in in_dialog(scene):
        if not half.calls and half.route_set and _is_loose(half):
            if not _same_route(packet.routes, half.route_set):
                yield _route_breach(packet, half, "The request")


@rule(
    "route-set-empty",
    "Without Record-Route there is no Route within the dialog",
    "RFC3261-12.2.1.1-c",
    "RFC3261-12.1.2-b",
    role="agent",
)
def empty(scene: Scene) -> Iterator[Breach]:
    """An empty route set replaces a preloaded one: requests within the dialog have no Route."""
    for packet, half in in_dialog(scene):
        if half.route_set == () and packet.routes:
            yield breach(
                packet,
                f"The dialog has no route set, the {packet.method} has Route"
                f" {packet.routes[0].raw}.",
                "Route",
                packet.routes[0].span,
                requirement="RFC3261-12.1.2-b" if half.formed_by.routes else None,
            )


@rule(
    "route-path-followed",
    "A request to a binding takes the Path of that binding",
    "RFC3327-5.4-a",
    "RFC5626-7-d",
    "RFC3327-5.5.2-a",
    role="target",
)
def path_followed(scene: Scene) -> Iterator[Breach]:
    """A home proxy copies the path vector stored with the binding into Route of a request to it."""
    for hop in scene.request_hops:
        uri = hop.out.uri
        if uri is None or hop.inn.to_tag is not None:
            continue
        known = [one for one in scene.bindings.to(uri, hop.out.t) if one.paths]
        if not known:
            continue
        routes = [value.raw for value in hop.out.routes]
        vectors = [[value.raw for value in one.paths] for one in known]
        if not any(_starts(scene, routes, vector) for vector in vectors):
            yield breach(
                hop.out,
                f"The binding was made with Path {', '.join(vectors[-1])}; the request left with"
                f" Route {', '.join(routes) or 'none'}.",
                "Route",
                hop.out.routes[0].span if hop.out.routes else None,
            )


def _starts(scene: Scene, routes: list[str], vector: list[str]) -> bool:
    """Own values at the front of the vector may have been used up by the system itself."""
    for cut in range(len(vector)):
        if routes[: len(vector) - cut] == vector[cut:]:
            return True
        if vector[cut] not in scene.own_uris:
            return False
    return True


@rule(
    "route-preloaded-lr",
    "A Route that a UA sets by itself is loose",
    "RFC7118-8.2-a",
    role="agent",
)
def preloaded(scene: Scene) -> Iterator[Breach]:
    """A UA that starts with a Route of its own, such as its outbound proxy, gives it the parameter
    lr."""
    for packet in scene.requests:
        if not packet.enters or packet.to_tag is not None or len(packet.vias) != 1:
            continue
        for value in packet.routes:
            if value.uri is None or value.uri.has("lr"):
                continue
            if not scene.had_heard(packet.party, value.uri, packet.t):
                yield breach(packet, f"Route {value.raw} has no lr.", "Route", value.span)
