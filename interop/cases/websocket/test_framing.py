"""Frames and fragments: RFC 6455 sections 5.1 to 5.4, 5.6, 7.1.7, 8.1 and 10.4."""

from viaduct.peers.agent import COOKIE, Agent
from viaduct.peers.duty import Violation
from viaduct.peers.message import compose
from viaduct.peers.websocket import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, SipWebSocket
from viaduct.run.case import WEB, case
from viaduct.run.lab import Lab
from viaduct.run.socket import broken, open_socket

NEEDS = ("options",)


def options(agent: Agent, filler: int = 0, text: str = "") -> bytes:
    """An OPTIONS to the server, longer by a header of so many bytes."""
    lines = [
        ("Via", agent.via(COOKIE + agent.random(16))),
        ("Max-Forwards", "70"),
        ("From", f"<{agent.aor}>;tag={agent.random(8)}"),
        ("To", f"<sip:{agent.domain}>"),
        ("Call-ID", agent.random(16)),
        ("CSeq", "1 OPTIONS"),
    ]
    if filler:
        lines.append(("X-Filler", "x" * filler))
    if text:
        lines.append(("Subject", text))
    return compose(f"OPTIONS sip:{agent.domain} SIP/2.0", lines)


async def answered(
    agent: Agent, data: bytes, frames: list[Frame], pieces: int | None = None
) -> None:
    """Sends a message in these frames; it has to be answered like any other."""
    assert isinstance(agent.flow, SipWebSocket)
    outgoing = agent.track(data)
    agent.flow.socket.message("out", data, frames[0].opcode)
    await agent.flow.socket.send(*frames, pieces=pieces)
    response = await outgoing.final()
    # Whatever the target thinks of OPTIONS: what it read was a whole request.
    if response.status == 400:
        raise Violation(f"the message arrived broken: it is answered {response.start!r}")


def fragments(data: bytes, cuts: list[int], opcode: int = TEXT) -> list[Frame]:
    edges = [0, *cuts, len(data)]
    last = len(edges) - 2
    return [
        Frame(opcode if i == 0 else CONTINUATION, data[edges[i] : edges[i + 1]], fin=i == last)
        for i in range(len(edges) - 1)
    ]


