"""From what DevTools say of WebSockets to the events of a vantage."""

from typing import Any

from viaduct.agents.sockets import SocketRecorder, clock_offset
from viaduct.trace.jsonl import Recorder

import time

HEAD = (
    "GET wss://127.0.0.1:8443/ws?a=1 HTTP/1.1\r\n"
    "Host: 127.0.0.1:8443\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
)
ANSWER = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Bench:
    def __init__(self) -> None:
        self.recorder = Recorder("browser-1")
        self.sockets = SocketRecorder(self.recorder, offset=1000.0)

    def hear(self, what: str, ts: float | None = None, socket: str = "1", **rest: Any) -> None:
        self.sockets.hear({"what": what, "socket": socket, "ts": ts, **rest})

    def open(self, url: str = "wss://127.0.0.1:8443/ws?a=1", socket: str = "1") -> None:
        self.hear("created", url=url, socket=socket)
        self.hear("request", 1.0, headers={"Host": "127.0.0.1:8443"}, socket=socket)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.recorder.events]


def test_a_connection_with_its_handshake_and_messages() -> None:
    bench = Bench()
    bench.open()
    bench.hear("response", 1.5, status=101, reason="x", text=ANSWER, requestText=HEAD, headers={})
    bench.hear("sent", 2.0, opcode=1, mask=True, text="REGISTER Grüße")
    bench.hear("received", 2.5, opcode=2, mask=False, b64="AP8=")
    bench.hear("closed", 3.0)
    assert bench.kinds == ["connect", "handshake", "handshake", "message", "message", "close"]
    connect, request, answer, sent, received, close = bench.recorder.events
    assert (connect.flow, connect.transport, connect.remote) == ("wss-1", "wss", "127.0.0.1:8443")
    assert (request.dir, request.t) == ("out", 1001.0)
    assert (answer.dir, answer.data) == ("in", ANSWER.encode())
    assert (sent.dir, sent.data, sent.info) == ("out", "REGISTER Grüße".encode(), {"opcode": 1})
    assert (received.dir, received.data, received.t) == ("in", b"\x00\xff", 1002.5)
    assert close.info == {"why": "eof"}


def test_the_request_line_is_what_goes_over_the_wire() -> None:
    bench = Bench()
    bench.open()
    bench.hear("response", 1.5, status=101, reason="x", text=ANSWER, requestText=HEAD, headers={})
    request = bench.recorder.events[1]
    assert request.data.startswith(b"GET /ws?a=1 HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n")
    assert request.data.endswith(b"\r\n\r\n")
    assert request.info == {"rebuilt": True}


def test_a_handshake_that_nobody_answers_is_kept() -> None:
    bench = Bench()
    bench.open("ws://h/")
    bench.hear("error", 2.0, reason="refused")
    bench.hear("closed", 2.0)
    assert bench.kinds == ["connect", "handshake", "close"]
    assert bench.recorder.events[1].data == b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n\r\n"
    assert bench.recorder.events[2].info == {"why": "error", "reason": "refused"}
    assert bench.recorder.events[0].remote == "h:80"


def test_sockets_that_went_with_their_page_end_then_and_only_once() -> None:
    bench = Bench()
    bench.open()
    bench.open("wss://[::1]/", "2")
    bench.hear("closed", 3.0, socket="1")
    bench.sockets.leave()
    bench.sockets.leave()
    ends = [event for event in bench.recorder.events if event.kind == "close"]
    assert [(end.flow, end.info["why"]) for end in ends] == [("wss-1", "eof"), ("wss-2", "local")]
    assert ends[1].remote == "[::1]:443"


def test_a_socket_that_nobody_saw_opening_is_left_out() -> None:
    bench = Bench()
    bench.hear("sent", 1.0, socket="9", opcode=1, text="x")
    assert bench.kinds == []


def test_the_clock_of_devtools_is_brought_to_the_epoch() -> None:
    assert abs(time.monotonic() + clock_offset() - time.time()) < 0.05
