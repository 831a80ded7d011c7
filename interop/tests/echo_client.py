"""A raw-socket WebSocket client which can say anything, and the ws-echo process it talks to."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VIADUCT_BUILD", ROOT / "build/sanitize")) / "bin/ws-echo"
PATIENCE = 20.0
KEY = b"\x37\xfa\x21\x3d"
NO_KEY = bytes(4)

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80

REQUEST = (
    b"GET /any HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def mask(payload: bytes, key: bytes = KEY) -> bytes:
    if key == NO_KEY:
        return payload
    n = len(payload)
    wide = (key * (n // 4 + 1))[:n]
    both = int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")
    return both.to_bytes(n, "big")


def frame(
    opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, key: bytes = KEY
) -> bytes:
    """A frame as a client sends it, well-formed but for what the arguments break."""
    n = len(payload)
    if n < 126:
        size = bytes([0x80 | n])
    elif n < 65536:
        size = b"\xfe" + struct.pack(">H", n)
    else:
        size = b"\xff" + struct.pack(">Q", n)
    return bytes([fin << 7 | rsv << 4 | opcode]) + size + key + mask(payload, key)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def fragments(opcode: int, parts: list[bytes], key: bytes = KEY) -> list[bytes]:
    last = len(parts) - 1
    return [
        frame(opcode if i == 0 else CONTINUATION, p, i == last, 0, key) for i, p in enumerate(parts)
    ]


@dataclass(frozen=True)
class Got:
    """What the server sent: a frame, or how the connection ended (opcode -1: FIN, -2: reset)."""

    opcode: int
    payload: bytes = b""

    def __repr__(self) -> str:
        return f"Got({self.opcode}, {self.payload[:40]!r}{'...' if len(self.payload) > 40 else ''})"


END, RESET = Got(-1), Got(-2)


def closed(code: int | None) -> Got:
    return Got(CLOSE, b"" if code is None else struct.pack(">H", code))


@dataclass
class Client:
    """One connection. Frames from the server are parsed strictly: any flaw is an assertion."""

    sock: socket.socket
    rest: bytes = b""
    head: bytes = b""
    started: float = field(default_factory=time.monotonic)

    def send(self, data: bytes, step: int | None = None) -> None:
        if step is None:
            self.sock.sendall(data)
            return
        for at in range(0, len(data), step):
            self.sock.sendall(data[at : at + step])

    def _more(self) -> bytes:
        data = self.sock.recv(1 << 20)
        self.rest += data
        return data

    def _need(self, n: int) -> bytes | None:
        if len(self.rest) < n:
            parts, have = [self.rest], len(self.rest)
            while have < n:
                data = self.sock.recv(1 << 20)
                if not data:
                    assert have == 0, f"the connection ends within a frame: {self.rest!r}"
                    return None
                parts.append(data)
                have += len(data)
            self.rest = b"".join(parts)
        return self.rest

    def read_head(self) -> bytes:
        """The HTTP response head; what is behind it stays for get()."""
        while b"\r\n\r\n" not in self.rest:
            assert self._more(), f"no whole answer: {self.rest!r}"
        end = self.rest.index(b"\r\n\r\n") + 4
        self.head, self.rest = self.rest[:end], self.rest[end:]
        return self.head

    def read_all(self) -> bytes:
        while self._more():
            pass
        return self.rest

    def get(self) -> Got:
        try:
            held = self._need(2)
            if held is None:
                return END
            first, size = held[0], held[1]
            assert first & 0x70 == 0, "reserved bits set"
            assert first & FIN, "the server never fragments"
            assert size & 0x80 == 0, "a server's frames are not masked"
            at = 2
            if size >= 126:
                extra = 2 if size == 126 else 8
                held = self._need(at + extra)
                assert held is not None
                size = int.from_bytes(held[at : at + extra], "big")
                assert size > (125 if extra == 2 else 65535), "length not minimal"
                at += extra
            held = self._need(at + size)
            assert held is not None
            payload, self.rest = held[at : at + size], held[at + size :]
            return Got(first & 0x0F, payload)
        except ConnectionResetError:
            return RESET

    def get_all(self) -> list[Got]:
        """Everything up to the end of the connection, the end included."""
        everything = [self.get()]
        while everything[-1].opcode >= 0:
            everything.append(self.get())
        return everything


@contextmanager
def connected(port: int, request: bytes | None = REQUEST) -> Iterator[Client]:
    """A connection, with the handshake done unless request is None."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(sock)
        if request is not None:
            client.send(request)
            assert client.read_head().startswith(b"HTTP/1.1 101 ")
        yield client


def converse(port: int, data: bytes, step: int | None = None) -> list[Got]:
    """Sends all of data, then reads up to the end; the server is to close first."""
    with connected(port) as client:
        try:
            client.send(data, step)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it failed the connection before the last byte; what it said is still to be read
        return client.get_all()


@contextmanager
def echo_server() -> Iterator[int]:
    """The port of a running ws-echo; at the end it must have lived and leave no complaint."""
    with subprocess.Popen(
        [PROGRAM, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        ready = process.stdout.readline().split()
        assert ready[:2] == ["ws-echo", "ready"], ready
        try:
            yield int(ready[2])
        finally:
            assert process.poll() is None, process.stderr.read()
            process.terminate()
            _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
