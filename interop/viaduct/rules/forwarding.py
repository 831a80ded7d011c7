"""What a stateful proxy owes over time: 100, provisional and final responses, CANCEL, limits.

Where something is missing, the trace has to go on long enough to show that it did not come:
PATIENCE seconds after it was due.
"""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.place import SECURE, is_ip, plain_host, uri_port
from viaduct.rules.scene.scene import Scene

PATIENCE = 1.0
TRYING_DUE = 0.2  # RFC 3261 17.2.1


def waited(scene: Scene, packet: Packet) -> bool:
    """Whether the trace, and the link of the message, go on for long enough after it."""
    if packet.link.closed is not None and packet.link.closed < packet.t + PATIENCE:
        return False
    return scene.ends > packet.t + PATIENCE


@rule(
    "provisional-forwarded",
    "A proxy forwards provisional responses and 2xx",
    "RFC3261-16.7-c",
    role="target",
)
def provisional_forwarded(scene: Scene) -> Iterator[Breach]:
    """A proxy forwards each 101 to 199 and each 2xx to an INVITE at once."""
    for packet in scene.responses:
        request = packet.request
        if not packet.enters or packet.method != "INVITE" or not 100 < packet.status < 300:
            continue
        if request is None or request.hop is None or packet.forwards:
            continue
        inn = request.hop.inn
        finals = [a.t for a in inn.answers if a.status >= 200]
        if finals and min(finals) <= packet.t and packet.status < 200:
            continue  # it came too late to matter
        if inn.link.closed is not None and inn.link.closed < packet.t + PATIENCE:
            continue
        overtaken = packet.status < 200 and bool(finals)
        if overtaken or waited(scene, packet):
            yield breach(
                packet,
                f"The {packet.status} came to the proxy and did not leave it.",
                None,
                packet.message.start_span if packet.message else None,
                party="target",
            )


@rule(
    "trying-not-forwarded",
    "A proxy does not forward 100",
    "RFC3261-16.7-c",
    role="target",
)
def trying_not_forwarded(scene: Scene) -> Iterator[Breach]:
    """A 100 is the answer of the next hop only: it leaves without the To tag of anyone further
    on."""
    for packet in scene.responses:
        request = packet.request
        if packet.enters or packet.status != 100 or request is None or packet.to_tag is None:
            continue
        if request.to_tag is None:
            tags = {a.to_tag for hop in request.forwards for a in hop.out.answers}
            if packet.to_tag in tags:
                values = packet.values("to")
                yield breach(
                    packet, f"The 100 has the To tag {packet.to_tag}.", "To", values[0].span
                )


@rule(
    "invite-trying",
    "An INVITE draws 100 unless another response comes at once",
    "RFC3261-17.2.1-a",
    "RFC7118-8.2-c",
    role="target",
)
def invite_trying(scene: Scene) -> Iterator[Breach]:
    """A server that gets an INVITE sends 100 unless it knows that another response follows within
    200 ms. Judged with a second to spare."""
    for request in scene.requests:
        if request.method != "INVITE" or not request.enters or not request.forwards:
            continue
        first = min((answer.t for answer in request.answers), default=None)
        late = first is not None and first > request.t + TRYING_DUE + PATIENCE
        if late or (first is None and waited(scene, request)):
            yield breach(
                request,
                "The INVITE drew no response for more than a second.",
                requirement="RFC7118-8.2-c" if request.link.is_websocket else None,
                party="target",
            )


