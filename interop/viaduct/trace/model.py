"""What a trace consists of: a header and events, each with its flow, direction, vantage and bytes.

`dir` is seen from the vantage: a peer outside the system under test writes `out` for what it sends
to the system, the system's own trace writes `out` for what it sends to its peers. For `out` the
time is taken before the write and for `in` after the read, so on one machine a cause is never later
than its effect, whichever vantages recorded the two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

VERSION = 1

KINDS = frozenset(
    "connect accept tls handshake frame message datagram stun close dns dial media note".split()
)
TRANSPORTS = frozenset("udp tcp tls ws wss".split())
DIRECTIONS = frozenset(("in", "out"))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at one vantage."""

    n: int
    t: float
    at: str
    kind: str
    flow: str = ""
    transport: str = ""
    local: str | None = None
    remote: str | None = None
    dir: str | None = None
    data: bytes = b""
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a trace.

    `sut` lists the addresses of the system under test as transport:host:port; `sut_vantages` lists
    the vantages that sit inside it. Both may be empty: then the trace says nothing about a system
    under test and only rules about single messages and agents can decide.
    """

    at: str = ""
    sut: tuple[str, ...] = ()
    sut_vantages: tuple[str, ...] = ()
    version: int = VERSION
    note: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """A header and its events in order of time; `n` is unique within a trace."""

    header: Header
    events: tuple[Event, ...]


def merge(traces: Iterable[Trace], at: str = "merged") -> Trace:
    """One trace of all events, sorted by time and numbered anew from 1.

    Events of one vantage keep their order even where its clock stepped back. The system under test
    is the union of what the headers say.
    """
    parts = list(traces)
    sut: dict[str, None] = {}
    inside: dict[str, None] = {}
    extra: dict[str, Any] = {}
    keyed: list[tuple[float, int, int, Event]] = []
    for part, trace in enumerate(parts):
        sut.update(dict.fromkeys(trace.header.sut))
        inside.update(dict.fromkeys(trace.header.sut_vantages))
        extra.update(trace.header.extra)
        latest: dict[str, float] = {}
        for place, event in enumerate(trace.events):
            latest[event.at] = max(latest.get(event.at, event.t), event.t)
            keyed.append((latest[event.at], part, place, event))
    keyed.sort(key=lambda item: item[:3])
    events = tuple(replace(event, n=n) for n, (_, _, _, event) in enumerate(keyed, start=1))
    notes = [trace.header.note for trace in parts if trace.header.note is not None]
    note = notes[0] if len(notes) == 1 else (notes or None)
    return Trace(Header(at, tuple(sut), tuple(inside), VERSION, note, extra), events)
