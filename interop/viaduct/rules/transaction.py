"""Transactions: branches, what a response repeats, CANCEL, ACK, provisional responses."""

from collections import defaultdict
from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene

# RFC 4320 4.1: no 100 to a non-INVITE over UDP before the client's Timer E reached T2.
EARLIEST_TRYING = 3.5


@rule(
    "via-branch-unique",
    "A branch stands for one transaction",
    "RFC3261-8.1.1.7-c",
    "RFC3261-16.6-p",
)
def branch_unique(scene: Scene) -> Iterator[Breach]:
    """A sender uses a branch for one transaction only; CANCEL, and ACK for a failure, share that of
    their INVITE."""
    seen: dict[tuple[str, str], Packet] = {}
    for packet in scene.requests:
        via = packet.top
        if via is None or not via.branch or (packet.hop is not None and packet.hop.pushed == 0):
            continue
        first = seen.setdefault((packet.party, via.branch.lower()), packet)
        if first is packet or _one_transaction(first, packet):
            continue
        yield breach(
            packet,
            f"Branch {via.branch} had been used for the {first.method} of event"
            f" {first.event.n}.",
            "Via",
            via.span,
            requirement=None if packet.enters else "RFC3261-16.6-p",
        )


def _one_transaction(first: Packet, packet: Packet) -> bool:
    one, other = first.cseq, packet.cseq
    if one is None or other is None:
        return True
    if first.call_id != packet.call_id or one.number != other.number:
        return False
    if packet.method in ("ACK", "CANCEL"):
        return True
    if first.method != packet.method:
        return False
    if packet.enters and any(a.status >= 300 and a.t <= packet.t for a in first.answers):
        return False  # a new try after a failure, a challenge for example
    if not packet.enters and first.uri is not None and packet.uri is not None:
        return first.uri.raw == packet.uri.raw and first.link is packet.link
    return True


@rule(
    "response-identity",
    "A response repeats From, Call-ID and CSeq",
    "RFC3261-8.2.6.2-b",
    "RFC7118-8.1-f",
)
def response_identity(scene: Scene) -> Iterator[Breach]:
    """From, Call-ID and CSeq of a response equal those of the request, and so does To but for the
    tag."""
    for packet in scene.responses:
        request = packet.request
        if request is None or packet.hop is not None:
            continue
        for key, name in (("from", "From"), ("call-id", "Call-ID"), ("cseq", "CSeq")):
            asked = _row(request, key)
            told = _row(packet, key)
            if asked and asked != told:
                yield breach(
                    packet,
                    f"The request had {name} {asked}, the {packet.status} has"
                    f" {told or 'none'}.",
                    name,
                    _span(packet, key),
                )


def _row(packet: Packet, key: str) -> str:
    rows = packet.message.rows(key) if packet.message is not None else []
    return " ".join(rows[0].value.split()) if rows else ""


def _span(packet: Packet, key: str) -> tuple[int, int] | None:
    rows = packet.message.rows(key) if packet.message is not None else []
    return rows[0].span if rows else None


@rule("response-to-tag", "A response has a To tag", "RFC3261-8.2.6.2-c")
def response_to_tag(scene: Scene) -> Iterator[Breach]:
    """A response other than 100 has a To tag, that of the request if it had one."""
    for packet in scene.responses:
        request = packet.request
        if request is None or packet.hop is not None or packet.status == 100:
            continue
        values = packet.values("to")
        if not values:
            continue
        due = request.to_tag
        if not values[0].tag or (due is not None and values[0].tag != due):
            what = "a To tag" if due is None else f"To tag {due}"
            yield breach(
                packet,
                f"{what} is due in the {packet.status}; To is {values[0].raw}.",
                "To",
                values[0].span,
            )


@rule(
    "response-to-tag-constant",
    "All responses of a UAS to a request have one To tag",
    "RFC3261-8.2.6.2-c",
    role="agent",
)
def to_tag_constant(scene: Scene) -> Iterator[Breach]:
    """A UAS uses the same To tag in all its responses to one request."""
    for request in scene.requests:
        if request.enters or request.to_tag is not None:
            continue
        tagged = [a for a in request.answers if a.to_tag and a.enters and 100 < a.status < 300]
        for answer in tagged[1:]:
            if answer.to_tag != tagged[0].to_tag and len(answer.vias) == len(tagged[0].vias):
                if request.method == "INVITE":
                    yield breach(
                        answer,
                        f"The {tagged[0].status} had To tag {tagged[0].to_tag}, the"
                        f" {answer.status} has {answer.to_tag}.",
                        "To",
                        _span(answer, "to"),
                    )


