"""The files that `viaduct judge` reads, told apart by what is in them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from viaduct.cli.usage import UsageError
from viaduct.trace import jsonl, sipplog
from viaduct.trace.model import Trace
from viaduct.trace.sipplog import Place, SippLogError

READS = "traces (.jsonl) and message logs of SIPp can"
_MAGIC = (
    (b"\xd4\xc3\xb2\xa1", "a pcap file"),
    (b"\xa1\xb2\xc3\xd4", "a pcap file"),
    (b"\x4d\x3c\xb2\xa1", "a pcap file"),
    (b"\xa1\xb2\x3c\x4d", "a pcap file"),
    (b"\x0a\x0d\x0d\x0a", "a pcapng file"),
)


def read(path: Path, sut: Sequence[str] = ()) -> Trace:
    """A file as a trace. UsageError for a format that is not read, TraceError for a broken file.

    A log of SIPp has no addresses: the one of `sut` with its transport is taken to be the far end.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if (found := unreadable(path, start)) is not None:
        raise UsageError(f"{path}: {found} cannot be read yet; {READS}")
    if sipplog.looks_like(start):
        return _sipp(path, sut)
    return jsonl.read(path)


def unreadable(path: Path, start: bytes) -> str | None:
    """What the file is, when it is something that is known but not read."""
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    head = start.lstrip()
    if path.suffix == ".har" or (head.startswith(b"{") and b'"log"' in head[:200]):
        return "a HAR file"
    if head.startswith(b"{") and b'"constants"' in head[:200]:
        return "a netlog of Chrome"
    return None


def _sipp(path: Path, sut: Sequence[str]) -> Trace:
    try:
        trace = sipplog.read(path, Place(at=path.stem))
    except SippLogError as error:
        raise UsageError(str(error)) from error
    transport = trace.events[0].transport
    for address in sut:
        leg, _, hostport = address.partition(":")
        if leg == transport or len(sut) == 1:
            events = (replace(event, transport=leg, remote=hostport) for event in trace.events)
            return Trace(trace.header, tuple(events))
    return trace
