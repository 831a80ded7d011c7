"""What a browser says of its WebSockets, as events of a trace."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from viaduct.trace.jsonl import Recorder

DEFAULT_PORTS = {"ws": 80, "wss": 443}


def clock_offset(samples: int = 9) -> float:
    """Epoch minus CLOCK_MONOTONIC, the clock of DevTools; from the tightest of some pairs."""
    best, offset = float("inf"), 0.0
    for _ in range(samples):
        before = time.monotonic()
        wall = time.time()
        after = time.monotonic()
        if after - before < best:
            best, offset = after - before, wall - (before + after) / 2
    return offset


@dataclass
class _Socket:
    flow: str
    transport: str
    remote: str
    path: str
    request: Mapping[str, Any] | None = None  # announced, not yet written to the trace
    trouble: str | None = None
    closed: bool = False


class SocketRecorder:
    """Turns the driver's `socket` events of one page into the events of one vantage.

    DevTools give whole messages, so there are no `frame` events; they do not tell the local port.
    They show the request line with a full URL, which is not what goes over the wire: it is rebuilt
    from the URL (info "rebuilt"), the header lines stay as they are.
    """

    def __init__(self, recorder: Recorder, offset: float | None = None) -> None:
        self._recorder = recorder
        self._offset = clock_offset() if offset is None else offset
        self._sockets: dict[str, _Socket] = {}
        self._numbers = 0

    @property
    def flows(self) -> tuple[str, ...]:
        """Flows that are open or were, oldest first."""
        return tuple(socket.flow for socket in self._sockets.values())

    def leave(self) -> None:
        """The page has gone. DevTools say nothing of sockets that went with it: they end now."""
        for socket in self._sockets.values():
            if not socket.closed:
                self._closed(socket, {"ts": None}, why="local")

    def hear(self, item: Mapping[str, Any]) -> None:
        """Takes one `socket` event."""
        what, key = item["what"], item["socket"]
        if what == "created":
            self._sockets[key] = self._created(item["url"])
            return
        socket = self._sockets.get(key)
        if socket is None:
            return  # opened before anybody watched; its messages would have no flow
        handlers: dict[str, Callable[[_Socket, Mapping[str, Any]], None]] = {
            "request": self._request,
            "response": self._response,
            "sent": self._message,
            "received": self._message,
            "error": self._error,
            "closed": self._closed,
        }
        handlers[what](socket, item)

    def _created(self, url: str) -> _Socket:
        parts = urlsplit(url)
        transport = parts.scheme
        self._numbers += 1
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        port = parts.port or DEFAULT_PORTS[transport]
        return _Socket(f"{transport}-{self._numbers}", transport, f"{host}:{port}", path)

    def _record(self, socket: _Socket, kind: str, ts: float | None, **rest: Any) -> None:
        self._recorder.event(
            kind,
            flow=socket.flow,
            transport=socket.transport,
            remote=socket.remote,
            t=None if ts is None else ts + self._offset,
            **rest,
        )

    def _request(self, socket: _Socket, item: Mapping[str, Any]) -> None:
        self._record(socket, "connect", item["ts"])
        socket.request = item

    def _handshake_out(self, socket: _Socket, head: str | None) -> None:
        announced = socket.request
        if announced is None:
            return
        socket.request = None
        if head is not None:
            lines = head.split("\r\n", 1)[1]
        else:
            # No answer came: all that is known are the headers, in no particular order.
            lines = "".join(f"{k}: {v}\r\n" for k, v in announced["headers"].items()) + "\r\n"
        data = f"GET {socket.path} HTTP/1.1\r\n{lines}".encode()
        self._record(socket, "handshake", announced["ts"], dir="out", data=data, rebuilt=True)

    def _response(self, socket: _Socket, item: Mapping[str, Any]) -> None:
        self._handshake_out(socket, item.get("requestText"))
        head = item.get("text")
        rebuilt = {} if head else {"rebuilt": True}
        if not head:
            lines = "".join(f"{k}: {v}\r\n" for k, v in item["headers"].items())
            head = f"HTTP/1.1 {item['status']} {item['reason']}\r\n{lines}\r\n"
        self._record(socket, "handshake", item["ts"], dir="in", data=head.encode(), **rebuilt)

    def _message(self, socket: _Socket, item: Mapping[str, Any]) -> None:
        data = item["text"].encode() if "text" in item else base64.b64decode(item["b64"])
        self._record(
            socket,
            "message",
            item["ts"],
            dir="out" if item["what"] == "sent" else "in",
            data=data,
            opcode=item["opcode"],
        )

    def _error(self, socket: _Socket, item: Mapping[str, Any]) -> None:
        socket.trouble = item["reason"]

    def _closed(self, socket: _Socket, item: Mapping[str, Any], why: str = "eof") -> None:
        self._handshake_out(socket, None)
        socket.closed = True
        if socket.trouble is not None:
            self._record(socket, "close", item["ts"], why="error", reason=socket.trouble)
        else:
            self._record(socket, "close", item["ts"], why=why)
