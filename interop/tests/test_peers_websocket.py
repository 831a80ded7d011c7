"""The peers' own WebSocket frames, against the RFC's examples and one byte at a time."""

import pytest

from viaduct.peers.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Decoder,
    Frame,
    accept_of,
    apply_mask,
    close_frame,
    read_head,
)

KEY = b"\x37\xfa\x21\x3d"


def test_accept_of_the_rfc_example() -> None:
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


# RFC 6455 5.7.
@pytest.mark.parametrize(
    ("frame", "octets"),
    [
        (Frame(TEXT, b"Hello", masked=False), "810548656c6c6f"),
        (Frame(TEXT, b"Hello", key=KEY), "818537fa213d7f9f4d5158"),
        (Frame(TEXT, b"Hel", fin=False, masked=False), "010348656c"),
        (Frame(CONTINUATION, b"lo", masked=False), "80026c6f"),
        (Frame(PING, b"Hello", masked=False), "890548656c6c6f"),
        (Frame(BINARY, bytes(256), masked=False), "827e0100" + "00" * 256),
        (Frame(BINARY, bytes(65536), masked=False), "827f0000000000010000" + "00" * 65536),
    ],
)
def test_examples(frame: Frame, octets: str) -> None:
    assert frame.encode().hex() == octets
    (decoded,) = Decoder().feed(bytes.fromhex(octets))
    assert (decoded.opcode, decoded.payload, decoded.fin) == (
        frame.opcode,
        frame.payload,
        frame.fin,
    )
    assert decoded.shortest


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_one_byte_at_a_time(size: int) -> None:
    frames = [Frame(TEXT, b"x" * size), Frame(PING, b"p")]
    decoder = Decoder()
    got = []
    for byte in b"".join(frame.encode() for frame in frames):
        got += decoder.feed(bytes([byte]))
    assert [frame.payload for frame in got] == [b"x" * size, b"p"]
    assert decoder.pending == b""


def test_odd_frames_are_written_as_told() -> None:
    assert Frame(3, b"", rsv=7, masked=False).encode() == b"\xf3\x00"
    assert Frame(TEXT, b"", masked=False, length_octets=2).encode() == b"\x81\x7e\0\0"
    assert Frame(TEXT, b"x", claimed=1 << 40, key=b"\0\0\0\0").encode() == (
        b"\x81\xff\0\0\1\0\0\0\0\0" + b"\0\0\0\0x"
    )
    (decoded,) = Decoder().feed(Frame(TEXT, b"", masked=False, length_octets=8).encode())
    assert not decoded.shortest


def test_mask_is_its_own_inverse() -> None:
    data = bytes(range(256))
    assert apply_mask(apply_mask(data, KEY), KEY) == data
    assert apply_mask(b"", KEY) == b""


def test_close_code() -> None:
    assert close_frame(1001, b"x").close_code == 1001
    assert close_frame(None).close_code is None
    assert Frame(CLOSE, b"\x03").close_code is None
    assert Frame(TEXT, b"\x03\xe8").close_code is None


def test_head() -> None:
    head = read_head(b"HTTP/1.1 101 Switching\r\nA: 1\r\na:2\r\n\r\n")
    assert head is not None
    assert (head.status, head.all("A"), head.first("b")) == (101, ["1", "2"], None)
    for raw in (b"", b"SIP/2.0 200 OK\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 xx\r\n\r\n"):
        assert read_head(raw) is None
