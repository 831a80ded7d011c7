"""Pairing: which message leaving the system under test came of which one entering it.

A forwarded request is known by the branch that now stands below the system's own Via; a forwarded
response by the transaction it answers, its status and its To tag. Where a fault spoils the Vias,
the Call-ID, CSeq and From tag still tell; such a hop is `loose`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from viaduct.rules.scene.packet import Packet

# Requests that a proxy answers or builds hop by hop, so equal identity does not mean forwarding.
_HOP_BY_HOP = frozenset(("CANCEL", "ACK"))


@dataclass(frozen=True, slots=True)
class Hop:
    """`inn` entered, `out` left. `pushed`: how many Via values the system put on a request."""

    inn: Packet
    out: Packet
    pushed: int
    loose: bool


def branch_key(packet: Packet, index: int = 0) -> tuple[str, str] | None:
    """What a transaction is matched by: the branch of a Via value and the method (RFC 3261 17.2.3),
    with an ACK counted to its INVITE."""
    vias = packet.vias
    if index >= len(vias):
        return None
    branch = vias[index].branch
    if not branch:
        return None
    method = packet.method
    return branch.lower(), "INVITE" if method == "ACK" else method


def pair(packets: Iterable[Packet]) -> None:
    """Fills in `request`, `answers`, `hop` and `forwards` of all packets."""
    first = [packet for packet in packets if packet.repeats is None and packet.message is not None]
    _answers(first)
    _requests(first)
    _responses(first)


def _answers(packets: list[Packet]) -> None:
    by_branch: dict[tuple[bool, str, str], list[Packet]] = defaultdict(list)
    by_identity: dict[tuple[bool, object, str], list[Packet]] = defaultdict(list)
    for packet in packets:
        if packet.is_request and packet.method != "ACK":
            key = branch_key(packet)
            if key is not None:
                by_branch[packet.enters, key[0], key[1]].append(packet)
            by_identity[packet.enters, packet.identity, packet.method].append(packet)
    for packet in packets:
        if not packet.is_response:
            continue
        key = branch_key(packet)
        request = None
        if key is not None:
            request = _nearest(by_branch.get((not packet.enters, key[0], key[1]), []), packet)
        if request is None:
            known = by_identity.get((not packet.enters, packet.identity, packet.method), [])
            request = _nearest([other for other in known if other.link is packet.link], packet)
        if request is not None:
            packet.request = request
            request.answers.append(packet)


def _nearest(candidates: list[Packet], packet: Packet) -> Packet | None:
    """The candidate on the same link if there is one, and the latest that is not later."""
    best: Packet | None = None
    for other in candidates:
        if best is None:
            best = other
            continue
        rank = (other.link is packet.link, other.t <= packet.t, other.t)
        if rank >= (best.link is packet.link, best.t <= packet.t, best.t):
            best = other
    return best


def _requests(packets: list[Packet]) -> None:
    by_branch: dict[tuple[str, str], list[Packet]] = defaultdict(list)
    by_identity: dict[tuple[object, str], list[Packet]] = defaultdict(list)
    for packet in packets:
        if packet.is_request and packet.enters:
            key = branch_key(packet)
            if key is not None:
                by_branch[key].append(packet)
            by_identity[packet.identity, packet.method].append(packet)
    for packet in packets:
        if not packet.is_request or packet.enters:
            continue
        hop = _by_branch(packet, by_branch)
        if hop is None and packet.method not in _HOP_BY_HOP:
            before = [p for p in by_identity.get((packet.identity, packet.method), [])]
            origin = _latest_before(before, packet)
            if origin is not None:
                pushed = 1 if packet.vias else 0
                hop = Hop(origin, packet, pushed, True)
        if hop is not None:
            packet.hop = hop
            hop.inn.forwards.append(hop)


def _by_branch(packet: Packet, by_branch: dict[tuple[str, str], list[Packet]]) -> Hop | None:
    for index in range(1, len(packet.vias)):
        key = branch_key(packet, index)
        if key is None:
            continue
        origin = _origin(by_branch.get(key, []), packet)
        if origin is not None:
            return Hop(origin, packet, index, False)
    key = branch_key(packet)
    if key is None:
        return None
    # No own Via at all: the very branch that came in goes out again, on another link.
    known = [other for other in by_branch.get(key, []) if other.link is not packet.link]
    origin = _origin(known, packet)
    return None if origin is None else Hop(origin, packet, 0, False)


def _origin(candidates: list[Packet], packet: Packet) -> Packet | None:
    same = [other for other in candidates if other.method == packet.method]
    return _latest_before(same, packet)


def _latest_before(candidates: list[Packet], packet: Packet) -> Packet | None:
    best: Packet | None = None
    for other in candidates:
        if other.t <= packet.t and (best is None or other.t >= best.t):
            best = other
    return best


def _responses(packets: list[Packet]) -> None:
    for packet in packets:
        if packet.enters or not packet.is_response or packet.request is None:
            continue
        if packet.status == 100:
            continue
        origin = _response_origin(packet, packet.request)
        if origin is not None:
            hop = Hop(origin, packet, 0, False)
            packet.hop = hop
            origin.forwards.append(hop)


def _response_origin(packet: Packet, request: Packet) -> Packet | None:
    came = [
        answer
        for hop in request.forwards
        for answer in hop.out.answers
        if answer.status == packet.status and answer.t <= packet.t
    ]
    tagged = [answer for answer in came if answer.to_tag == packet.to_tag]
    if not tagged and packet.status < 300:
        # A proxy makes no 1xx but 100 and no 2xx of its own for a request it passed on, so a To tag
        # that fits none of them has been altered.
        tagged = [answer for answer in came if not answer.forwards] or came
    best: Packet | None = None
    for answer in tagged:
        if best is None or (not answer.forwards, answer.t) >= (not best.forwards, best.t):
            best = answer
    return best
