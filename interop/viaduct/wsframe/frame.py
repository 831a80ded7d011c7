"""WebSocket frames (RFC 6455 section 5): one at a time out of a stream, and messages out of
those."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from viaduct.sip.cursor import ParseError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KNOWN = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `payload` is unmasked, `minimal` says whether the length has its shortest form."""

    fin: bool
    rsv: int
    opcode: int
    mask: bytes | None
    payload: bytes
    minimal: bool
    span: tuple[int, int]

    @property
    def is_control(self) -> bool:
        return self.opcode >= 8


def unmask(payload: bytes, mask: bytes) -> bytes:
    if not payload:
        return b""
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(
        len(payload), "big"
    )


def parse_frame(data: bytes, at: int = 0) -> Frame | None:
    """The frame that starts at `at`; None while bytes are missing.

    ParseError only for what makes the following bytes meaningless: a 64-bit length with its top bit
    set. Everything else a frame may do wrong is left to the rules.
    """
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    length = second & 0x7F
    here = at + 2
    minimal = True
    if length >= 126:
        size = 2 if length == 126 else 8
        if len(data) < here + size:
            return None
        length = int.from_bytes(data[here : here + size], "big")
        if length >> 63:
            raise ParseError(here, "a 64-bit length with the top bit set")
        minimal = length > (125 if size == 2 else 65535)
        here += size
    mask: bytes | None = None
    if second & 0x80:
        if len(data) < here + 4:
            return None
        mask = data[here : here + 4]
        here += 4
    if len(data) < here + length:
        return None
    payload = data[here : here + length]
    if mask is not None:
        payload = unmask(payload, mask)
    return Frame(
        fin=bool(first & 0x80),
        rsv=first >> 4 & 7,
        opcode=first & 15,
        mask=mask,
        payload=payload,
        minimal=minimal,
        span=(at, here + length),
    )


def parse_frames(data: bytes) -> tuple[list[Frame], int]:
    """All whole frames at the start of `data`, and how many bytes they take."""
    found: list[Frame] = []
    at = 0
    while (frame := parse_frame(data, at)) is not None:
        found.append(frame)
        at = frame.span[1]
    return found, at


def messages(frames: Iterable[Frame]) -> Iterator[tuple[int, bytes]]:
    """The data messages that the frames of one direction carry: opcode and payload. A continuation
    without a start is passed over, an unfinished message is dropped when a new one starts."""
    opcode: int | None = None
    parts: list[bytes] = []
    for frame in frames:
        if frame.is_control:
            continue
        if frame.opcode != CONTINUATION:
            opcode, parts = frame.opcode, []
        if opcode is None:
            continue
        parts.append(frame.payload)
        if frame.fin:
            yield opcode, b"".join(parts)
            opcode, parts = None, []