@rule(
    "provisional-invite-only",
    "Only INVITE gets provisional responses beyond 100",
    "RFC4320-4.1-a",
    level="MUST NOT",
)
def provisional(scene: Scene) -> Iterator[Breach]:
    """No response 101 to 199 is sent to a request other than INVITE."""
    for packet in scene.responses:
        if 100 < packet.status < 200 and packet.method not in ("INVITE", "") and not packet.hop:
            yield breach(
                packet,
                f"A {packet.status} answers the {packet.method}.",
                None,
                packet.message.start_span if packet.message else None,
            )


@rule(
    "trying-invite-only",
    "A proxy sends 100 to INVITE only",
    "RFC3261-16.2-a",
    "RFC4320-4.1-b",
    level="SHOULD NOT",
    role="target",
    legs=("udp",),
)
def trying(scene: Scene) -> Iterator[Breach]:
    """A stateful proxy does not send an early 100 to requests other than INVITE; RFC 4320 leaves it
    free over reliable transports and after Timer E reached T2."""
    for packet in scene.responses:
        request = packet.request
        if packet.enters or packet.status != 100 or request is None:
            continue
        if packet.method == "INVITE" or packet.transport != "udp":
            continue
        if packet.t - request.t < EARLIEST_TRYING:
            yield breach(
                packet,
                f"A 100 answers the {packet.method}.",
                None,
                packet.message.start_span if packet.message else None,
            )


def cancelled(scene: Scene) -> Iterator[tuple[Packet, list[Packet]]]:
    """Each CANCEL with the INVITEs of the same sender that it may be meant for."""
    invites: dict[tuple[str, str, int], list[Packet]] = defaultdict(list)
    by_branch: dict[tuple[str, str], list[Packet]] = defaultdict(list)
    for packet in scene.requests:
        cseq = packet.cseq
        if packet.method == "INVITE" and cseq is not None:
            invites[packet.party, packet.call_id, cseq.number].append(packet)
            if packet.top is not None and packet.top.branch:
                by_branch[packet.party, packet.top.branch].append(packet)
    for packet in scene.requests:
        if packet.method != "CANCEL" or packet.hop is not None:
            continue
        found: list[Packet] = []
        if packet.top is not None and packet.top.branch:
            found = by_branch.get((packet.party, packet.top.branch), [])
        cseq = packet.cseq
        if not found and cseq is not None:
            found = invites.get((packet.party, packet.call_id, cseq.number), [])
        found = [invite for invite in found if invite.t <= packet.t]
        if found:
            yield packet, found


@rule("cancel-via", "A CANCEL has the Via of its INVITE", "RFC3261-9.1-a", "RFC3261-16.6-q")
def cancel_via(scene: Scene) -> Iterator[Breach]:
    """A CANCEL has a single Via, equal to the topmost one of the request that it cancels."""
    for packet, invites in cancelled(scene):
        if not packet.vias:
            continue
        tops = [invite.top.without("received") for invite in invites if invite.top is not None]
        if len(packet.vias) != 1 or packet.vias[0].without("received") not in tops:
            yield breach(
                packet,
                f"The CANCEL has {len(packet.vias)} Via values, the first"
                f" “{packet.vias[0].raw}”, which is not the INVITE's.",
                "Via",
                packet.vias[0].span,
            )


@rule("cancel-fields", "A CANCEL repeats the INVITE", "RFC3261-9.1-b")
def cancel_fields(scene: Scene) -> Iterator[Breach]:
    """Request-URI, Call-ID, To, From and the CSeq number of a CANCEL equal those of the INVITE."""
    for packet, invites in cancelled(scene):
        yield from _repeats(packet, invites, ("request-uri", "call-id", "to", "from", "number"))


def _repeats(packet: Packet, invites: list[Packet], keys: tuple[str, ...]) -> Iterator[Breach]:
    """A field that differs from all the INVITEs, each named once."""
    for key in keys:
        mine = _field(packet, key)
        if mine is not None and all(_field(invite, key) != mine for invite in invites):
            name = {"request-uri": "Request-URI", "number": "CSeq", "call-id": "Call-ID"}.get(
                key, key.capitalize()
            )
            yield breach(
                packet,
                f"{name} of the {packet.method} is {mine}, of the INVITE"
                f" {_field(invites[0], key)}.",
                name,
                _span(packet, "cseq" if key == "number" else key),
            )


def _field(packet: Packet, key: str) -> str | None:
    if key == "request-uri":
        return None if packet.uri is None else packet.uri.raw
    if key == "number":
        return None if packet.cseq is None else str(packet.cseq.number)
    return _row(packet, key) or None


@rule("cancel-route", "A CANCEL repeats Route", "RFC3261-9.1-c")
def cancel_route(scene: Scene) -> Iterator[Breach]:
    """A CANCEL has the Route values of the request that it cancels."""
    for packet, invites in cancelled(scene):
        yield from _route(packet, invites)


