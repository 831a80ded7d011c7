"""ws-echo under large messages, many fragments, small pieces and many rounds: all must come back,
and no round may wait for a delayed ACK. Group numbers are Autobahn's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from echo_client import (
    BINARY,
    END,
    NO_KEY,
    TEXT,
    Client,
    Got,
    close,
    closed,
    connected,
    echo_server,
    fragments,
    frame,
)

KB, MB = 1024, 1024 * 1024


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with echo_server() as port:
        yield port


def payload(opcode: int, size: int) -> bytes:
    unit = b"BAsd7&jh23" if opcode == TEXT else b"\x00\xfe\x23\xfa\xf0"
    return (unit * (size // len(unit) + 1))[:size]


def roundtrip(client: Client, data: bytes, expected: Got, step: int | None = None) -> None:
    """Sends in a thread of its own: an echo may come before all is sent."""
    sender = threading.Thread(target=client.send, args=(data, step))
    sender.start()
    got = client.get()
    sender.join()
    assert got == expected


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [64 * KB, 256 * KB, MB, 4 * MB, 8 * MB, 16 * MB])
def test_9_1_large_messages(port: int, opcode: int, size: int) -> None:
    message = payload(opcode, size)
    with connected(port) as client:
        roundtrip(client, frame(opcode, message), Got(opcode, message))
        client.send(close())
        assert client.get_all() == [closed(1000), END]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [64, 256, KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB])
def test_9_3_many_fragments(port: int, opcode: int, size: int) -> None:
    message = payload(opcode, 4 * MB)
    parts = [message[i : i + size] for i in range(0, len(message), size)]
    with connected(port) as client:
        data = b"".join(fragments(opcode, parts, NO_KEY))
        roundtrip(client, data, Got(opcode, message))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("step", [64, 128, 256, 512, KB, 2 * KB])
def test_9_5_small_pieces(port: int, opcode: int, step: int) -> None:
    message = payload(opcode, MB)
    with connected(port) as client:
        roundtrip(client, frame(opcode, message), Got(opcode, message), step)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 16, 64, 256, KB, 4 * KB])
def test_9_7_many_rounds(port: int, opcode: int, size: int) -> None:
    message = payload(opcode, size)
    data, expected = frame(opcode, message), Got(opcode, message)
    with connected(port) as client:
        start = time.monotonic()
        for _ in range(1000):
            client.send(data)
            assert client.get() == expected
        assert time.monotonic() - start < 20, "a delayed ACK per round would take 40 s"


def test_10_1_a_message_in_frames_of_1300_bytes(port: int) -> None:
    message = payload(TEXT, 65536)
    parts = [message[i : i + 1300] for i in range(0, len(message), 1300)]
    with connected(port) as client:
        client.send(b"".join(fragments(TEXT, parts)) + close())
        assert client.get_all() == [Got(TEXT, message), closed(1000), END]


def test_who_does_not_read_is_not_read_either(port: int) -> None:
    """Echoes pile up only so far; once the client reads, all of them come."""
    message = payload(BINARY, MB)
    count = 40
    with connected(port) as client:
        sender = threading.Thread(
            target=client.send, args=(frame(BINARY, message, key=NO_KEY) * count,)
        )
        sender.start()
        sender.join(0.5)
        assert sender.is_alive(), "the server took 40 MB that nobody reads"
        for _ in range(count):
            assert client.get() == Got(BINARY, message)
        sender.join()


def test_other_connections_go_on(port: int) -> None:
    with connected(port) as stuck, connected(port) as other:
        stuck.send(frame(TEXT, b"x" * 1000)[:500])
        other.send(frame(TEXT, b"hello"))
        assert other.get() == Got(TEXT, b"hello")
