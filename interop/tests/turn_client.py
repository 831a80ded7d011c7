"""A TURN client on real sockets with its own codec, and the viaduct-turn process it talks to."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VIADUCT_BUILD", ROOT / "build/sanitize")) / "bin/viaduct-turn"
PATIENCE = 20.0
COOKIE = 0x2112A442

BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
USERNAME, INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x06, 0x08, 0x09, 0x0C, 0x0D
PEER, PAYLOAD, REALM, NONCE, RELAYED, FAMILY = 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
TRANSPORT, MAPPED, ICMP = 0x19, 0x20, 0x8004

Address = tuple[str, int]


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def packed(kind: int, body: bytes, transaction: bytes) -> bytes:
    return struct.pack("!HHI", kind, len(body), COOKIE) + transaction + body


def xor(value: bytes, transaction: bytes) -> bytes:
    mask = struct.pack("!I", COOKIE) + transaction
    return bytes(a ^ b for a, b in zip(value, mask))


def peer_value(to: Address, transaction: bytes) -> bytes:
    ip = ipaddress.ip_address(to[0])
    port = struct.pack("!H", to[1] ^ COOKIE >> 16)
    return bytes([0, 1 if ip.version == 4 else 2]) + port + xor(ip.packed, transaction)


@dataclass(frozen=True)
class Message:
    """One STUN message: type as on the wire, and its attributes, the first of each kind."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]

    @property
    def error(self) -> int:
        value = self.attributes.get(ERROR_CODE)
        return value[2] * 100 + value[3] if value else 0

    def address(self, kind: int) -> Address:
        value = self.attributes[kind]
        port = struct.unpack("!H", value[2:4])[0] ^ COOKIE >> 16
        return str(ipaddress.ip_address(xor(value[4:], self.transaction))), port

    def number(self, kind: int) -> int:
        return int.from_bytes(self.attributes[kind], "big")


def parsed(data: bytes) -> Message:
    kind, length, cookie = struct.unpack("!HHI", data[:8])
    assert cookie == COOKIE and length == len(data) - 20 and length % 4 == 0, data
    attributes: dict[int, bytes] = {}
    at = 20
    while at < len(data):
        name, size = struct.unpack("!HH", data[at : at + 4])
        assert at + 4 + size <= len(data), data
        attributes.setdefault(name, data[at + 4 : at + 4 + size])
        at += 4 + size + -size % 4
    return Message(kind, data[8:20], attributes)


@dataclass
class Client:
    """One 5-tuple: transport udp, tcp or tls."""

    transport: str
    server: Address
    context: ssl.SSLContext | None = None
    user: str = "alice"
    password: str = "secret"
    realm: bytes = b""
    nonce: bytes = b""
    pending: list[bytes] = field(default_factory=list)
    stream: bytes = b""

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        datagram = self.transport == "udp"
        plain = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
        plain.settimeout(PATIENCE)
        plain.connect(self.server)
        self.socket = plain
        if self.transport == "tls":
            assert self.context
            self.socket = self.context.wrap_socket(plain, server_hostname=self.server[0])

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """One message or ChannelData, by datagram or by the framing of streams."""
        if self.transport == "udp":
            return self.socket.recv(65536)
        while True:
            if len(self.stream) >= 4:
                length = struct.unpack("!H", self.stream[2:4])[0]
                size = 4 + length + -length % 4 if self.stream[0] >> 6 else 20 + length
                if len(self.stream) >= size:
                    whole, self.stream = self.stream[:size], self.stream[size:]
                    return whole
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the server closed the connection")
            self.stream += more

    def request(
        self, method: int, *attributes: tuple[int, bytes], to: Address | None = None
    ) -> bytes:
        transaction = os.urandom(12)
        body = b"".join(attribute(kind, value) for kind, value in attributes)
        if to:
            body += attribute(PEER, peer_value(to, transaction))
        if self.nonce:
            body += attribute(USERNAME, self.user.encode()) + attribute(REALM, self.realm)
            body += attribute(NONCE, self.nonce)
            text = f"{self.user}:{self.realm.decode()}:{self.password}"
            key = hashlib.md5(text.encode()).digest()
            covered = packed(method, body + bytes(24), transaction)[:-24]
            body += attribute(INTEGRITY, hmac.new(key, covered, hashlib.sha1).digest())
        return packed(method, body, transaction)

    def ask(
        self, method: int, *attributes: tuple[int, bytes], to: Address | None = None
    ) -> Message:
        request = self.request(method, *attributes, to=to)
        self.send(request)
        while True:
            data = self.receive()
            if data[0] >> 6 == 0 and data[8:20] == request[8:20]:
                return parsed(data)
            self.pending.append(data)

    def next(self) -> bytes:
        return self.pending.pop(0) if self.pending else self.receive()

    def allocate(self, *attributes: tuple[int, bytes]) -> Message:
        wish = ((TRANSPORT, b"\x11\0\0\0"), *attributes)
        if not self.nonce:
            challenge = self.ask(ALLOCATE, *wish)
            assert challenge.error == 401, challenge
            self.realm = challenge.attributes[REALM]
            self.nonce = challenge.attributes[NONCE]
        return self.ask(ALLOCATE, *wish)

    def permit(self, to: Address) -> int:
        return self.ask(CREATE_PERMISSION, to=to).error

    def bind(self, number: int, to: Address) -> int:
        return self.ask(CHANNEL_BIND, (CHANNEL_NUMBER, struct.pack("!HH", number, 0)), to=to).error

    def indicate(self, to: Address, payload: bytes) -> None:
        transaction = os.urandom(12)
        body = attribute(PEER, peer_value(to, transaction)) + attribute(PAYLOAD, payload)
        self.send(packed(0x0016, body, transaction))

    def channel(self, number: int, payload: bytes) -> None:
        padding = b"" if self.transport == "udp" else bytes(-len(payload) % 4)
        self.send(struct.pack("!HH", number, len(payload)) + payload + padding)


@dataclass
class Server:
    """A running viaduct-turn and where it listens, by the order of the options."""

    process: subprocess.Popen[str]
    listeners: list[tuple[str, Address]]
    log: Path

    def client(
        self,
        index: int = 0,
        context: ssl.SSLContext | None = None,
        user: str = "alice",
        password: str = "secret",
    ) -> Client:
        transport, address = self.listeners[index]
        return Client(transport, address, context, user, password)


@contextmanager
def turn_server(log: Path, *options: str) -> Iterator[Server]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [str(PROGRAM), "--log", "debug", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout
        words = process.stdout.readline().split()
        assert words[:2] == ["viaduct-turn", "ready"], (words, log.read_text())
        listeners: list[tuple[str, Address]] = []
        for word in words[2:]:
            transport, rest = word.split(":", 1)
            host, port = rest.rsplit(":", 1)
            listeners.append((transport, (host.strip("[]"), int(port))))
        yield Server(process, listeners, log)
    finally:
        process.terminate()
        code = process.wait(PATIENCE)
        if process.stdout:
            process.stdout.close()
    assert code == 0, log.read_text()
