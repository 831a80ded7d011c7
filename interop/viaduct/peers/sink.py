"""Sinks: sockets that nobody should talk to.

Whoever does is recorded, since who was dialled is part of a verdict.
"""

import asyncio
from typing import Any

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
