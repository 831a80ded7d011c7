"""A server that refuses nothing: the proof that the cases about refusals can turn red.

It accepts any opening handshake, takes every frame for good, never ends a connection for what it
was sent, answers each REGISTER with 200 and Require: outbound, and sends every response it gets to
everybody.
"""

import asyncio
import base64
import hashlib
import re
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from viaduct.peers.message import Message, Unreadable, compose
from viaduct.peers.websocket import CLOSE, GUID, PING, PONG, Decoder, Frame
from viaduct.targets.description import Address, Description
from viaduct.targets.target import Target

START_SECONDS = 10.0


class LenientTarget(Target):
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: list[asyncio.StreamWriter] = []

    def start(self, directory: Path) -> Description:
        self._thread.start()
        ws, tcp = self._run(self._listen())
        return Description(
            "lenient",
            "0",
            "sip.test",
            (ws, tcp),
            front=(Address("plain", ws.host, ws.port),),
            ws_path="/ws",
        )

    def stop(self) -> str | None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(START_SECONDS)
        return None

    def exited(self) -> str | None:
        return None

    def _run(self, work: Coroutine[Any, Any, tuple[Address, Address]]) -> tuple[Address, Address]:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS)

    async def _listen(self) -> tuple[Address, Address]:
        found = []
        for leg, talk in (("ws", self._web), ("tcp", self._stream)):
            server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 22)
            found.append(Address(leg, "127.0.0.1", server.sockets[0].getsockname()[1]))
        return found[0], found[1]

    async def _web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            key = re.search(rb"sec-websocket-key: *(\S*)", head, re.I)
            digest = hashlib.sha1((key[1] if key else b"") + GUID).digest()
            writer.write(
                b"HTTP/1.1 101 Whatever\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: "
                + base64.b64encode(digest)
                + b"\r\n\r\n"
            )
            decoder = Decoder()
            while data := await reader.read(65536):
                if self._frames(decoder.feed(data), writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the peer has gone
        writer.close()

    @staticmethod
    def _frames(frames: list[Frame], writer: asyncio.StreamWriter) -> bool:
        """Serves whatever came, and says whether a Close was among it."""
        closing = False
        for frame in frames:
            if frame.opcode == PING:
                payload = frame.payload if frame.shortest else b""
                writer.write(Frame(PONG, payload, masked=False).encode())
            elif frame.opcode == CLOSE:
                closing = True
                writer.write(Frame(CLOSE, frame.payload, masked=False).encode())
        return closing

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        pending = b""
        while data := await reader.read(65536):
            *whole, pending = (pending + data).split(b"\r\n\r\n")
            for head in whole:
                self._sip(head + b"\r\n\r\n", writer)
        writer.close()

    def _sip(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            message = Message.read(data)
        except Unreadable:
            return
        if not message.is_request:
            forwarded = message.headers[1:]  # without the topmost Via
            for other in self._writers:
                other.write(compose(message.start, forwarded))
            return
        names = ("via", "from", "call-id", "cseq", "contact")
        lines = [(name, value) for name in names for value in message.all(name)]
        lines += [("To", f"{message.first('to')};tag=lenient"), ("Require", "outbound")]
        writer.write(compose("SIP/2.0 200 OK", lines))
