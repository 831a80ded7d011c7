"""ws-echo under the frames of a conformance suite: sizes, pings, reserved bits and opcodes,
fragments, closing. Group numbers are those of the Autobahn test suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from echo_client import (
    BINARY,
    CLOSE,
    CONTINUATION,
    END,
    NO_KEY,
    PING,
    PONG,
    TEXT,
    Got,
    close,
    closed,
    connected,
    converse,
    echo_server,
    fragments,
    frame,
)

STEPS = (None, 1)
FAILED = [closed(1002), END]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with echo_server() as port:
        yield port


def heard(port: int, data: bytes, step: int | None = None) -> list[Got]:
    """What is heard, with the text behind the code of a Close left out: it is for people."""
    return [
        Got(CLOSE, g.payload[:2]) if g.opcode == CLOSE else g for g in converse(port, data, step)
    ]


# 1: sizes
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(
    "size, step",
    [(n, None) for n in (0, 125, 126, 127, 128, 65535, 65536)] + [(65536, 997), (128, 1)],
)
def test_1_messages_of_any_size_come_back(
    port: int, opcode: int, size: int, step: int | None
) -> None:
    payload = (b"*" if opcode == TEXT else b"\xfe") * size
    assert heard(port, frame(opcode, payload) + close(), step) == [
        Got(opcode, payload),
        closed(1000),
        END,
    ]


@pytest.mark.parametrize("key", [NO_KEY, b"\1\2\3\4", b"\xff\0\xff\0"])
def test_1_the_mask_is_taken_off_whatever_its_key(port: int, key: bytes) -> None:
    payloads = [bytes(range(n)) for n in range(10)] + [bytes(range(256)) * 3]
    data = b"".join(frame(BINARY, p, key=key) for p in payloads) + close()
    for step in (None, 1, 7):
        assert heard(port, data, step) == [*(Got(BINARY, p) for p in payloads), closed(1000), END]


# 2: pings and pongs
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "payload", [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125]
)
def test_2_a_ping_is_answered_with_its_payload(port: int, payload: bytes, step: int | None) -> None:
    data = frame(PING, payload) + close()
    assert heard(port, data, step) == [Got(PONG, payload), closed(1000), END]


@pytest.mark.parametrize("step", STEPS)
def test_2_a_ping_of_126_bytes_fails(port: int, step: int | None) -> None:
    assert heard(port, frame(PING, b"\xfe" * 126) + frame(TEXT, b"x"), step) == FAILED


def test_2_a_pong_out_of_the_blue_is_ignored(port: int) -> None:
    data = frame(PONG) + frame(PONG, b"unasked") + frame(PING, b"asked") + close()
    assert heard(port, data) == [Got(PONG, b"asked"), closed(1000), END]


@pytest.mark.parametrize("step", STEPS)
def test_2_ten_pings_draw_ten_pongs_in_order(port: int, step: int | None) -> None:
    payloads = [b"payload-%d" % i for i in range(10)]
    data = b"".join(frame(PING, p) for p in payloads) + close()
    assert heard(port, data, step) == [*(Got(PONG, p) for p in payloads), closed(1000), END]


# 3: reserved bits
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
@pytest.mark.parametrize("rsv", range(1, 8))
def test_3_reserved_bits_fail(port: int, rsv: int, opcode: int, step: int | None) -> None:
    data = frame(TEXT, b"before") + frame(opcode, b"\3\xe8", rsv=rsv) + frame(PING)
    assert heard(port, data, step) == [Got(TEXT, b"before"), *FAILED]


# 4: reserved opcodes
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("payload", [b"", b"reserved opcode payload"])
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_4_reserved_opcodes_fail(port: int, opcode: int, payload: bytes, step: int | None) -> None:
    data = frame(TEXT, b"before") + frame(opcode, payload) + frame(PING)
    assert heard(port, data, step) == [Got(TEXT, b"before"), *FAILED]
    assert heard(port, frame(opcode, payload) + frame(PING), step) == FAILED


# 5: fragments
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_5_control_frames_are_not_fragmented(port: int, opcode: int, step: int | None) -> None:
    data = frame(opcode, b"fragment1", fin=False) + frame(CONTINUATION, b"fragment2")
    assert heard(port, data, step) == FAILED


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_5_fragments_are_joined(port: int, opcode: int, step: int | None) -> None:
    for parts in ([b"a", b"b"], [b"", b"a", b""], [b"a", b"", b"b"], [b"x"] * 100, [b"", b"", b""]):
        data = b"".join(fragments(opcode, parts)) + close()
        assert heard(port, data, step) == [Got(opcode, b"".join(parts)), closed(1000), END]


@pytest.mark.parametrize("step", STEPS)
def test_5_a_ping_between_fragments_is_answered_first(port: int, step: int | None) -> None:
    first, second = fragments(TEXT, [b"fragment1", b"fragment2"])
    data = first + frame(PING, b"ping payload") + second + close()
    assert heard(port, data, step) == [
        Got(PONG, b"ping payload"),
        Got(TEXT, b"fragment1fragment2"),
        closed(1000),
        END,
    ]


def test_5_the_pong_does_not_wait_for_the_message(port: int) -> None:
    parts = fragments(TEXT, [b"1", b"2", b"3", b"4", b"5"])
    with connected(port) as client:
        client.send(parts[0] + parts[1] + frame(PING, b"first"))
        assert client.get() == Got(PONG, b"first")
        client.send(parts[2] + parts[3] + frame(PING, b"second"))
        assert client.get() == Got(PONG, b"second")
        client.send(parts[4])
        assert client.get() == Got(TEXT, b"12345")
        client.send(close())
        assert client.get_all() == [closed(1000), END]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_5_a_continuation_of_nothing_fails(
    port: int, opcode: int, fin: bool, step: int | None
) -> None:
    lone = frame(CONTINUATION, b"lone", fin)
    assert heard(port, lone + frame(opcode, b"after"), step) == FAILED
    whole = frame(opcode, b"whole")
    assert heard(port, whole + lone + frame(opcode, b"after"), step) == [
        Got(opcode, b"whole"),
        *FAILED,
    ]
    joined = b"".join(fragments(opcode, [b"a", b"b"]))
    assert heard(port, joined + lone + joined, step) == [Got(opcode, b"ab"), *FAILED]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("second", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
def test_5_messages_are_not_interleaved(
    port: int, second: int, fin: bool, step: int | None
) -> None:
    data = frame(TEXT, b"one", fin=False) + frame(second, b"two", fin)
    assert heard(port, data + frame(CONTINUATION, b"end"), step) == FAILED


# lengths and masks
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "head",
    [
        b"\x81\xfe\x00\x05",
        b"\x82\xfe\x00\x7d",
        b"\x81\xff" + (126).to_bytes(8, "big"),
        b"\x82\xff" + (65535).to_bytes(8, "big"),
        b"\x82\xff\x80\0\0\0\0\0\0\1",
        b"\x89\xfe\x00\x05",
        b"\x81\x05Hello",
        b"\x89\x00",
    ],
)
def test_broken_heads_fail(port: int, head: bytes, step: int | None) -> None:
    assert heard(port, head + frame(PING), step) == FAILED


def test_a_message_beyond_the_ceiling_is_refused_when_announced(port: int) -> None:
    huge = b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0"
    assert heard(port, huge) == [closed(1009), END]
    data = frame(BINARY, b"x" * 1000, fin=False) + b"\x80\xff" + (64 << 20).to_bytes(8, "big")
    assert heard(port, data + b"\0\0\0\0" + frame(PING)) == [closed(1009), END]


# 7: closing
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "after", [close(), frame(PING), frame(TEXT, b"late"), frame(CONTINUATION, b"late"), b"\xff\xff"]
)
def test_7_nothing_counts_behind_a_close(port: int, after: bytes, step: int | None) -> None:
    data = frame(TEXT, b"before") + close() + after
    assert heard(port, data, step) == [Got(TEXT, b"before"), closed(1000), END]


def test_7_a_close_within_a_message_ends_it(port: int) -> None:
    data = frame(TEXT, b"fragment1", fin=False) + close() + frame(CONTINUATION, b"fragment2")
    assert heard(port, data) == [closed(1000), END]


def test_7_a_large_message_then_close_then_ping(port: int) -> None:
    payload = b"BAsd7&jh23" * 26000
    got = heard(port, frame(TEXT, payload) + close() + frame(PING))
    assert got == [Got(TEXT, payload), closed(1000), END]


@pytest.mark.parametrize("reason", [b"", b"Hello World!", b"*" * 123, "grüße".encode()])
def test_7_a_reason_is_heard(port: int, reason: bytes) -> None:
    assert heard(port, close(1000, reason)) == [closed(1000), END]


def test_7_a_close_needs_no_code(port: int) -> None:
    assert heard(port, close(None)) == [closed(None), END]


@pytest.mark.parametrize(
    "body, code",
    [
        (b"\x03", 1002),
        (b"\x03\xe8" + b"*" * 124, 1002),
        (b"\x03\xe8\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited", 1007),
        (b"\x03\xe8\xc3", 1007),
    ],
)
def test_7_a_broken_close_body_fails(port: int, body: bytes, code: int) -> None:
    assert heard(port, frame(CLOSE, body)) == [closed(code), END]


GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]


@pytest.mark.parametrize("code", [*GOOD_CODES, 3000, 3999, 4000, 4999])
def test_7_a_registered_code_is_returned(port: int, code: int) -> None:
    assert heard(port, close(code)) == [closed(code), END]


@pytest.mark.parametrize(
    "code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_7_a_code_that_may_not_be_sent_fails(port: int, code: int) -> None:
    assert heard(port, close(code)) == FAILED
