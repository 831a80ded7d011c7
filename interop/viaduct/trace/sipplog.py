"""SIPp's message log (-trace_msg) as the trace of one vantage.

An entry is a line of dashes with the local time, a line that tells transport, direction and length,
an empty line, and that many bytes. Other lines in between are SIPp's own remarks and are passed by.
The log knows neither addresses nor sockets: whoever ran SIPp says them, else they stay unknown.
"""

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from viaduct.trace.model import DIRECTIONS, TRANSPORTS, Event, Header, Trace

# SIPp writes its line after the bytes have gone, so an effect seen elsewhere may seem to come
# before its cause. What was sent is dated back to the entry before it, but no further than this.
SENT_EARLIER = 0.05

_STAMP = re.compile(rb"-{20,} (\d{4}-\d\d-\d\d)[ \t](\d\d:\d\d:\d\d\.\d{1,6})\b[^\n]*\r?$")
_ENTRY = re.compile(
    rb"(?P<transport>[A-Z]+) message (?P<what>sent|received) [(\[](?P<length>\d+)(?: bytes)?[)\]]"
    rb"(?: bytes)? ?:\r?$"
)
_DIRECTION = {b"sent": "out", b"received": "in"}


class SippLogError(Exception):
    """A log that cannot be read: where (file:line) and why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """What the log leaves out: the vantage and the flow all its messages used."""

    at: str = "sipp"
    flow: str | None = None  # None: the transport's name and a 1
    transport: str | None = None  # None: as SIPp says, which knows no TLS and no WebSocket
    local: str | None = None
    remote: str | None = None


def looks_like(head: bytes) -> bool:
    """Whether the first bytes of a file are those of such a log."""
    lines = head.split(b"\n", 40)[:-1]
    return any(
        _STAMP.match(one) and _ENTRY.match(two) for one, two in zip(lines, lines[1:], strict=False)
    )


def read(path: Path | str, place: Place = Place(), zone: tzinfo | None = None) -> Trace:
    """The trace in a log; `zone` is the time zone SIPp ran in (None: this machine's)."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise SippLogError(str(path), error.strerror or "cannot be read") from error
    return loads(raw, place, zone, str(path))


def loads(
    raw: bytes, place: Place = Place(), zone: tzinfo | None = None, name: str = "sipp log"
) -> Trace:
    """The trace in the bytes of a log; SippLogError when there is no entry or a broken one."""
    events: list[Event] = []
    offset = 0
    previous: float | None = None
    while True:
        start, line = _next_stamp(raw, offset)
        if line is None:
            break
        where = f"{name}:{_line_number(raw, start)}"
        seen = _time(line, where, zone)
        heading, after = _line(raw, start + len(line) + 1)
        entry = _ENTRY.match(heading)
        if entry is None:
            # A stamp stands before SIPp's other notes too (unexpected messages, reconnects).
            offset = start + len(line) + 1
            continue
        body = _data(raw, after, int(entry["length"]), where)
        offset = body.end
        direction = _DIRECTION[entry["what"]]
        assert direction in DIRECTIONS
        transport = place.transport or entry["transport"].decode().lower()
        if transport not in TRANSPORTS:
            raise SippLogError(where, f"a trace knows no transport {transport!r}")
        when = seen
        if direction == "out":
            when = seen - SENT_EARLIER if previous is None else max(previous, seen - SENT_EARLIER)
        previous = seen
        events.append(
            Event(
                n=len(events) + 1,
                t=when,
                at=place.at,
                # What the end of the log cut off is no message that anybody sent.
                kind="note" if body.last else "message",
                flow=place.flow or f"{transport}-1",
                transport=transport,
                local=place.local,
                remote=place.remote,
                dir=direction,
                data=body.data,
                info={"cut": body.cut} if body.cut else {},
            )
        )
    if not events:
        raise SippLogError(f"{name}:1", "no entry of a SIPp message log in it")
    return Trace(Header(at=place.at), tuple(events))


def _next_stamp(raw: bytes, offset: int) -> tuple[int, bytes | None]:
    while offset < len(raw):
        line, after = _line(raw, offset)
        if _STAMP.match(line):
            return offset, line
        offset = after
    return offset, None


def _line(raw: bytes, offset: int) -> tuple[bytes, int]:
    """The line that starts at offset, without its LF, and where the next one starts."""
    end = raw.find(b"\n", offset)
    if end < 0:
        return raw[offset:], len(raw)
    return raw[offset:end], end + 1


def _line_number(raw: bytes, offset: int) -> int:
    return raw.count(b"\n", 0, offset) + 1


def _time(line: bytes, where: str, zone: tzinfo | None) -> float:
    match = _STAMP.match(line)
    assert match is not None
    text = f"{match[1].decode()} {match[2].decode()}"
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
    except ValueError as error:
        raise SippLogError(where, f"no such time: {text}") from error
    return moment.replace(tzinfo=zone).timestamp()


@dataclass(frozen=True, slots=True)
class _Bytes:
    data: bytes
    end: int  # where the log goes on
    cut: int = 0  # so many bytes of the message are not in the log
    last: bool = False  # cut by the end of the log and not by a NUL


def _data(raw: bytes, offset: int, length: int, where: str) -> _Bytes:
    blank, start = _line(raw, offset)
    if blank.strip():
        raise SippLogError(where, "an empty line is due between heading and message")
    end = start + length
    following, line = _next_stamp(raw, start)
    if line is not None and following <= end:
        # SIPp prints text, so its line stops at a NUL; the line feed after it is SIPp's own.
        data = raw[start : following - 1] + b"\0"
        return _Bytes(data, following, length - len(data))
    if end > len(raw):
        return _Bytes(raw[start:], len(raw), end - len(raw), last=True)
    if raw[end : end + 1] not in (b"\n", b"\r", b""):
        raise SippLogError(where, f"the message does not end after its {length} bytes")
    return _Bytes(raw[start:end], end)
