"""Ping, Pong and Close: RFC 6455 sections 5.5 and 7."""

from viaduct.peers.websocket import CLOSE, PING, PONG, TEXT, Frame, close_frame
from viaduct.run.case import WEB, case
from viaduct.run.lab import Lab
from viaduct.run.socket import broken, close_of, open_socket


@case(
    "ws-ping",
    "Pings on {0} with 0 to 125 bytes of any kind are answered with the same",
    requirements=("RFC6455-5.5.2-a", "RFC6455-5.5.3-a"),
    legs=WEB,
)
async def test_ping(lab: Lab, legs: tuple[str]) -> None:
    flow = await open_socket(lab, legs[0])
    for data in (b"", b"hello", b"\0\xff\xfe\xfd\xfc\xfb", b"x" * 125):
        await flow.socket.send(Frame(PING, data))
        frame = await lab.soon(flow.control.get(), "the Pong")
        lab.require(frame is not None and frame.opcode == PONG, f"what came is {frame}")
        lab.check(
            frame is not None and frame.payload == data,
            f"the Pong to {data!r} is {frame}",
            "RFC6455-5.5.3-a",
        )


@case(
    "ws-ping-byte-by-byte",
    "A Ping on {0} that comes byte by byte is answered",
    requirements=("RFC6455-5.5.2-a", "RFC6455-6.2-a"),
    legs=WEB,
)
async def test_byte_by_byte(lab: Lab, legs: tuple[str]) -> None:
    flow = await open_socket(lab, legs[0])
    await flow.socket.send(Frame(PING, b"x" * 125), pieces=1)
    frame = await lab.soon(flow.control.get(), "the Pong")
    lab.require(frame is not None and frame.payload == b"x" * 125, f"what came is {frame}")


@case(
    "ws-ping-too-long",
    "A Ping on {0} of 126 bytes ends the connection",
    requirements=("RFC6455-5.5-a", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_too_long(lab: Lab, legs: tuple[str]) -> None:
    await broken(lab, legs[0], Frame(PING, b"x" * 126), codes=(1002,))


@case(
    "ws-ping-fragmented",
    "A Ping on {0} in fragments ends the connection",
    requirements=("RFC6455-5.4-a", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_fragmented(lab: Lab, legs: tuple[str]) -> None:
    await broken(lab, legs[0], Frame(PING, b"x", fin=False), codes=(1002,))


@case(
    "ws-pong-unasked",
    "A Pong on {0} out of the blue draws nothing, and a Ping after it its Pong",
    requirements=("RFC6455-5.5.3-b", "RFC6455-5.5.2-a"),
    legs=WEB,
)
async def test_pong_unasked(lab: Lab, legs: tuple[str]) -> None:
    flow = await open_socket(lab, legs[0])
    await flow.socket.send(Frame(PONG, b"unasked"), Frame(PONG), Frame(PING, b"asked"))
    frame = await lab.soon(flow.control.get(), "the Pong")
    lab.require(
        frame is not None and (frame.opcode, frame.payload) == (PONG, b"asked"),
        f"what came is {frame}",
    )


@case(
    "ws-pings-in-a-row",
    "Ten Pings on {0} in one segment draw their Pongs in order",
    requirements=("RFC6455-5.5.3-a", "AUTOBAHN-2-d"),
    legs=WEB,
)
async def test_row(lab: Lab, legs: tuple[str]) -> None:
    """RFC 6455 5.5.3 allows to answer the last one alone."""
    flow = await open_socket(lab, legs[0])
    sent = [b"ping %d" % number for number in range(10)]
    await flow.socket.send(*(Frame(PING, data) for data in sent))
    got: list[bytes] = []
    while not got or got[-1] != sent[-1]:
        frame = await lab.soon(flow.control.get(), "the last Pong")
        lab.require(frame is not None and frame.opcode == PONG, f"what came is {frame}")
        got += [frame.payload] if frame is not None else []
    lab.check(got == [data for data in sent if data in got], f"out of order: {got}")
    lab.check(got == sent, f"of ten Pings {len(got)} were answered", "AUTOBAHN-2-d", "SHOULD")


@case(
    "ws-close",
    "A Close on {0} is answered with a Close of its code, and TCP is ended",
    requirements=("RFC6455-5.5.1-c", "RFC6455-5.5.1-d", "RFC6455-7.1.2-a"),
    legs=WEB,
)
async def test_close(lab: Lab, legs: tuple[str]) -> None:
    code = await close_of(lab, legs[0], close_frame(1000, b"bye"))
    lab.check(code == 1000, f"the Close that came back has code {code}", level="SHOULD")


@case(
    "ws-close-empty",
    "A Close on {0} without a code is answered with a Close",
    requirements=("RFC6455-5.5.1-c",),
    legs=WEB,
)
async def test_close_empty(lab: Lab, legs: tuple[str]) -> None:
    code = await close_of(lab, legs[0], close_frame(None))
    lab.check(code in (None, 1000), f"the Close that came back has code {code}", level="SHOULD")


@case(
    "ws-close-codes",
    "Close codes on {0} that are defined or free are answered in kind",
    requirements=("RFC6455-7.4.2-b", "RFC6455-5.5.1-c"),
    legs=WEB,
)
async def test_close_codes(lab: Lab, legs: tuple[str]) -> None:
    for sent in (1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999):
        code = await close_of(lab, legs[0], close_frame(sent))
        lab.check(code in (sent, 1000), f"to Close {sent} came {code}", level="SHOULD")


@case(
    "ws-close-codes-wrong",
    "Close codes on {0} that must not be sent are a protocol error",
    requirements=("RFC6455-7.4.2-a", "RFC6455-7.4.1-a"),
    legs=WEB,
)
async def test_close_codes_wrong(lab: Lab, legs: tuple[str]) -> None:
    for sent in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999):
        code = await close_of(lab, legs[0], close_frame(sent), required=False)
        lab.check(code in (None, 1002), f"to Close {sent} came {code}")


@case(
    "ws-close-body-broken",
    "A Close on {0} of one byte, of 126, or with a text that is no UTF-8 is an error",
    requirements=("RFC6455-5.5.1-a", "RFC6455-8.1-a", "RFC6455-5.5-a"),
    legs=WEB,
)
async def test_close_body(lab: Lab, legs: tuple[str]) -> None:
    for frame, codes in (
        (Frame(CLOSE, b"\x03"), (None, 1002)),
        (close_frame(1000, b"\xc0\x80"), (None, 1002, 1007)),
        (close_frame(1000, b"x" * 124), (None, 1002)),
    ):
        code = await close_of(lab, legs[0], frame, required=False)
        lab.check(code in codes, f"to a Close with body {frame.payload[:8]!r} came {code}")


@case(
    "ws-close-then-silence",
    "What comes on {0} behind a Close is not served",
    requirements=("RFC6455-5.5.1-b", "RFC6455-7.1.2-a", "RFC6455-5.5.2-a"),
    legs=WEB,
)
async def test_behind_close(lab: Lab, legs: tuple[str]) -> None:
    flow = await open_socket(lab, legs[0])
    await flow.socket.send(close_frame(1000), Frame(PING, b"late"), Frame(TEXT, b"\r\n\r\n"))
    opcodes = []
    while (frame := await lab.soon(flow.control.get(), "the end of the connection")) is not None:
        opcodes.append(frame.opcode)
    lab.check(PONG not in opcodes, "a Ping behind the Close was answered")
    lab.check(flow.pongs.empty(), "a keep-alive behind the Close was answered")
    lab.check(opcodes.count(CLOSE) == 1, f"{opcodes.count(CLOSE)} Close frames came back")
