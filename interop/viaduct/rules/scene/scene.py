"""The scene of one trace: everything the rules ask for, computed once."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from viaduct.rules.scene.binding import Bindings
from viaduct.rules.scene.dialog import Dialogs
from viaduct.rules.scene.hop import Hop, pair
from viaduct.rules.scene.packet import Link, Packet
from viaduct.rules.scene.place import read_sut
from viaduct.rules.scene.sighting import Sightings
from viaduct.sip.address import Address
from viaduct.sip.uri import Uri
from viaduct.trace.model import Event, Trace


Result = TypeVar("Result")


class Scene:
    """`packets` are in the order of the trace, repeats included; most rules want `fresh` ones."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._made: dict[Callable[[Scene], Any], Any] = {}
        self.sut = read_sut(trace.header.sut, trace.header.sut_vantages)
        self.sightings = Sightings(trace, self.sut)
        self.packets = self.sightings.packets
        self.fresh = [packet for packet in self.packets if packet.repeats is None]
        self._close_links()
        pair(self.packets)
        self.requests = [packet for packet in self.fresh if packet.is_request]
        self.responses = [packet for packet in self.fresh if packet.is_response]
        self.ends = trace.events[-1].t if trace.events else 0.0
        self.dialogs = Dialogs(self.packets)
        self.bindings = Bindings(self.packets)

    def _close_links(self) -> None:
        for event in self.trace.events:
            if event.kind not in ("connect", "accept", "close") or not event.transport:
                continue
            if not (self.sightings.is_inside(event) or self.sightings.is_border(event)):
                continue
            link = self.sightings.link_of(event)
            link.ends.append(event)
            if event.kind == "close":
                if link.closed is None or event.t < link.closed:
                    link.closed = event.t
            elif link.opened is None or event.t < link.opened:
                link.opened = event.t

    @property
    def links(self) -> list[Link]:
        return list(dict.fromkeys(self.sightings.links.values()))

    @cached_property
    def request_hops(self) -> list[Hop]:
        """Requests that the system under test passed on."""
        return [p.hop for p in self.requests if p.hop is not None]

    @cached_property
    def response_hops(self) -> list[Hop]:
        """Responses that the system under test passed on."""
        return [p.hop for p in self.responses if p.hop is not None]

    def own_record_routes(self, hop: Hop) -> tuple[Address, ...]:
        """The Record-Route values that the system put on top of what it received."""
        return _grown(hop.inn.record_routes, hop.out.record_routes)

    def own_paths(self, hop: Hop) -> tuple[Address, ...]:
        return _grown(hop.inn.paths, hop.out.paths)

    @cached_property
    def own_uris(self) -> frozenset[str]:
        """URIs the system handed out in Record-Route and Path: they lead back to it."""
        found: set[str] = set()
        for hop in self.request_hops:
            for value in (*self.own_record_routes(hop), *self.own_paths(hop)):
                if value.uri is not None:
                    found.add(value.uri.raw)
        return frozenset(found)

    def is_own(self, uri: Uri) -> bool:
        """Whether a URI leads to the system under test."""
        return uri.is_sip and (uri.raw in self.own_uris or self.sut.names(uri))

    def authored(self, packet: Packet, key: str) -> Iterator[Address]:
        """The values of a header that this sender wrote, and did not only pass on or copy."""
        given: set[str] = set()
        if packet.hop is not None:
            given.update(value.raw for value in packet.hop.inn.values(key))
        if packet.request is not None:
            given.update(value.raw for value in packet.request.values(key))
        for value in packet.values(key):
            if value.raw not in given:
                yield value

    @cached_property
    def _heard(self) -> dict[tuple[str, str], float]:
        """When each party first received each URI of a Contact, Route-like header or
        Request-URI."""
        heard: dict[tuple[str, str], float] = {}
        for packet in self.fresh:
            party = "target" if packet.enters else packet.agent
            keys = ("contact", "record-route", "path", "service-route", "route", "refer-to")
            for key in keys:
                for value in packet.values(key):
                    if value.uri is not None:
                        heard.setdefault((party, value.uri.raw), packet.t)
            uri = packet.uri
            if uri is not None:
                heard.setdefault((party, uri.raw), packet.t)
        return heard

    def had_heard(self, party: str, uri: Uri, t: float) -> bool:
        """Whether the party had received this very URI from someone before `t`."""
        when = self._heard.get((party, uri.raw))
        return when is not None and when <= t

    @cached_property
    def announced(self) -> dict[str, list[Packet]]:
        """Packets by which agents announced a Contact URI, per URI."""
        found: dict[str, list[Packet]] = defaultdict(list)
        for packet in self.fresh:
            if packet.enters:
                for contact in packet.contacts:
                    if contact.uri is not None:
                        found[contact.uri.raw].append(packet)
        return found

    @cached_property
    def _by_kind(self) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = defaultdict(list)
        for event in self.trace.events:
            found[event.kind].append(event)
        return found

    def events(self, kind: str) -> list[Event]:
        return self._by_kind.get(kind, [])

    def once(self, make: Callable[["Scene"], Result]) -> Result:
        """What `make` gives for this scene, made the first time that a rule asks for it."""
        if make not in self._made:
            self._made[make] = make(self)
        result: Result = self._made[make]
        return result


def _grown(before: tuple[Address, ...], after: tuple[Address, ...]) -> tuple[Address, ...]:
    """What stands above the old values; nothing when those are not the end of the new list."""
    more = len(after) - len(before)
    if more <= 0:
        return ()
    if [value.raw for value in after[more:]] != [value.raw for value in before]:
        return tuple(v for v in after if v.raw not in {old.raw for old in before})
    return after[:more]
