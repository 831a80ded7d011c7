"""Flows as a SIP peer knows them: something that SIP messages go out on and come in from.

Each flow records what passes in its vantage's trace and puts each message received into `inbox`,
where None marks its end.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from typing import Any, cast

from viaduct.peers.link import Link, hostport
from viaduct.targets.description import Address
from viaduct.trace.jsonl import Recorder

PING = b"\r\n\r\n"
PONG = b"\r\n"
MAX_MESSAGE = 1 << 20


class Flow(ABC):
    def __init__(self, recorder: Recorder, transport: str, name: str) -> None:
        self.recorder = recorder
        self.transport = transport  # of the SIP hop: udp tcp tls ws wss
        self.name = name
        self.local = ""
        self.remote = ""
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()  # CRLFs received
        self.closed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @property
    def reliable(self) -> bool:
        return self.transport != "udp"

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """One SIP message (or keep-alive), as it is."""

    @abstractmethod
    async def close(self) -> None:
        """An orderly end."""

    @abstractmethod
    def abort(self) -> None:
        """An end without a word."""

    def record(
        self,
        kind: str,
        direction: str | None = None,
        data: bytes = b"",
        *,
        remote: str | None = None,
        **info: Any,
    ) -> None:
        self.recorder.event(
            kind,
            flow=self.name,
            transport=self.transport,
            local=self.local or None,
            remote=remote or self.remote or None,
            dir=direction,
            data=data,
            **info,
        )

    def _deliver(self, data: bytes, *, remote: str | None = None, **info: Any) -> None:
        if not data.strip(b"\r\n"):
            self.record("message", "in", data, remote=remote, keepalive=True, **info)
            self.pongs.put_nowait(data)
            return
        self.record("message", "in", data, remote=remote, **info)
        self.inbox.put_nowait(data)

    def _end(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.inbox.put_nowait(None)


class StreamFlow(Flow):
    """SIP on TCP or TLS: messages told apart by Content-Length."""

    def __init__(self, recorder: Recorder, transport: str, name: str, link: Link) -> None:
        super().__init__(recorder, transport, name)
        self._link = link
        self.local, self.remote = link.local, link.remote
        self.record("connect", **link.info)
        self._pump = asyncio.create_task(self._read())

    async def send(self, data: bytes) -> None:
        keepalive: dict[str, Any] = {} if data.strip(b"\r\n") else {"keepalive": True}
        self.record("message", "out", data, **keepalive)
        await self._link.write(data)

    async def send_parts(self, *parts: bytes) -> None:
        """Parts of messages, each in a write of its own; the case records the messages itself."""
        for part in parts:
            await self._link.write(part)

    async def send_raw(self, data: bytes) -> None:
        """Bytes that are no message at all."""
        self.record("note", "out", data, mark="raw")
        await self._link.write(data)

    async def _read(self) -> None:
        pending = b""
        while data := await self._link.read():
            pending += data
            while (taken := self._take(pending)) > 0:
                self._deliver(pending[:taken])
                pending = pending[taken:]
            if len(pending) > MAX_MESSAGE:
                break
        if pending:
            self.record("note", "in", pending, mark="unfinished")
        self.record("close", "in" if self._link.ended != "local" else "out", why=self._link.ended)
        self._end()

    @staticmethod
    def _take(pending: bytes) -> int:
        """Length of the message or keep-alive at the front, 0 while it is incomplete."""
        if pending.startswith(PING):
            return len(PING)
        if pending.startswith(PONG):
            return len(PONG)
        end = pending.find(b"\r\n\r\n")
        if end < 0:
            return 0
        match = re.search(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})", pending[:end], re.I)
        whole = end + 4 + (int(match[1]) if match else 0)
        return whole if len(pending) >= whole else 0

    async def close(self) -> None:
        await self._link.close()
        await self._finish()

    def abort(self) -> None:
        self._link.abort()

    async def _finish(self) -> None:
        if self._pump is not None:
            await self._pump


class UdpFlow(Flow, asyncio.DatagramProtocol):
    """A UDP socket of the peer's own.

    It hears everybody, so that an answer from elsewhere is seen.
    """

    def __init__(self, recorder: Recorder, name: str, address: Address) -> None:
        super().__init__(recorder, "udp", name)
        self._address = address
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, recorder: Recorder, name: str, address: Address) -> "UdpFlow":
        loop = asyncio.get_running_loop()
        host = "::1" if address.family == 6 and address.host == "::1" else None
        if host is None:
            host = await _source_address(address)
        _, flow = await loop.create_datagram_endpoint(
            lambda: cls(recorder, name, address), local_addr=(host, 0)
        )
        flow.remote = address.hostport
        flow.record("connect")
        return flow

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.local = hostport(transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._deliver(data, remote=hostport(addr))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error: the target's socket is gone. Waiting for its answer will tell."""
        self.record("note", mark="icmp", error=str(exc))

    async def send(self, data: bytes) -> None:
        await self.send_to(data, self._address)

    async def send_to(self, data: bytes, address: Address) -> None:
        if self._transport is None:
            raise RuntimeError("the socket is not open")
        keepalive: dict[str, Any] = {} if data.strip(b"\r\n") else {"keepalive": True}
        self.record("message", "out", data, remote=address.hostport, **keepalive)
        self._transport.sendto(data, (address.host, address.port))

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self._transport is not None and not self.closed.is_set():
            self.record("close", "out", why="local")
            self._transport.close()
        self._end()


async def _source_address(address: Address) -> str:
    """The address of this machine that packets to `address` leave from."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(address.host, address.port)
    )
    host: str = transport.get_extra_info("sockname")[0]
    transport.close()
    return host
