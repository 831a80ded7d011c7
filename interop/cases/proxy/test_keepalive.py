"""Keep-alives: RFC 5626 sections 4.4 and 5.4, RFC 7118 section 6, RFC 6455 5.5.2."""

import asyncio

from viaduct.peers.dialog import establish, hang_up
from viaduct.peers.duty import PATIENCE, Violation
from viaduct.peers.message import compose
from viaduct.peers.flow import PING, PONG, Flow, StreamFlow
from viaduct.peers.websocket import BINARY, Frame, SipWebSocket
from viaduct.peers.websocket import PING as WS_PING
from viaduct.peers.websocket import PONG as WS_PONG
from viaduct.peers.websocket import TEXT
from viaduct.run.case import STREAMS, WEB, case
from viaduct.run.lab import Lab


async def pong(flow: Flow, requirement: str | None = None) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            return await flow.pongs.get()
    except TimeoutError as error:
        raise Violation(f"no CRLF came back within {PATIENCE:g} s", requirement) from error


@case(
    "keepalive-crlf",
    "A double CRLF on {0} is answered with one CRLF, before and after a registration",
    requirements=("RFC5626-5.4-b", "RFC7118-6-b", "RFC5626-6-u"),
    legs=STREAMS,
    needs=("crlf-keepalive", "registrar"),
)
async def test_crlf(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    for _ in range(2):
        await alice.flow.send(PING)
        answer = await pong(alice.flow)
        lab.check(answer == PONG, f"answered with {answer!r}", "RFC5626-4.4.1-b")
        await alice.register()
    lab.check(alice.flow.pongs.empty(), "more CRLFs came than were asked for")


@case(
    "keepalive-crlf-binary",
    "A double CRLF in a binary message on {0} is answered with one CRLF",
    requirements=("RFC7118-6-b", "RFC7118-4.2-b"),
    legs=WEB,
    needs=("crlf-keepalive",),
)
async def test_crlf_binary(lab: Lab, legs: tuple[str]) -> None:
    flow = await lab.flow("alice", legs[0])
    assert isinstance(flow, SipWebSocket)
    for opcode in (BINARY, TEXT):
        await flow.send_as(PING, opcode)
        answer = await pong(flow)
        lab.check(answer == PONG, f"answered with {answer!r}")


@case(
    "keepalive-crlf-between",
    "CRLF keep-alives on {0} between the messages of a call disturb nothing",
    requirements=("RFC5626-5.4-b", "RFC5626-4.4.1-c"),
    legs=STREAMS,
    needs=("crlf-keepalive", "registrar"),
)
async def test_between(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    await alice.flow.send(PING)
    caller, callee = await establish(alice, bob)
    await alice.flow.send(PING)
    await bob.flow.send(PING)
    await hang_up(caller, callee)
    lab.check(await pong(alice.flow) == PONG, "the answer is not one CRLF")
    lab.check(await pong(alice.flow) == PONG, "the answer is not one CRLF")
    lab.check(await pong(bob.flow) == PONG, "the answer is not one CRLF")


@case(
    "keepalive-crlf-glued",
    "A double CRLF directly before and behind a message on {0} is told apart from it",
    requirements=("RFC5626-5.4-b", "RFC3261-18.3-c"),
    legs=(("tcp",), ("tls",)),
    needs=("crlf-keepalive", "options"),
)
async def test_glued(lab: Lab, legs: tuple[str]) -> None:
    """One segment: ping, the first half of a request; then the other half and a ping."""
    alice = await lab.agent("alice", legs[0], register=False)
    assert isinstance(alice.flow, StreamFlow)
    request = compose(
        f"OPTIONS sip:{lab.target.domain} SIP/2.0",
        [
            ("Via", alice.via("z9hG4bKglued")),
            ("Max-Forwards", "70"),
            ("From", f"<{alice.aor}>;tag=glued"),
            ("To", f"<sip:{lab.target.domain}>"),
            ("Call-ID", alice.random(16)),
            ("CSeq", "1 OPTIONS"),
        ],
    )
    options = alice.track(request)
    for data in (PING, request, PING):
        alice.flow.record("message", "out", data)
    await alice.flow.send_parts(PING + request[:50])
    lab.check(await pong(alice.flow) == PONG, "the answer is not one CRLF")
    await alice.flow.send_parts(request[50:] + PING)
    await options.final()
    lab.check(await pong(alice.flow) == PONG, "the answer is not one CRLF")


@case(
    "keepalive-ws-ping",
    "A WebSocket Ping on {0} is answered with a Pong of the same data, also within a call",
    requirements=("RFC6455-5.5.2-a", "RFC6455-5.5.3-a", "RFC7118-6-a"),
    legs=WEB,
    needs=("registrar",),
)
async def test_ping(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    caller, callee = await establish(alice, bob)
    assert isinstance(alice.flow, SipWebSocket)
    for data in (b"", b"still there?", bytes(range(125))):
        await alice.flow.socket.send(Frame(WS_PING, data))
        while True:
            frame = await next_control(alice.flow)
            if frame.opcode == WS_PONG:
                break
        lab.check(frame.payload == data, f"the Pong repeats {frame.payload!r}", "RFC6455-5.5.3-a")
    await hang_up(callee, caller)


async def next_control(flow: SipWebSocket) -> Frame:
    try:
        async with asyncio.timeout(PATIENCE):
            frame = await flow.control.get()
    except TimeoutError as error:
        raise Violation(f"no Pong within {PATIENCE:g} s", "RFC6455-5.5.2-a") from error
    if frame is None:
        raise Violation("the connection ended where a Pong was due", "RFC6455-5.5.2-a")
    return frame