@rule(
    "failure-acknowledged",
    "A failure response to INVITE is acknowledged",
    "RFC3261-17.1.1.2-c",
)
def failure_acknowledged(scene: Scene) -> Iterator[Breach]:
    """Each response 300 to 699 to an INVITE is acknowledged by the client transaction that gets it,
    toward where the INVITE went."""
    acked = {
        (ack.party, ack.call_id, _number(ack)) for ack in scene.requests if ack.method == "ACK"
    }
    for packet in scene.responses:
        request = packet.request
        if packet.method != "INVITE" or packet.status < 300 or request is None:
            continue
        if (request.party, request.call_id, _number(request)) in acked:
            continue
        if waited(scene, packet):
            yield breach(
                packet,
                f"No ACK answers the {packet.status}.",
                None,
                packet.message.start_span if packet.message else None,
                party=request.party,
            )


def _number(packet: Packet) -> int | None:
    return None if packet.cseq is None else packet.cseq.number


@rule(
    "success-acknowledged",
    "A 2xx to INVITE is acknowledged",
    "RFC3261-13.2.2.4-a",
    role="agent",
)
def success_acknowledged(scene: Scene) -> Iterator[Breach]:
    """A UAC sends an ACK for each 2xx to its INVITE."""
    acked = {
        (ack.party, ack.call_id, _number(ack)) for ack in scene.requests if ack.method == "ACK"
    }
    for packet in scene.responses:
        request = packet.request
        if packet.enters or packet.method != "INVITE" or not 200 <= packet.status < 300:
            continue
        if request is None or len(request.vias) != 1 or not waited(scene, packet):
            continue
        if (request.party, request.call_id, _number(request)) not in acked:
            yield breach(
                packet,
                "No ACK answers the 2xx.",
                None,
                packet.message.start_span if packet.message else None,
                party=request.party,
            )


@rule(
    "max-forwards-zero",
    "A request with Max-Forwards 0 is not forwarded",
    "RFC3261-16.3-d",
    role="target",
)
def max_forwards_zero(scene: Scene) -> Iterator[Breach]:
    """A proxy that gets a request with Max-Forwards 0 does not pass it on."""
    for hop in scene.request_hops:
        if hop.inn.number("max-forwards") == 0:
            yield breach(hop.out, f"The {hop.out.method} came with Max-Forwards 0.")


@rule(
    "max-breadth-one",
    "A forwarded request has one Max-Breadth",
    "RFC5393-5.3.3-a",
    role="target",
)
def max_breadth_one(scene: Scene) -> Iterator[Breach]:
    """A proxy sees to it that each request it forwards has a Max-Breadth, 60 if it came without."""
    for hop in scene.request_hops:
        message = hop.out.message
        if message is None or not hop.pushed or hop.out.method in ("ACK", "CANCEL"):
            continue
        if len(message.rows("max-breadth")) != 1:
            yield breach(
                hop.out,
                f"The {hop.out.method} left with {len(message.rows('max-breadth')) or 'no'}"
                " Max-Breadth.",
                "Max-Breadth",
            )


@rule(
    "max-breadth-shared",
    "Branches share the Max-Breadth that came in",
    "RFC5393-5.3.3-b",
    "RFC5393-5.3.3-d",
    level="MUST NOT",
    role="target",
)
def max_breadth_shared(scene: Scene) -> Iterator[Breach]:
    """The Max-Breadth values of parallel branches do not add up to more than came in, and a
    value is not lowered from hop to hop."""
    for packet in scene.requests:
        came = packet.number("max-breadth")
        if not packet.enters or came is None or not packet.forwards:
            continue
        values = [hop.out.number("max-breadth") for hop in packet.forwards]
        told = [value for value in values if value is not None]
        last = packet.forwards[-1].out
        spans = last.values("max-breadth")
        span = spans[0].span if spans else None
        if len(packet.forwards) == 1 and told == [came - 1]:
            yield breach(
                last,
                f"Max-Breadth came as {came} and left as {told[0]}.",
                "Max-Breadth",
                span,
                requirement="RFC5393-5.3.3-d",
            )
        elif sum(told) > came and _parallel(packet):
            yield breach(
                last,
                f"Max-Breadth came as {came} and left as {' + '.join(map(str, told))}.",
                "Max-Breadth",
                span,
            )


