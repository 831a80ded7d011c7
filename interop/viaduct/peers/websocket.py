"""A WebSocket client written out by hand, so that every bit of handshake and frames can be chosen
(RFC 6455).

SipWebSocket is the flow of a SIP peer over it (RFC 7118); frames are seen in `frames`, whole
messages in `inbox`.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from viaduct.peers.duty import PATIENCE, Violation
from viaduct.peers.flow import Flow
from viaduct.peers.link import Link
from viaduct.trace.jsonl import Recorder

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_HEAD = 65536
CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Frame:
    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0  # three bits, RSV1 the highest
    masked: bool = True
    length_octets: int | None = None  # 0, 2 or 8 octets of extended length; None: the shortest form
    claimed: int | None = None  # a length to claim instead of the true one
    key: bytes | None = None  # the masking key; None: a random one

    def encode(self) -> bytes:
        size = len(self.payload) if self.claimed is None else self.claimed
        octets = self.length_octets
        if octets is None:
            octets = 0 if size < 126 else 2 if size < 65536 else 8
        mask = 0x80 if self.masked else 0
        head = bytes([(0x80 if self.fin else 0) | (self.rsv << 4) | self.opcode])
        if octets == 0:
            head += bytes([mask | size])
        elif octets == 2:
            head += struct.pack("!BH", mask | 126, size)
        else:
            head += struct.pack("!BQ", mask | 127, size)
        if not self.masked:
            return head + self.payload
        key = os.urandom(4) if self.key is None else self.key
        return head + key + apply_mask(self.payload, key)

    @property
    def shortest(self) -> bool:
        """Whether a frame that was received has its length in the shortest form."""
        size = len(self.payload)
        return self.length_octets == (0 if size < 126 else 2 if size < 65536 else 8)

    @property
    def close_code(self) -> int | None:
        if self.opcode != CLOSE or len(self.payload) < 2:
            return None
        return int.from_bytes(self.payload[:2], "big")


def apply_mask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    if size == 0:
        return b""
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def close_frame(code: int | None = 1000, text: bytes = b"") -> Frame:
    return Frame(CLOSE, b"" if code is None else struct.pack("!H", code) + text)


class Decoder:
    """Bytes in, frames out; it takes what comes, since judging is not its work."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> list[Frame]:
        self.pending += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        data = self.pending
        if len(data) < 2:
            return None
        at, size, octets = 2, data[1] & 0x7F, 0
        if size >= 126:
            octets = 2 if size == 126 else 8
            if len(data) < 2 + octets:
                return None
            at, size = 2 + octets, int.from_bytes(data[2 : 2 + octets], "big")
        masked = bool(data[1] & 0x80)
        key = data[at : at + 4] if masked else b""
        at += len(key)
        if (masked and len(key) < 4) or len(data) < at + size:
            return None
        payload = data[at : at + size]
        self.pending = data[at + size :]
        return Frame(
            opcode=data[0] & 0x0F,
            payload=apply_mask(payload, key) if masked else payload,
            fin=bool(data[0] & 0x80),
            rsv=data[0] >> 4 & 7,
            masked=masked,
            length_octets=octets,
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    raw: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


def read_head(raw: bytes) -> Head | None:
    """None when it is no HTTP response head."""
    lines = raw.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():
        return None
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    return Head(int(words[1]), tuple(headers), raw)


def upgrade_headers(host: str, key: str, protocols: str | None = "sip") -> list[tuple[str, str]]:
    """The header lines of a correct opening handshake."""
    headers = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ]
    if protocols is not None:
        headers.append(("Sec-WebSocket-Protocol", protocols))
    return headers


