"""Dialogs as the agents around the system under test see them (RFC 3261 section 12).

Each agent keeps its own half: tags, route set and remote target as it learned them from the
messages that it sent and received. What the agent then sends is compared with that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from viaduct.rules.scene.packet import Link, Packet
from viaduct.sip.address import Address
from viaduct.sip.uri import Uri

FORMING = frozenset(("INVITE", "SUBSCRIBE", "REFER"))
# Requests that refresh the remote target (RFC 3261 12.2, RFC 3311, RFC 6665).
REFRESHING = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY"))


@dataclass(slots=True)
class Half:
    """One agent's half of a dialog. `calls`: it sent the request that formed the dialog."""

    agent: str
    link: Link
    calls: bool
    call_id: str
    local_tag: str
    remote_tag: str
    formed_by: Packet  # the request
    answer: Packet  # the response that carried the tag
    route_set: tuple[Address, ...] | None = None  # None while it cannot be known
    targets: list[tuple[float, Uri]] = field(default_factory=list)
    sent: list[Packet] = field(default_factory=list)
    received: list[Packet] = field(default_factory=list)
    confirmed: bool = False

    def targets_at(self, t: float) -> list[Uri]:
        """The targets that a request sent at `t` may have: the last one learned, and the one before
        it when the change is so fresh that the two may have crossed."""
        known = [(when, uri) for when, uri in self.targets if when <= t]
        if not known:
            return [uri for _, uri in self.targets[:1]]
        latest = [known[-1][1]]
        for index in range(len(known) - 1, 0, -1):
            if t - known[index][0] > CROSSING:
                break
            latest.append(known[index - 1][1])
        return latest


CROSSING = 0.5


def is_forming(packet: Packet) -> bool:
    return packet.is_request and packet.method in FORMING and packet.to_tag is None


class Dialogs:
    def __init__(self, packets: Iterable[Packet]) -> None:
        self.halves: dict[tuple[str, str, str], Half] = {}
        ordered = [p for p in packets if p.message is not None and p.repeats is None]
        for packet in ordered:
            if packet.is_response:
                self._form(packet)
        for packet in ordered:
            self._follow(packet)

    def of(self, packet: Packet) -> Half | None:
        """The sender's half for a request that an agent sent, the receiver's for one it
        received."""
        local, remote = packet.from_tag, packet.to_tag
        if local is None or remote is None:
            return None
        if not packet.enters:
            local, remote = remote, local
        return self.halves.get((packet.call_id, local, remote))

    def _form(self, packet: Packet) -> None:
        request = packet.request
        if request is None or not is_forming(request) or not 100 < packet.status < 300:
            return
        local, remote = request.from_tag, packet.to_tag
        if local is None or remote is None:
            return
        calls = request.enters
        if not calls:
            local, remote = remote, local
        key = (packet.call_id, local, remote)
        half = self.halves.get(key)
        if half is None:
            half = Half(
                agent=packet.agent,
                link=packet.link,
                calls=calls,
                call_id=packet.call_id,
                local_tag=local,
                remote_tag=remote,
                formed_by=request,
                answer=packet,
            )
            self.halves[key] = half
        if calls and not half.confirmed:
            # RFC 3261 13.2.2.4: the 2xx computes the route set anew, whatever a 1xx had said.
            if half.route_set is None or packet.status >= 200 or packet.record_routes:
                half.route_set = tuple(reversed(packet.record_routes))
        elif not calls and half.route_set is None:
            half.route_set = request.record_routes
        carrier = packet if calls else request
        _learn(half, carrier)
        if packet.status >= 200:
            half.confirmed = True

    def _follow(self, packet: Packet) -> None:
        if packet.is_request:
            half = self.of(packet)
            if half is None:
                return
            (half.sent if packet.enters else half.received).append(packet)
            if not packet.enters and packet.method in REFRESHING and packet.to_tag is not None:
                accepted = any(200 <= answer.status < 300 for answer in packet.answers)
                if accepted:
                    _learn(half, packet)
            return
        request = packet.request
        if request is None or request.to_tag is None or request.method not in REFRESHING:
            return
        if packet.enters or not 200 <= packet.status < 300:
            return
        half = self.of(request)
        if half is not None:
            _learn(half, packet)


def _learn(half: Half, packet: Packet) -> None:
    contacts = packet.contacts
    if len(contacts) == 1 and contacts[0].uri is not None:
        half.targets.append((packet.t, contacts[0].uri))
        half.targets.sort(key=lambda item: item[0])