def _parallel(packet: Packet) -> bool:
    """Whether no branch had ended when the last one began."""
    last = max(hop.out.t for hop in packet.forwards)
    return not any(
        answer.status >= 200 and answer.t < last
        for hop in packet.forwards
        for answer in hop.out.answers
    )


@rule(
    "final-status-kept",
    "A proxy forwards the status that it got",
    "RFC3261-16.7-e",
    "RFC3261-16.7-j",
    role="target",
)
def final_status_kept(scene: Scene) -> Iterator[Breach]:
    """The final response that a proxy forwards has the status that it came with; only a 503 may
    become a 500."""
    for packet in scene.responses:
        request = packet.request
        if packet.enters or packet.hop is not None or request is None or packet.status < 200:
            continue
        if packet.to_tag is None or packet.to_tag == request.to_tag:
            continue
        came = [a for hop in request.forwards for a in hop.out.answers]
        same = [a for a in came if a.to_tag == packet.to_tag and a.status >= 200]
        if same and all(a.status != packet.status for a in same):
            if not any(a.status == 503 and packet.status == 500 for a in same):
                yield breach(
                    packet,
                    f"The response came as {same[0].status} and left as {packet.status}.",
                    None,
                    packet.message.start_span if packet.message else None,
                )


@rule(
    "pending-cancelled",
    "CANCEL, or a final response, cancels what is pending",
    "RFC3261-16.10-a",
    "RFC3261-16.7-k",
    role="target",
)
def pending_cancelled(scene: Scene) -> Iterator[Breach]:
    """A proxy that gets a matching CANCEL, or has forwarded a 2xx or 6xx, cancels all branches on
    which nothing but provisional responses came."""
    cancels: dict[tuple[str, str], list[Packet]] = {}
    for packet in scene.requests:
        if packet.method == "CANCEL" and packet.top is not None:
            key = ("in" if packet.enters else "out", packet.top.branch or "")
            cancels.setdefault(key, []).append(packet)
    for invite in scene.requests:
        if invite.method != "INVITE" or not invite.enters or invite.top is None:
            continue
        asked = [p.t for p in cancels.get(("in", invite.top.branch or ""), [])]
        ended = [a.t for a in invite.answers if 200 <= a.status < 300 or a.status >= 600]
        if not asked and not ended:
            continue
        since = min([*asked, *ended])
        for hop in invite.forwards:
            answers = hop.out.answers
            if not answers or any(a.status >= 200 for a in answers):
                continue
            if hop.out.top is None or cancels.get(("out", hop.out.top.branch or "")):
                continue
            if min(a.t for a in answers) < since and scene.ends > since + PATIENCE:
                if hop.out.link.open_at(since + PATIENCE):
                    yield breach(
                        hop.out,
                        "The INVITE rang on and was not cancelled.",
                        requirement=None if asked else "RFC3261-16.7-k",
                    )


@rule(
    "sips-only-secure",
    "A sips request is forwarded over TLS only",
    "RFC3261-26.2.2-a",
    role="target",
)
def sips_only_secure(scene: Scene) -> Iterator[Breach]:
    """A request for a sips URI travels over protected hops only."""
    for hop in scene.request_hops:
        before, after = hop.inn.uri, hop.out.uri
        if before is None or after is None or before.scheme != "sips":
            continue
        if hop.out.transport in SECURE or hop.inn.transport not in SECURE:
            continue
        if hop.out.transport in ("udp", "ws") and after.scheme == "sips":
            continue  # sips-not-over-udp, sips-not-over-ws
        yield breach(
            hop.out,
            f"The request for {before} left over {hop.out.transport}.",
            "Request-URI",
            after.span,
        )


