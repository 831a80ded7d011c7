"""ws-echo under opening handshakes: segmentation, refusals, garbage. (What a request of each kind
deserves is in server/test/test_handshake.c; here it is the connection that is judged.)"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from echo_client import (
    END,
    PING,
    PONG,
    REQUEST,
    TEXT,
    Got,
    close,
    closed,
    connected,
    echo_server,
    frame,
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with echo_server() as port:
        yield port


def test_the_answer_is_exact(port: int) -> None:
    with connected(port) as client:
        assert client.head == (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )


@pytest.mark.parametrize("step", [None, 1, 2, 3, 50])
def test_frames_may_come_with_the_request(port: int, step: int | None) -> None:
    with connected(port, None) as client:
        client.send(REQUEST + frame(TEXT, b"early") + frame(PING, b"bird") + close(), step)
        assert client.read_head().startswith(b"HTTP/1.1 101 ")
        assert client.get_all() == [Got(TEXT, b"early"), Got(PONG, b"bird"), closed(1000), END]


def test_offers_of_compression_and_subprotocols_are_declined(port: int) -> None:
    more = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    more += b"Sec-WebSocket-Protocol: chat, sip\r\nOrigin: http://localhost\r\n\r\n"
    with connected(port, REQUEST[:-2] + more) as client:
        assert b"Sec-WebSocket-Extensions" not in client.head
        assert b"Sec-WebSocket-Protocol" not in client.head
        client.send(frame(TEXT, b"compressed?", rsv=4))
        assert client.get_all()[0].payload[:2] == b"\x03\xea"


@pytest.mark.parametrize(
    "request_, status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400),
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400),
        (REQUEST.replace(b"Upgrade: ", b"Upgrade : "), 400),
        (REQUEST.replace(b"\r\n", b"\n"), 400),
        (REQUEST.replace(b"Host: 127.0.0.1\r\n", b""), 400),
        (REQUEST.replace(b"GET", b"POST"), 405),
        (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), 426),
        (REQUEST.replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
        (REQUEST.replace(b"Version: 13", b"Version: 8"), 426),
        (b"GET /" + b"x" * 1000000, 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 1000000, 431),
    ],
    ids=lambda value: value[:20].hex() if isinstance(value, bytes) else str(value),
)
def test_a_refusal_is_read_to_its_end(port: int, request_: bytes, status: int) -> None:
    with connected(port, None) as client:
        try:
            client.send(request_)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent
        answer = client.read_all()
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        head, body = answer.split(b"\r\n\r\n", 1)
        assert b"Content-Length: %d" % len(body) in head
        assert b"close" in head


def test_a_target_of_7900_octets_is_served(port: int) -> None:
    with connected(port, REQUEST.replace(b"/any", b"/" + b"x" * 7899)) as client:
        client.send(frame(TEXT, b"hello"))
        assert client.get() == Got(TEXT, b"hello")


def test_half_a_handshake_disturbs_nobody(port: int) -> None:
    with connected(port, None) as half:
        half.send(REQUEST[:60])
        with connected(port) as client:
            client.send(frame(TEXT, b"hello"))
            assert client.get() == Got(TEXT, b"hello")
