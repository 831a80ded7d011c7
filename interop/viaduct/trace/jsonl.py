"""Traces as JSON lines: reading, writing, and the recorder that every Python vantage uses."""

import base64
import binascii
import json
import math
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from viaduct.trace.model import DIRECTIONS, KINDS, TRANSPORTS, VERSION, Event, Header, Trace

_HEADER_KEYS = frozenset(("kind", "version", "at", "sut", "sut_vantages", "note"))
_EVENT_KEYS = frozenset(
    "n t at kind flow transport local remote dir text b64 info".split(),
)


class TraceError(Exception):
    """A trace that cannot be read: where (file:line) and why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def header_line(header: Header) -> str:
    """The header as the first line of a file, without its line end."""
    line: dict[str, Any] = {"kind": "trace", "version": header.version, "at": header.at}
    if header.sut:
        line["sut"] = list(header.sut)
    if header.sut_vantages:
        line["sut_vantages"] = list(header.sut_vantages)
    if header.note is not None:
        line["note"] = header.note
    line.update(header.extra)
    return json.dumps(line, ensure_ascii=False)


def event_line(event: Event) -> str:
    """An event as one line, without its line end."""
    line: dict[str, Any] = {
        "n": event.n,
        "t": round(event.t, 6),
        "at": event.at,
        "kind": event.kind,
        "flow": event.flow,
        "transport": event.transport,
        "local": event.local,
        "remote": event.remote,
        "dir": event.dir,
    }
    if event.data:
        try:
            line["text"] = event.data.decode("utf-8")
        except UnicodeDecodeError:
            line["b64"] = base64.b64encode(event.data).decode("ascii")
    if event.info:
        line["info"] = dict(event.info)
    return json.dumps(line, ensure_ascii=False)


def write(trace: Trace, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(header_line(trace.header) + "\n")
        for event in trace.events:
            file.write(event_line(event) + "\n")


def read(path: Path | str) -> Trace:
    """The trace in a file; TraceError says which line is wrong and why."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise TraceError(str(path), error.strerror or "cannot be read") from error
    return loads(raw, str(path))


def loads(raw: bytes, name: str = "trace") -> Trace:
    """The trace in the bytes of a file. A last line cut off is an error as any other."""
    header: Header | None = None
    events: list[Event] = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        item = _json(line, where)
        if header is None:
            header = _header(item, where)
        else:
            events.append(_event(item, where, header.at))
    if header is None:
        raise TraceError(f"{name}:1", "the file is empty; a trace starts with its header line")
    return Trace(header, tuple(events))


def _json(line: bytes, where: str) -> dict[str, Any]:
    try:
        item = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise TraceError(where, f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise TraceError(where, "nested too deeply") from error
    except ValueError as error:
        raise TraceError(where, f"not JSON: {error}") from error
    if not isinstance(item, dict):
        raise TraceError(where, "not a JSON object")
    return item


def _text(item: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = item.get(key, default)
    if not isinstance(value, str):
        raise TraceError(where, f'"{key}" is not a string')
    return value


def _optional(item: Mapping[str, Any], key: str, where: str) -> str | None:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise TraceError(where, f'"{key}" is neither a string nor null')
    return value


def _strings(item: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = item.get(key) or []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise TraceError(where, f'"{key}" is not a list of strings')
    return tuple(value)


def _header(item: Mapping[str, Any], where: str) -> Header:
    if item.get("kind") != "trace":
        raise TraceError(where, 'the first line is no trace header ("kind" is not "trace")')
    version = item.get("version")
    if version != VERSION or isinstance(version, bool):
        raise TraceError(where, f"version {version!r} of the trace format is not known here")
    return Header(
        at=_text(item, "at", where, ""),
        sut=_strings(item, "sut", where),
        sut_vantages=_strings(item, "sut_vantages", where),
        version=VERSION,
        note=item.get("note"),
        extra={key: value for key, value in item.items() if key not in _HEADER_KEYS},
    )


def _event(item: Mapping[str, Any], where: str, at: str) -> Event:
    unknown = set(item) - _EVENT_KEYS
    if unknown:
        raise TraceError(where, f"unknown key {sorted(unknown)[0]!r}")
    n = item.get("n")
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise TraceError(where, '"n" is not a whole number from 1')
    t = item.get("t")
    if not isinstance(t, (int, float)) or isinstance(t, bool):
        raise TraceError(where, '"t" is not a number of seconds')
    try:
        seconds = float(t)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise TraceError(where, '"t" is not a finite number of seconds')
    kind = _text(item, "kind", where)
    if kind not in KINDS:
        raise TraceError(where, f"unknown kind {kind!r}")
    direction = _optional(item, "dir", where)
    if direction is not None and direction not in DIRECTIONS:
        raise TraceError(where, f'"dir" is {direction!r}, not in, out or null')
    transport = (_optional(item, "transport", where) or "").lower()
    if transport and transport not in TRANSPORTS:
        raise TraceError(where, f"unknown transport {transport!r}")
    info = item.get("info")
    if info is None:
        info = {}
    if not isinstance(info, dict):
        raise TraceError(where, '"info" is not an object')
    return Event(
        n=n,
        t=seconds,
        at=_text(item, "at", where, at),
        kind=kind,
        flow=_optional(item, "flow", where) or "",
        transport=transport,
        local=_optional(item, "local", where),
        remote=_optional(item, "remote", where),
        dir=direction,
        data=_bytes(item, where),
        info=info,
    )


def _bytes(item: Mapping[str, Any], where: str) -> bytes:
    text = _optional(item, "text", where)
    b64 = _optional(item, "b64", where)
    if text is not None and b64 is not None:
        raise TraceError(where, '"text" and "b64" exclude each other')
    if b64 is not None:
        try:
            return base64.b64decode(b64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise TraceError(where, f'"b64" is not base64: {error}') from error
    if text is None:
        return b""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TraceError(where, f'"text" holds a lone surrogate at {error.start}') from error


class Recorder:
    """Writes the events of one vantage, from any thread, to a list and, if given, to a file."""

    def __init__(
        self,
        at: str,
        path: Path | None = None,
        *,
        sut: Iterable[str] = (),
        note: Any = None,
    ) -> None:
        self.header = Header(at=at, sut=tuple(sut), note=note)
        self.events: list[Event] = []
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        if path is not None:
            self._file = path.open("w", encoding="utf-8", newline="\n", buffering=1)
            self._file.write(header_line(self.header) + "\n")

    @property
    def at(self) -> str:
        return self.header.at

    def event(
        self,
        kind: str,
        *,
        flow: str = "",
        transport: str = "",
        local: str | None = None,
        remote: str | None = None,
        dir: str | None = None,
        data: bytes = b"",
        t: float | None = None,
        **info: Any,
    ) -> Event:
        """Records one event, now unless `t` says so. Call before a write and after a read."""
        with self._lock:
            event = Event(
                n=len(self.events) + 1,
                t=time.time() if t is None else t,
                at=self.at,
                kind=kind,
                flow=flow,
                transport=transport,
                local=local,
                remote=remote,
                dir=dir,
                data=data,
                info=info,
            )
            self.events.append(event)
            if self._file is not None:
                self._file.write(event_line(event) + "\n")
        return event

    def trace(self) -> Trace:
        """What was recorded so far."""
        with self._lock:
            return Trace(self.header, tuple(self.events))

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