@rule(
    "route-next-hop",
    "A request goes to its first Route",
    "RFC3261-16.6-m",
    "RFC3327-5.4-c",
    role="target",
    legs=("udp",),
)
def route_next_hop(scene: Scene) -> Iterator[Breach]:
    """The next hop of a request is its first Route value: with an address in it, the request goes
    there."""
    for hop in scene.request_hops:
        first = hop.out.routes[0].uri if hop.out.routes else None
        near = hop.out.link.near
        if first is None or near is None or hop.out.transport != "udp" or scene.is_own(first):
            continue
        if not first.has("lr") or not is_ip(plain_host(first.host)) or first.has("maddr"):
            continue
        if (plain_host(first.host), uri_port(first)) != (near.host, near.port):
            yield breach(
                hop.out,
                f"The first Route is {first}, the request went to {near}.",
                "Route",
                hop.out.routes[0].span,
            )


@rule(
    "sips-not-downgraded",
    "A sips request is not forwarded to a sip contact",
    "RFC5630-5.3-a",
    level="MUST NOT",
    role="target",
    legs=("tls", "wss"),
)
def sips_not_downgraded(scene: Scene) -> Iterator[Breach]:
    """A proxy does not forward a request for a sips URI with a sip URI in its place."""
    for hop in scene.request_hops:
        before, after = hop.inn.uri, hop.out.uri
        if before is None or after is None or hop.out.transport not in SECURE:
            continue
        if before.scheme == "sips" and after.scheme == "sip":
            yield breach(hop.out, f"{before} became {after}.", "Request-URI", after.span)


@rule(
    "no-408-non-invite",
    "No 408 to requests other than INVITE",
    "RFC4320-4.2-a",
    level="MUST NOT",
)
def no_408(scene: Scene) -> Iterator[Breach]:
    """A request other than INVITE is never answered with 408, which would come too late to help."""
    for packet in scene.responses:
        if packet.status == 408 and packet.method not in ("INVITE", "") and packet.hop is None:
            span = packet.message.start_span if packet.message else None
            yield breach(packet, f"A 408 answers the {packet.method}.", None, span)


@rule(
    "stray-response-dropped",
    "A response that nobody waits for is not forwarded",
    "RFC6026-6-b",
    "RFC6026-8.9-a",
    level="MUST NOT",
    role="target",
)
def stray_response(scene: Scene) -> Iterator[Breach]:
    """A stateful proxy does not forward a response that matches no request it sent."""
    stray: dict[tuple[object, int, str | None], Packet] = {}
    for packet in scene.responses:
        key = (packet.identity, packet.status, packet.to_tag)
        if packet.enters and packet.request is None:
            stray.setdefault(key, packet)
        elif not packet.enters and packet.hop is None and packet.status > 100:
            first = stray.get(key)
            if first is not None and first.t <= packet.t and packet.to_tag is not None:
                yield breach(
                    packet,
                    f"The {packet.status} of event {first.event.n}, which answers nothing, left.",
                    None,
                    packet.message.start_span if packet.message else None,
                )


@rule(
    "target-once",
    "A request goes to each target once",
    "RFC3261-16.5-b",
    "RFC3261-17.2.1-b",
    "RFC6026-6-a",
    level="MUST NOT",
    role="target",
)
def target_once(scene: Scene) -> Iterator[Breach]:
    """A proxy sends a request to no target twice in new transactions; a copy of the request that
    comes again starts none."""
    for packet in scene.requests:
        if not packet.enters or len(packet.forwards) < 2 or packet.method == "CANCEL":
            continue
        seen: dict[tuple[str, int], Packet] = {}
        for hop in packet.forwards:
            uri, top = hop.out.uri, hop.out.top
            if uri is None or top is None or not hop.pushed:
                continue
            first = seen.setdefault((uri.raw, id(hop.out.link)), hop.out)
            if first.top is not None and first.top.branch != top.branch:
                yield breach(
                    hop.out,
                    f"The {packet.method} had left for {uri} at event {first.event.n} already.",
                    "Request-URI",
                    uri.span,
                )