def _route(packet: Packet, invites: list[Packet]) -> Iterator[Breach]:
    mine = [value.raw for value in packet.routes]
    if all([value.raw for value in invite.routes] != mine for invite in invites):
        due = ", ".join(value.raw for value in invites[0].routes) or "none"
        yield breach(
            packet,
            f"Route of the INVITE is {due}, of the {packet.method} {', '.join(mine) or 'none'}.",
            "Route",
            packet.routes[0].span if packet.routes else None,
        )


@rule(
    "cancel-same-flow",
    "A CANCEL takes the way of its INVITE",
    "RFC3261-9.1-e",
)
def cancel_same_flow(scene: Scene) -> Iterator[Breach]:
    """A CANCEL is sent to the same address and port, over the same transport and connection, as the
    request that it cancels."""
    for packet, invites in cancelled(scene):
        open_links = [i.link for i in invites if i.link.open_at(packet.t)]
        if open_links and packet.link not in open_links:
            yield breach(packet, f"The INVITE went over {invites[0].link}.")


@rule(
    "cancel-no-require",
    "A CANCEL has no Require",
    "RFC3261-9.1-f",
    level="MUST NOT",
)
def cancel_no_require(scene: Scene) -> Iterator[Breach]:
    """A CANCEL has neither Require nor Proxy-Require."""
    for packet in scene.requests:
        if packet.method != "CANCEL" or packet.message is None or packet.hop is not None:
            continue
        for key, name in (("require", "Require"), ("proxy-require", "Proxy-Require")):
            if packet.message.has(key):
                yield breach(packet, f"The CANCEL has {name}.", name, _span(packet, key))


def acknowledged(scene: Scene) -> Iterator[tuple[Packet, Packet, list[Packet]]]:
    """Each ACK with the INVITE of the same sender and the final responses that it had by then."""
    invites: dict[tuple[str, str, int], list[Packet]] = defaultdict(list)
    for packet in scene.requests:
        cseq = packet.cseq
        if packet.method == "INVITE" and cseq is not None:
            invites[packet.party, packet.call_id, cseq.number].append(packet)
    for packet in scene.requests:
        cseq = packet.cseq
        if packet.method != "ACK" or cseq is None or packet.hop is not None:
            continue
        for invite in invites.get((packet.party, packet.call_id, cseq.number), []):
            finals = [a for a in invite.answers if a.status >= 200]
            mine = [a for a in finals if a.to_tag == packet.to_tag] or finals
            if mine and (_same_branch(packet, invite) or _alone(packet, invites, invite)):
                yield packet, invite, mine


def _same_branch(one: Packet, other: Packet) -> bool:
    return one.top is not None and other.top is not None and one.top.branch == other.top.branch


def _alone(ack: Packet, invites: dict[tuple[str, str, int], list[Packet]], invite: Packet) -> bool:
    """With several INVITEs of one identity (forks) the link tells which one an ACK is for."""
    cseq = invite.cseq
    if cseq is None:
        return False
    all_of_them = invites[ack.party, ack.call_id, cseq.number]
    if any(_same_branch(ack, other) for other in all_of_them):
        return False
    return len(all_of_them) == 1


def failed(scene: Scene) -> Iterator[tuple[Packet, Packet, Packet]]:
    """ACKs for a final response other than 2xx: (ACK, INVITE, response)."""
    for ack, invite, finals in acknowledged(scene):
        if all(answer.status >= 300 for answer in finals):
            yield ack, invite, finals[0]


@rule(
    "ack-via",
    "The ACK for a failure has the Via of its INVITE",
    "RFC3261-17.1.1.3-a",
    "RFC3261-16.6-q",
    "RFC5393-4.2.1-b",
)
def ack_via(scene: Scene) -> Iterator[Breach]:
    """The ACK for a response other than 2xx has a single Via, equal to the INVITE's topmost one."""
    for ack, invite, _ in failed(scene):
        if not ack.vias or invite.top is None:
            continue
        if len(ack.vias) != 1 or ack.vias[0].without("received") != invite.top.without("received"):
            yield breach(
                ack,
                f"The INVITE had Via “{invite.top.raw}”, the ACK has “{ack.vias[0].raw}”.",
                "Via",
                ack.vias[0].span,
            )


@rule(
    "ack-fields",
    "The ACK for a failure repeats the INVITE and the response's To",
    "RFC3261-17.1.1.3-b",
)
def ack_fields(scene: Scene) -> Iterator[Breach]:
    """That ACK has the INVITE's Request-URI, Call-ID, From and CSeq number, and the response's
    To."""
    for ack, invite, answer in failed(scene):
        yield from _repeats(ack, [invite], ("request-uri", "call-id", "from", "number"))
        due, told = _row(answer, "to"), _row(ack, "to")
        if due and told and due != told:
            yield breach(
                ack,
                f"The {answer.status} had To {due}, the ACK has {told}.",
                "To",
                _span(ack, "to"),
            )


