"""The oracle's reading of WebSocket handshakes and frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viaduct.sip.cursor import ParseError
from viaduct.wsframe.frame import messages, parse_frame, parse_frames, unmask
from viaduct.wsframe.handshake import accept_for, key_length, parse_head

# RFC 6455 5.7
HELLO = bytes.fromhex("810548656c6c6f")
MASKED = bytes.fromhex("818537fa213d7f9f4d5158")
FRAGMENTS = bytes.fromhex("010348656c80026c6f")


def test_examples_of_the_rfc() -> None:
    plain, masked = parse_frame(HELLO), parse_frame(MASKED)
    assert plain is not None and masked is not None
    assert plain.payload == masked.payload == b"Hello"
    assert plain.mask is None and masked.mask == bytes.fromhex("37fa213d")
    frames, taken = parse_frames(FRAGMENTS + HELLO[:3])
    assert taken == len(FRAGMENTS) and list(messages(frames)) == [(1, b"Hello")]
    assert accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_lengths_in_their_shortest_form(size: int) -> None:
    if size < 126:
        head = bytes([0x82, size])
    elif size < 65536:
        head = b"\x82\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x82\x7f" + size.to_bytes(8, "big")
    frame = parse_frame(head + bytes(size))
    assert frame is not None and len(frame.payload) == size and frame.minimal


@pytest.mark.parametrize("head", ["827e0001", "827f000000000000ffff"])
def test_lengths_in_a_longer_form(head: str) -> None:
    raw = bytes.fromhex(head)
    frame = parse_frame(raw + bytes(65535))
    assert frame is not None and not frame.minimal


def test_top_bit_of_a_length() -> None:
    with pytest.raises(ParseError, match="byte 2"):
        parse_frame(bytes.fromhex("81ff8000000000000000"))


def test_a_stray_continuation_and_an_unfinished_message_are_no_messages() -> None:
    frames, _ = parse_frames(bytes.fromhex("800161" "010162" "820163"))
    assert list(messages(frames)) == [(2, b"c")]


@pytest.mark.parametrize("stream", [HELLO + MASKED + FRAGMENTS])
def test_frames_one_byte_at_a_time(stream: bytes) -> None:
    whole = parse_frames(stream)[0]
    seen, start = [], 0
    for end in range(len(stream) + 1):
        while (frame := parse_frame(stream[:end], start)) is not None:
            seen.append(frame)
            start = frame.span[1]
    assert seen == whole


def test_a_head() -> None:
    raw = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\nrest"
    head = parse_head(raw)
    assert (head.method, head.target, head.version) == ("GET", "/ws", "HTTP/1.1")
    assert head.lists("connection", "upgrade") and head.first("host") == "a"
    assert raw[head.length :] == b"rest"
    span = head.span("host")
    assert span is not None and raw[slice(*span)] == b"a"
    assert parse_head(b"HTTP/1.1 101\r\n\r\n").status == 101


@pytest.mark.parametrize("raw", [b"", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nbad\r\n\r\n"])
def test_what_is_no_head(raw: bytes) -> None:
    with pytest.raises(ParseError):
        parse_head(raw)


def test_keys() -> None:
    assert key_length("dGhlIHNhbXBsZSBub25jZQ==") == 16
    assert key_length("short") is None and key_length("é") is None


@given(st.binary())
def test_any_bytes(raw: bytes) -> None:
    for reader in (parse_frames, parse_head):
        try:
            reader(raw)  # type: ignore[operator]
        except ParseError as error:
            assert 0 <= error.offset <= len(raw)


@given(st.binary(), st.binary(min_size=4, max_size=4))
def test_masking_twice_is_none(payload: bytes, mask: bytes) -> None:
    assert unmask(unmask(payload, mask), mask) == payload
