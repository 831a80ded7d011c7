"""Sinks: sockets that nobody should talk to.

Whoever does is recorded, since who was dialled is part of a verdict.
"""

import asyncio
import socket
import struct
from typing import Any, cast

from viaduct.peers.link import hostport
from viaduct.trace.jsonl import Recorder


class DialSink:
    """A TCP listener and a UDP socket on one port.

    An address to write where none should be dialled.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self.dials: list[str] = []  # what came, in words
        self.hostport = ""

    @classmethod
    async def open(cls, recorder: Recorder, host: str = "127.0.0.1") -> "DialSink":
        sink = cls(recorder)
        loop = asyncio.get_running_loop()
        while True:
            server = await asyncio.start_server(sink._accepted, host, 0)
            port = server.sockets[0].getsockname()[1]
            try:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _SinkProtocol(sink), local_addr=(host, port)
                )
            except OSError:
                server.close()  # taken for UDP; take another one
                continue
            sink._server, sink._datagrams = server, transport
            sink.hostport = hostport(server.sockets[0].getsockname())
            return sink

    def dialled(self, transport: str, remote: str, data: bytes = b"") -> None:
        self.dials.append(f"{remote} by {transport.upper()}")
        self._recorder.event(
            "dial",
            flow=f"sink-{len(self.dials)}",
            transport=transport,
            local=self.hostport,
            remote=remote,
            dir="in",
            data=data,
        )

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dialled("tcp", hostport(writer.get_extra_info("peername")))
        writer.transport.abort()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._datagrams is not None:
            self._datagrams.close()


class _SinkProtocol(asyncio.DatagramProtocol):
    def __init__(self, sink: DialSink) -> None:
        self._sink = sink

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._sink.dialled("udp", hostport(addr), data)


TYPES = {1: "A", 28: "AAAA", 33: "SRV", 35: "NAPTR", 12: "PTR", 16: "TXT"}


def read_question(query: bytes) -> tuple[str, str] | None:
    """Name and type asked for in a DNS query; None when it is none."""
    if len(query) < 12 or query[2] & 0x80 or struct.unpack("!H", query[4:6])[0] < 1:
        return None
    labels, at = [], 12
    while at < len(query) and query[at]:
        size = query[at]
        if size > 63 or at + 1 + size > len(query):
            return None
        labels.append(query[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    if at + 5 > len(query):
        return None
    kind = int.from_bytes(query[at + 1 : at + 3], "big")
    return ".".join(labels), TYPES.get(kind, str(kind))


def name_error(query: bytes) -> bytes:
    """The answer NXDOMAIN, with the question repeated."""
    return query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:]


class DnsSink(asyncio.DatagramProtocol):
    """A name server that knows no name and records each question."""

    def __init__(self, recorder: Recorder, local: str) -> None:
        self._recorder = recorder
        self._local = local
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        question = read_question(data)
        if question is None or self._transport is None:
            return
        name, kind = question
        self._recorder.event(
            "dns",
            flow="dns",
            transport="udp",
            local=self._local,
            remote=hostport(addr),
            dir="in",
            data=data,
            name=name,
            type=kind,
        )
        self._transport.sendto(name_error(data), addr)


def bind_udp(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
