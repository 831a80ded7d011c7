"""ws-echo under texts, valid and not, cut in every way. Group numbers are Autobahn's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from echo_client import (
    CONTINUATION,
    END,
    NO_KEY,
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

GREEK = "κόσμε Hello-µ@ßöäüàá-UTF-8!!".encode()
START = "κόσμε".encode()
BAD = len(START) + 1  # offset of the byte that makes the two invalid
SURROGATE = START + b"\xed\xa0\x80" + b"edited"
TOO_HIGH = START + b"\xf4\x90\x80\x80" + b"edited"


def _family() -> list[bytes]:
    """Sequences around every border of RFC 3629; what is valid is for Python's decoder to say."""
    found = [START[:n] for n in range(1, len(START) + 1)]
    borders = [0x00, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF]
    borders += [0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFDD0]
    borders += [plane << 16 | low for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)]
    found += [chr(code).encode() for code in borders]
    found += [b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80"]
    found += [b"\xfc\x84\x80\x80\x80\x80", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]
    found += [b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80", bytes(range(0x80, 0xC0))]
    found += [bytes([lead, 0x20]) for lead in range(0xC0, 0x100)]
    found += [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf"]
    found += [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]
    found += [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf"]
    found += [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80"]
    for first in range(0xA0, 0xC0):
        found += [bytes([0xED, first, 0x80]), bytes([0xED, first, 0xBF])]
    found += [b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf", b"\xed\x9f\xbf"]
    return found


def is_valid(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with echo_server() as port:
        yield port


def verdict(port: int, data: bytes, step: int | None = None) -> bytes | int:
    """The echoed text, or the code of the Close that comes instead."""
    got = converse(port, data + close(), step)
    assert got[-1] == END
    if got[0].opcode == TEXT:
        assert got[1:] == [closed(1000), END]
        return got[0].payload
    assert len(got) == 2
    return int.from_bytes(got[0].payload[:2], "big")


def test_6_1_empty_texts(port: int) -> None:
    for parts in ([b""], [b"", b"", b""], [b"", b"middle frame payload", b""]):
        assert verdict(port, b"".join(fragments(TEXT, parts))) == b"".join(parts)


def test_6_2_characters_may_be_cut_between_frames(port: int) -> None:
    assert verdict(port, frame(TEXT, GREEK)) == GREEK
    for n in (1, 2, 3, 5, 7):
        parts = [GREEK[i : i + n] for i in range(0, len(GREEK), n)]
        for step in (None, 1):
            assert verdict(port, b"".join(fragments(TEXT, parts)), step) == GREEK


@pytest.mark.parametrize("text", [SURROGATE, TOO_HIGH])
def test_6_3_invalid_text_fails(port: int, text: bytes) -> None:
    assert verdict(port, frame(TEXT, text)) == 1007
    assert verdict(port, frame(TEXT, text), 1) == 1007
    parts = [text[i : i + 1] for i in range(len(text))]
    assert verdict(port, b"".join(fragments(TEXT, parts))) == 1007


@pytest.mark.parametrize("text", [SURROGATE, TOO_HIGH])
def test_6_4_invalid_text_fails_at_its_byte(port: int, text: bytes) -> None:
    """The rest of the message is never sent, so the Close cannot have waited for it."""
    with connected(port) as client:
        client.send(frame(TEXT, text[:BAD], fin=False))
        client.send(frame(CONTINUATION, text[BAD : BAD + 1], fin=False))
        assert [g.payload[:2] for g in client.get_all()] == [b"\x03\xef", b""]
    whole = frame(TEXT, text, key=NO_KEY)
    with connected(port) as client:
        client.send(whole[: 6 + BAD])
        client.send(whole[6 + BAD : 6 + BAD + 1])
        assert [g.payload[:2] for g in client.get_all()] == [b"\x03\xef", b""]


def test_6_4_valid_text_up_to_there_is_no_reason_to_fail(port: int) -> None:
    """The byte before the bad one could still begin a valid character."""
    for text in (SURROGATE, TOO_HIGH):
        with connected(port) as client:
            client.send(frame(TEXT, text[:BAD], fin=False) + frame(9, b"alive"))
            assert client.get() == Got(10, b"alive")


@pytest.mark.parametrize("text", _family(), ids=lambda t: t[:8].hex() if t else "empty")
def test_6_5_to_6_23_each_sequence_is_judged_as_rfc_3629_says(port: int, text: bytes) -> None:
    expected: bytes | int = text if is_valid(text) else 1007
    assert verdict(port, frame(TEXT, text)) == expected
    parts = [text[i : i + 1] for i in range(len(text))]
    assert verdict(port, b"".join(fragments(TEXT, parts))) == expected
    inside = b"x" * 61 + text + b"y" * 40
    expected = inside if is_valid(text) else 1007
    assert verdict(port, frame(TEXT, inside)) == expected