@case(
    "ws-frame-unmasked",
    "An unmasked frame on {0} ends the connection",
    requirements=("RFC6455-5.1-b", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_unmasked(lab: Lab, legs: tuple[str]) -> None:
    await broken(lab, legs[0], Frame(TEXT, b"\r\n\r\n", masked=False), codes=(1002,))
    await broken(lab, legs[0], Frame(PING, b"?", masked=False), codes=(1002,))


@case(
    "ws-frame-rsv",
    "A reserved bit set on {0} ends the connection",
    requirements=("RFC6455-5.2-a", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_rsv(lab: Lab, legs: tuple[str]) -> None:
    for opcode, rsv in ((TEXT, 1), (TEXT, 2), (BINARY, 4), (PING, 7), (PING, 4)):
        await broken(lab, legs[0], Frame(opcode, b"x", rsv=rsv), codes=(1002,))


@case(
    "ws-frame-opcode-reserved",
    "A reserved opcode on {0} ends the connection",
    requirements=("RFC6455-5.2-b", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_opcode(lab: Lab, legs: tuple[str]) -> None:
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        await broken(lab, legs[0], Frame(opcode, b"x"), codes=(1002,))


@case(
    "ws-frame-length-sign",
    "A 64-bit length on {0} with its top bit set ends the connection",
    requirements=("RFC6455-5.2-d",),
    legs=WEB,
)
async def test_length_sign(lab: Lab, legs: tuple[str]) -> None:
    frame = Frame(TEXT, b"x", length_octets=8, claimed=0x8000000000000001)
    await broken(lab, legs[0], frame, codes=(1002, 1009))


@case(
    "ws-frame-length-giant",
    "A frame on {0} that announces a terabyte ends the connection",
    requirements=("RFC6455-10.4-a", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_length_giant(lab: Lab, legs: tuple[str]) -> None:
    await broken(lab, legs[0], Frame(TEXT, b"x", claimed=1 << 40), codes=(1009,))


@case(
    "ws-fragments-endless",
    "Fragments on {0} without end are cut off at some size",
    requirements=("RFC6455-10.4-a", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_endless(lab: Lab, legs: tuple[str]) -> None:
    piece = b"x" * 65536
    frames = [Frame(TEXT, piece, fin=False)] + [Frame(CONTINUATION, piece, fin=False)] * 31
    await broken(lab, legs[0], *frames, codes=(1009,))


@case(
    "ws-frame-length-form",
    "A length on {0} in a longer form than needed is refused or read right",
    requirements=("RFC6455-5.2-c",),
    legs=WEB,
)
async def test_length_form(lab: Lab, legs: tuple[str]) -> None:
    for octets in (2, 8):
        flow = await open_socket(lab, legs[0])
        await flow.socket.send(Frame(PING, b"ten bytes!", length_octets=octets), Frame(PING, b"2"))
        frame = await lab.soon(flow.control.get(), "a Pong or a Close")
        fits = frame is None or frame.opcode != PONG or frame.payload == b"ten bytes!"
        lab.check(fits, f"with {octets} octets of length the Pong is {frame}")


@case(
    "ws-frame-sizes",
    "Messages on {0} around the borders of the length forms are read right",
    requirements=("RFC6455-5.2-e", "RFC6455-5.3-b"),
    legs=WEB,
    needs=NEEDS,
)
async def test_sizes(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    for filler in (1, 2, 3, 100, 1000, 7001):
        data = options(alice, filler)
        await answered(alice, data, [Frame(TEXT, data)])


@case(
    "ws-frame-mask-keys",
    "Frames on {0} are unmasked right with keys of every kind",
    requirements=("RFC6455-5.3-b",),
    legs=WEB,
    needs=NEEDS,
)
async def test_mask_keys(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    for key in (b"\0\0\0\0", b"\1\2\3\4", b"\xff\0\xff\0", b"\r\n\r\n"):
        data = options(alice)
        await answered(alice, data, [Frame(TEXT, data, key=key)])


@case(
    "ws-frames-byte-by-byte",
    "Frames on {0} that come byte by byte are read right",
    requirements=("RFC6455-6.2-a",),
    legs=WEB,
    needs=NEEDS,
)
async def test_byte_by_byte(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    data = options(alice)
    await answered(alice, data, [Frame(TEXT, data)], pieces=1)


@case(
    "ws-frames-in-one-segment",
    "Two messages and a Ping on {0} in one segment are all served",
    requirements=("RFC6455-6.2-a",),
    legs=WEB,
    needs=NEEDS,
)
async def test_one_segment(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    assert isinstance(alice.flow, SipWebSocket)
    both = [options(alice), options(alice)]
    waiting = [alice.track(data) for data in both]
    for data in both:
        alice.flow.socket.message("out", data, TEXT)
    await alice.flow.socket.send(Frame(TEXT, both[0]), Frame(PING, b"p"), Frame(TEXT, both[1]))
    for outgoing in waiting:
        await outgoing.final()
    pong = await lab.soon(alice.flow.control.get(), "the Pong")
    lab.check(pong is not None and pong.payload == b"p", f"what came is {pong}")


@case(
    "ws-fragments",
    "A message on {0} in 2, 3 and 100 fragments, with empty ones, is put together",
    requirements=("RFC6455-5.4-d", "RFC7118-5-c"),
    legs=WEB,
    needs=NEEDS,
)
async def test_fragments(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    for cuts in ([10], [10, 100], list(range(1, 100)), [0, 50], [0, 0, 0]):
        data = options(alice)
        await answered(alice, data, fragments(data, cuts))
    data = options(alice)
    await answered(alice, data, [*fragments(data, [20, len(data)])])


@case(
    "ws-fragments-binary",
    "A binary message on {0} in fragments is put together",
    requirements=("RFC6455-5.4-e", "RFC7118-4.2-b"),
    legs=WEB,
    needs=NEEDS,
)
async def test_fragments_binary(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    data = options(alice)
    await answered(alice, data, fragments(data, [7, 70], BINARY))


@case(
    "ws-fragments-ping-between",
    "A Ping on {0} between two fragments is answered before the message is whole",
    requirements=("RFC6455-5.4-c", "RFC6455-5.5.2-a"),
    legs=WEB,
    needs=NEEDS,
)
async def test_ping_between(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    assert isinstance(alice.flow, SipWebSocket)
    data = options(alice)
    outgoing = alice.track(data)
    first, second = fragments(data, [40])
    alice.flow.socket.message("out", data, TEXT)
    await alice.flow.socket.send(first, Frame(PING, b"between"))
    pong = await lab.soon(alice.flow.control.get(), "the Pong")
    lab.check(pong is not None and pong.payload == b"between", f"what came is {pong}")
    await alice.flow.socket.send(second)
    await outgoing.final()


@case(
    "ws-fragments-out-of-order",
    "On {0} a continuation of nothing, or a new message inside another, ends the connection",
    requirements=("RFC6455-5.4-b", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_out_of_order(lab: Lab, legs: tuple[str]) -> None:
    await broken(lab, legs[0], Frame(CONTINUATION, b"x"), codes=(1002,))
    await broken(lab, legs[0], Frame(CONTINUATION, b"x", fin=False), codes=(1002,))
    await broken(lab, legs[0], Frame(TEXT, b"x", fin=False), Frame(TEXT, b"y"), codes=(1002,))


@case(
    "ws-utf8-invalid",
    "Text on {0} that is no UTF-8 ends the connection with 1007",
    requirements=("RFC6455-8.1-a", "RFC6455-5.6-a", "RFC6455-7.1.7-a"),
    legs=WEB,
)
async def test_utf8_invalid(lab: Lab, legs: tuple[str]) -> None:
    for octets in ("80", "c080", "eda080", "f4908080", "e282", "f8888080", "fe"):
        await broken(lab, legs[0], Frame(TEXT, b"x: " + bytes.fromhex(octets)), codes=(1007,))


@case(
    "ws-utf8-valid",
    "Text on {0} with characters of two to four octets, cut anywhere, is accepted",
    requirements=("RFC6455-5.6-a",),
    legs=WEB,
    needs=NEEDS,
)
async def test_utf8_valid(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    for text in ("Grüße", "日本語", "𐍈 and more"):
        data = options(alice, text=text)
        start = data.index(text.encode()[:1], data.index(b"Subject"))
        cuts = list(range(start, start + len(text.encode())))
        await answered(alice, data, [Frame(TEXT, data)])
        data = options(alice, text=text)
        await answered(alice, data, fragments(data, cuts))