@rule("ack-route", "The ACK for a failure repeats Route", "RFC3261-17.1.1.3-c")
def ack_route(scene: Scene) -> Iterator[Breach]:
    """That ACK has the Route values of the INVITE."""
    for ack, invite, _ in failed(scene):
        yield from _route(ack, [invite])


@rule(
    "ack-2xx-branch",
    "The ACK for a 2xx has a branch of its own",
    "RFC3261-13.2.2.4-b",
    "RFC7118-8.2-l",
    role="agent",
)
def ack_2xx_branch(scene: Scene) -> Iterator[Breach]:
    """The ACK for a 2xx is a transaction of its own and so has a new branch."""
    for ack, invite, finals in acknowledged(scene):
        if ack.enters and all(answer.status < 300 for answer in finals):
            if _same_branch(ack, invite) and ack.top is not None:
                yield breach(
                    ack,
                    f"The ACK has the INVITE's branch {ack.top.branch}.",
                    "Via",
                    ack.top.span,
                )


@rule(
    "websocket-no-retransmission",
    "Nothing is sent twice over a WebSocket connection",
    "RFC7118-5-a",
    "RFC7118-5-b",
    legs=("ws", "wss"),
)
def no_retransmission(scene: Scene) -> Iterator[Breach]:
    """WebSocket is a reliable transport: no request, and no final response to INVITE other than
    2xx, is repeated on it."""
    for packet in scene.packets:
        if packet.repeats is None or not packet.link.is_websocket or packet.message is None:
            continue
        if packet.is_request and packet.method != "ACK":
            yield breach(packet, f"The {packet.method} of event {packet.repeats.event.n} again.")
        elif packet.is_response and packet.method == "INVITE" and packet.status >= 300:
            yield breach(
                packet,
                f"The {packet.status} of event {packet.repeats.event.n} again.",
                requirement="RFC7118-5-b",
            )


@rule(
    "retry-cseq",
    "A request repeated with credentials has a higher CSeq",
    "RFC3261-22.2-a",
    role="agent",
)
def retry_cseq(scene: Scene) -> Iterator[Breach]:
    """After a 401 or 407 the UAC sends the request again with a CSeq higher than before."""
    seen: dict[tuple[str, str, str, str | None], Packet] = {}
    for packet in scene.requests:
        if not packet.enters or packet.method in ("ACK", "CANCEL") or packet.cseq is None:
            continue
        key = (packet.party, packet.method, packet.call_id, packet.from_tag)
        before = seen.get(key)
        seen[key] = packet
        if before is None or before.cseq is None or _same_branch(before, packet):
            continue
        challenged = any(a.status in (401, 407) for a in before.answers)
        if challenged and packet.cseq.number <= before.cseq.number:
            yield breach(
                packet,
                f"CSeq is {packet.cseq.number} again after the challenge to"
                f" {before.cseq.number}.",
                "CSeq",
                packet.cseq.span,
            )


@rule(
    "proxy-challenge-407",
    "A proxy challenges with 407",
    "RFC3261-22.1-b",
    level="MUST NOT",
    role="target",
)
def challenge_407(scene: Scene) -> Iterator[Breach]:
    """A proxy never challenges a request for someone else with 401."""
    for packet in scene.responses:
        request = packet.request
        if packet.enters or packet.status != 401 or packet.hop is not None or request is None:
            continue
        uri = request.uri
        if packet.method not in ("REGISTER", "OPTIONS") and uri is not None and uri.user:
            yield breach(
                packet,
                f"A 401 of the proxy's own answers the {packet.method} for {uri}.",
                "WWW-Authenticate",
                _span(packet, "www-authenticate"),
            )


@rule(
    "cancel-after-provisional",
    "A CANCEL waits for a provisional response",
    "RFC3261-9.1-d",
    level="MUST NOT",
)
def cancel_after_provisional(scene: Scene) -> Iterator[Breach]:
    """No CANCEL is sent for a request before a provisional response to it has come in."""
    for packet, invites in cancelled(scene):
        if not any(answer.t <= packet.t for invite in invites for answer in invite.answers):
            yield breach(packet, f"The INVITE of event {invites[0].event.n} had no response yet.")


@rule(
    "stream-no-retransmission",
    "No INVITE is sent twice over a connection",
    "RFC3261-17.1.1.2-b",
    level="MUST NOT",
    legs=("tcp", "tls"),
)
def stream_no_retransmission(scene: Scene) -> Iterator[Breach]:
    """Over TCP and TLS an INVITE is not retransmitted."""
    for packet in scene.packets:
        if packet.repeats is None or packet.transport not in ("tcp", "tls"):
            continue
        if packet.is_request and packet.method == "INVITE":
            yield breach(packet, f"The INVITE of event {packet.repeats.event.n} again.")