def upgrade_request(path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def new_key() -> str:
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class WebSocket:
    """A connection before and during the WebSocket protocol, recorded frame by frame; it sends
    what it is told.
    """

    def __init__(self, recorder: Recorder, transport: str, name: str, link: Link) -> None:
        self.recorder = recorder
        self.transport = transport
        self.name = name
        self.link = link
        self.long_lengths = 0  # frames received whose length was not in its shortest form
        self._decoder = Decoder()
        self._record("connect", **link.info)

    def _record(
        self, kind: str, direction: str | None = None, data: bytes = b"", **info: Any
    ) -> None:
        self.recorder.event(
            kind,
            flow=self.name,
            transport=self.transport,
            local=self.link.local,
            remote=self.link.remote,
            dir=direction,
            data=data,
            **info,
        )

    async def request(self, head: bytes, pieces: int | None = None) -> None:
        """Sends the head of the opening handshake; `pieces`: that many bytes at a time."""
        self._record("handshake", "out", head)
        step = pieces or len(head)
        for at in range(0, len(head), step):
            await self.link.write(head[at : at + step])

    async def request_with(self, head: bytes, *frames: Frame) -> None:
        """Head and frames in one write, before any answer."""
        self._record("handshake", "out", head)
        for frame in frames:
            self._record("frame", "out", frame.payload, **_facts(frame))
        await self.link.write(head + b"".join(frame.encode() for frame in frames))

    async def response(self) -> Head | None:
        """The head of the answer; None when the connection ends without one."""
        raw = b""
        async with asyncio.timeout(PATIENCE):
            while b"\r\n\r\n" not in raw and len(raw) < MAX_HEAD:
                data = await self.link.read()
                if not data:
                    if raw:
                        self._record("note", "in", raw, mark="unfinished")
                    return None
                raw += data
        head, end, rest = raw.partition(b"\r\n\r\n")
        self._record("handshake", "in", head + end)
        self._decoder.pending = rest
        return read_head(head + end)

    async def open(self, path: str, host: str, protocols: str | None = "sip") -> Head:
        """A correct handshake, which the target has to accept."""
        key = new_key()
        await self.request(upgrade_request(path, upgrade_headers(host, key, protocols)))
        try:
            head = await self.response()
        except TimeoutError as error:
            raise Violation(
                f"no answer to the opening handshake within {PATIENCE:g} s", "RFC6455-4.2.2-a"
            ) from error
        if head is None or head.status != 101:
            what = "nothing" if head is None else f"status {head.status}"
            raise Violation(
                f"a correct opening handshake is answered with {what}", "RFC6455-4.2.2-a"
            )
        if head.first("sec-websocket-accept") != accept_of(key):
            raise Violation("Sec-WebSocket-Accept does not fit the key", "RFC6455-4.2.2-a")
        return head

    async def send(self, *frames: Frame, pieces: int | None = None) -> None:
        """Frames as they are, in one write, or `pieces` bytes at a time."""
        data = b""
        for frame in frames:
            self._record("frame", "out", frame.payload, **_facts(frame))
            data += frame.encode()
        step = pieces or max(len(data), 1)
        for at in range(0, len(data), step):
            await self.link.write(data[at : at + step])

    async def send_raw(self, data: bytes) -> None:
        self._record("note", "out", data, mark="raw")
        await self.link.write(data)

    def message(self, direction: str, data: bytes, opcode: int) -> None:
        """Records the SIP message that data frames carried."""
        more: dict[str, Any] = {} if data.strip(b"\r\n") else {"keepalive": True}
        self._record("message", direction, data, opcode=opcode, **more)

    async def frames(self) -> list[Frame]:
        """The next frames received, at least one; empty at the end of the connection."""
        frames = self._decoder.feed(b"")
        while not frames:
            data = await self.link.read()
            if not data:
                by = "out" if self.link.ended == "local" else "in"
                self._record("close", by, why=self.link.ended)
                return []
            frames = self._decoder.feed(data)
        for frame in frames:
            self._record("frame", "in", frame.payload, **_facts(frame))
            if not frame.shortest:
                self.long_lengths += 1
        return frames

    async def close(self) -> None:
        await self.link.close()

    def abort(self) -> None:
        self.link.abort()


def _facts(frame: Frame) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "fin": frame.fin,
        "rsv": frame.rsv,
        "opcode": frame.opcode,
        "masked": frame.masked,
        "length": len(frame.payload) if frame.claimed is None else frame.claimed,
    }
    if frame.length_octets is not None:
        facts["length_octets"] = frame.length_octets
    if frame.close_code is not None:
        facts["close"] = frame.close_code
    return facts


class SipWebSocket(Flow):
    """SIP over an open WebSocket; answers Ping and Close by itself unless told not to."""

    def __init__(self, recorder: Recorder, transport: str, name: str, socket: WebSocket) -> None:
        super().__init__(recorder, transport, name)
        self.socket = socket
        self.local, self.remote = socket.link.local, socket.link.remote
        self.answer_ping = True
        self.answer_close = True
        self.control: asyncio.Queue[Frame | None] = asyncio.Queue()  # control frames received
        self._sent_close = False
        self._parts: list[bytes] = []
        self._opcode = TEXT
        self._pump = asyncio.create_task(self._read())

    async def send(self, data: bytes) -> None:
        await self.send_as(data, BINARY if _not_text(data) else TEXT)

    async def send_as(self, data: bytes, opcode: int, cuts: Iterable[int] = ()) -> None:
        """One message in text or binary, cut into fragments at the given offsets."""
        edges = [0, *cuts, len(data)]
        frames = [
            Frame(
                opcode if index == 0 else CONTINUATION,
                data[edges[index] : edges[index + 1]],
                fin=index == len(edges) - 2,
            )
            for index in range(len(edges) - 1)
        ]
        self.socket.message("out", data, opcode)
        await self.socket.send(*frames)

    async def _read(self) -> None:
        while frames := await self.socket.frames():
            for frame in frames:
                await self._take(frame)
        self.control.put_nowait(None)
        self._end()

    async def _take(self, frame: Frame) -> None:
        if frame.opcode >= CLOSE:
            self.control.put_nowait(frame)
            if frame.opcode == PING and self.answer_ping:
                await self.socket.send(Frame(PONG, frame.payload))
            elif frame.opcode == CLOSE and self.answer_close and not self._sent_close:
                self._sent_close = True
                await self.socket.send(Frame(CLOSE, frame.payload[:2]))
            return
        if frame.opcode != CONTINUATION:
            self._opcode, self._parts = frame.opcode, []
        self._parts.append(frame.payload)
        if frame.fin:
            self._deliver(b"".join(self._parts), opcode=self._opcode)
            self._parts = []

    async def close(self) -> None:
        if not self.closed.is_set() and not self._sent_close:
            self._sent_close = True
            await self.socket.send(close_frame(1000))
        # RFC 6455 7.1.1: the server is the one to end TCP; a client waits for it, within reason.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.closed.wait()
        await self.socket.close()
        if self._pump is not None:
            await self._pump

    def abort(self) -> None:
        self.socket.abort()


def _not_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False
