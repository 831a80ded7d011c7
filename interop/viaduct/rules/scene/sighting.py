"""From events to packets: links, directions, and one packet for a message that two vantages saw."""

import re
from collections import defaultdict, deque

from viaduct.rules.scene.packet import Link, Packet
from viaduct.rules.scene.place import STREAMS, Address, Sut, read_address
from viaduct.sip.message import Message, ParseError, is_keepalive, parse
from viaduct.trace.model import Event, Trace


class Sightings:
    """What the vantages saw of the border of the system under test."""

    def __init__(self, trace: Trace, sut: Sut) -> None:
        self.sut = sut
        self.packets: list[Packet] = []
        self.keepalives: list[tuple[Event, Link, bool]] = []
        self.links: dict[object, Link] = {}
        self._parsed: dict[tuple[str, bytes], tuple[Message | None, ParseError | None]] = {}
        self._unclaimed = _callers(trace, sut)
        self._locals = frozenset(event.local for event in trace.events if event.local)
        outside: list[tuple[Event, bool]] = []
        inside: list[tuple[Event, bool]] = []
        for event in trace.events:
            if event.kind != "message" or event.dir is None:
                continue
            if self.is_inside(event):
                inside.append((event, event.dir == "in"))
            elif self.is_border(event):
                outside.append((event, event.dir == "out"))
        self._outside(outside)
        self._inside(inside)
        self.packets.sort(key=lambda packet: packet.event.n)
        self._repeats()

    def is_inside(self, event: Event) -> bool:
        """Recorded by the system under test itself."""
        if event.at in self.sut.vantages:
            return True
        return self.sut.owns(event.transport, read_address(event.local))

    def is_border(self, event: Event) -> bool:
        """Recorded outside, on a link to the system under test. With no system known, every link of
        a vantage counts but those to another vantage: what it sends enters something, what it
        receives leaves something."""
        if not self.sut.known:
            return event.remote is None or event.remote not in self._locals
        remote = read_address(event.remote)
        if self.sut.owns(event.transport, remote):
            return True
        return (event.at, event.flow, event.remote) in self._unclaimed

    def link_of(self, event: Event) -> Link:
        """The link of an event at the border, made when first seen."""
        if self.is_inside(event):
            near, far = read_address(event.remote), read_address(event.local)
            key: object = _address_key(event.transport, near, far)
            if key is None:
                key = ("inside", event.at, event.flow, event.remote)
            agent = f"{event.transport}:{event.remote}" if event.remote else event.flow
        else:
            near, far = read_address(event.local), read_address(event.remote)
            key = (event.at, event.flow)
            if event.transport not in STREAMS:
                key = (event.at, event.flow, event.remote)
            agent = event.at
        link = self.links.get(key)
        if link is None:
            twin = self.links.get(_address_key(event.transport, near, far))
            link = twin or Link(agent, event.flow, event.transport)
            self.links[key] = link
        if link.near is None:
            link.near = near
        if link.far is None:
            link.far = far
        known = _address_key(link.transport, link.near, link.far)
        if known is not None:
            self.links.setdefault(known, link)
        return link

    def _outside(self, events: list[tuple[Event, bool]]) -> None:
        for event, enters in events:
            link = self.link_of(event)
            self._add(event, enters, link)

    def _inside(self, events: list[tuple[Event, bool]]) -> None:
        """Adds what only the system itself saw, and to the rest the addresses that it knows."""
        waiting: dict[tuple[bool, bytes], deque[Packet]] = defaultdict(deque)
        for packet in self.packets:
            waiting[packet.enters, packet.event.data].append(packet)
        for event, enters in events:
            near = read_address(event.remote)
            queue = waiting.get((enters, event.data))
            twin = None
            if queue:
                for packet in queue:
                    if packet.transport == event.transport and _agree(packet.link.near, near):
                        twin = packet
                        break
            if twin is None:
                if not is_keepalive(event.data):
                    self._add(event, enters, self.link_of(event))
                continue
            queue.remove(twin) if queue else None
            if twin.link.near is None and near is not None:
                twin.link.near = near
                twin.link.far = twin.link.far or read_address(event.local)
                key = _address_key(event.transport, near, twin.link.far)
                if key is not None:
                    self.links.setdefault(key, twin.link)

    def _add(self, event: Event, enters: bool, link: Link) -> None:
        if is_keepalive(event.data):
            self.keepalives.append((event, link, enters))
            return
        kind = (event.transport, event.data)
        parsed = self._parsed.get(kind)
        if parsed is None:
            parsed = _read(event)
            self._parsed[kind] = parsed
        message, error = parsed
        packet = Packet(event, message, error, enters, link)
        link.packets.append(packet)
        self.packets.append(packet)

    def _repeats(self) -> None:
        seen: dict[tuple[int, bool, bytes], Packet] = {}
        for packet in self.packets:
            key = (id(packet.link), packet.enters, packet.event.data)
            first = seen.setdefault(key, packet)
            if first is not packet:
                packet.repeats = first


def _read(event: Event) -> tuple[Message | None, ParseError | None]:
    """The message and what is wrong with it: a bad row does not hide the others."""
    faults: list[ParseError] = []
    try:
        message = parse(event.data, event.transport, faults)
    except ParseError as error:
        return None, error
    return message, faults[0] if faults else None


def _address_key(transport: str, near: Address | None, far: Address | None) -> object:
    return None if near is None or far is None else (transport, near, far)


def _agree(one: Address | None, other: Address | None) -> bool:
    return one is None or other is None or one == other


def _callers(trace: Trace, sut: Sut) -> set[tuple[str, str, str | None]]:
    """Links on which the system under test uses a port that it does not listen on, seen by agents.

    The far address of such a link belongs to no vantage and its host is one of the system's. What
    arrives on it are requests that name a socket of the system in their top Via or that have passed
    an element before (two Via values or more), or responses to what the agent sent to the system.
    """
    if not sut.known:
        return set()
    ours = {event.local for event in trace.events if event.local and event.at not in sut.vantages}
    asked: set[tuple[str, str]] = set()
    found: set[tuple[str, str, str | None]] = set()
    anywhere = "0.0.0.0" in sut.hosts or "::" in sut.hosts
    for event in trace.events:
        if event.kind != "message" or event.dir is None or event.at in sut.vantages:
            continue
        remote = read_address(event.remote)
        if remote is None or event.remote in ours:
            continue
        if sut.owns(event.transport, remote):
            if event.dir == "out":
                asked.add((event.at, _call_id(event)))
            continue
        key = (event.at, event.flow, event.remote)
        if (
            event.dir == "out"
            or key in found
            or sut.owns(event.transport, read_address(event.local))
        ):
            continue
        if sut.hosts and remote.host not in sut.hosts and not anywhere:
            continue
        if _is_from(event, sut, asked):
            found.add(key)
    return found


_CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def _call_id(event: Event) -> str:
    match = _CALL_ID.search(event.data)
    return "" if match is None else match.group(1).decode("utf-8", "backslashreplace").strip()


def _is_from(event: Event, sut: Sut, asked: set[tuple[str, str]]) -> bool:
    try:
        message = parse(event.data, event.transport)
        vias = message.vias
    except ParseError:
        return False
    if not message.is_request:
        return (event.at, message.call_id) in asked
    if not vias:
        return False
    port = vias[0].port
    return len(vias) > 1 or any(port == known for _, known in sut.sockets if port is not None)
