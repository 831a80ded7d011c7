"""Garbage, giants and half-done things on each port: nobody else may notice.

RFC 3261 18.3, RFC 6455 section 10, RFC 9112 2.2, and the rule that one peer harms no other.
"""

import asyncio

from viaduct.peers.agent import Agent
from viaduct.peers.dialog import establish, hang_up
from viaduct.peers.duty import PATIENCE, Violation
from viaduct.peers.flow import StreamFlow
from viaduct.peers.link import Link
from viaduct.peers.message import compose
from viaduct.peers.websocket import new_key, upgrade_headers, upgrade_request
from viaduct.run.case import EACH, STREAMS, WEB, case
from viaduct.run.lab import Lab

GARBAGE = bytes(range(256)) * 4


async def end_of(link: Link, requirement: str) -> bytes:
    """What still comes until the target ends the connection, as it has to."""
    got = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while data := await link.read():
                got += data
    except TimeoutError as error:
        raise Violation(
            f"the connection was not ended within {PATIENCE:g} s", requirement, "SHOULD"
        ) from error
    return got


async def others_live(lab: Lab, leg: str) -> None:
    """A newcomer is served on the same port."""
    carol = await lab.agent("carol", leg)
    dave = await lab.agent("dave", leg)
    caller, callee = await establish(carol, dave)
    await hang_up(caller, callee)


@case(
    "garbage",
    "Garbage on the {0} port disturbs no call of others",
    requirements=("RFC3261-18.3-b", "RFC9112-2.2-a"),
    legs=EACH,
    needs=("registrar",),
)
async def test_garbage(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    caller, callee = await establish(alice, bob)
    if legs[0] == "udp":
        mallory = await lab.flow("mallory", "udp")
        await mallory.send(GARBAGE)
        await mallory.send(b"\0")
        await mallory.send(b"MESSAGE sip:x SIP/2.0")
    else:
        link = await lab.link(lab.target.address(legs[0]))
        await link.write(GARBAGE)
        await link.close()
    await hang_up(caller, callee)
    await others_live(lab, legs[0])


@case(
    "garbage-for-tls",
    "Bytes that are no TLS on the {0} port end that connection alone",
    requirements=("RFC6455-10.6-a",),
    legs=(("tls",), ("wss",)),
    needs=("registrar",),
)
async def test_not_tls(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    caller, callee = await establish(alice, bob)
    address = lab.target.address(legs[0])
    link = await lab.link(address, secure=False)
    await link.write(upgrade_request("/", upgrade_headers(address.hostport, new_key())))
    got = await end_of(link, "RFC6455-10.6-a")
    lab.check(b"101" not in got[:20], "plain HTTP on a TLS port is answered 101")
    await hang_up(caller, callee)
    await others_live(lab, legs[0])


@case(
    "half-handshake",
    "Half an opening handshake on {0} keeps nobody else waiting",
    requirements=("RFC6455-10.7-a",),
    legs=WEB,
    needs=("registrar",),
)
async def test_half_handshake(lab: Lab, legs: tuple[str]) -> None:
    address = lab.target.address(legs[0])
    halves = [await lab.link(address) for _ in range(5)]
    request = upgrade_request("/", upgrade_headers(address.hostport, new_key()))
    for number, half in enumerate(halves):
        await half.write(request[: 1 + number * len(request) // 6])
    await others_live(lab, legs[0])
    for half in halves:
        half.abort()
    await others_live(lab, legs[0])


@case(
    "half-message",
    "Half a message on {0}, then the end of the connection, is forgotten",
    requirements=("RFC3261-18.3-b",),
    legs=(("tcp",), ("tls",)),
    needs=("registrar",),
)
async def test_half_message(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    data = large(alice, bob, 100)
    mallory = await lab.flow("mallory", legs[0])
    assert isinstance(mallory, StreamFlow)
    await mallory.send_raw(data[: len(data) // 2])
    await mallory.close()
    lab.check(await bob.nothing_came(), "half a message was forwarded")
    await others_live(lab, legs[0])


def large(agent: Agent, to: Agent, size: int) -> bytes:
    """A MESSAGE with a header of so many bytes."""
    lines = [
        ("Via", agent.via("z9hG4bK" + agent.random(16))),
        ("Max-Forwards", "70"),
        ("From", f"<{agent.aor}>;tag={agent.random(8)}"),
        ("To", f"<{to.aor}>"),
        ("Call-ID", agent.random(16)),
        ("CSeq", "1 MESSAGE"),
        ("X-Large", "x" * size),
    ]
    return compose(f"MESSAGE {to.aor} SIP/2.0", lines)


@case(
    "oversized-header",
    "A header of 400 kB on {0} is refused or ends the connection, and hurts no other",
    requirements=("RFC6455-10.4-a", "RFC3261-18.3-b"),
    legs=STREAMS,
    needs=("registrar",),
)
async def test_oversized(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    caller, callee = await establish(alice, bob)
    mallory = await lab.agent("mallory", legs[0])
    outgoing = mallory.track(large(mallory, bob, 400_000))
    sending = asyncio.create_task(mallory.flow.send(outgoing.request.raw))
    ended = asyncio.create_task(mallory.flow.closed.wait())
    answered = asyncio.create_task(outgoing.next())
    done, _ = await asyncio.wait(
        {ended, answered}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
    )
    for task in (sending, ended, answered):
        task.cancel()
    results = await asyncio.gather(sending, ended, answered, return_exceptions=True)
    lab.check(bool(done), f"neither a refusal nor the end came within {PATIENCE:g} s")
    answer = results[2]
    if not isinstance(answer, BaseException):
        lab.check(answer.status >= 400, f"answered {answer.start!r}")
    await hang_up(caller, callee)


@case(
    "response-unasked",
    "A response on {0} that fits no request is forwarded to nobody",
    requirements=("RFC6026-6-b", "RFC6026-8.9-a"),
    legs=EACH,
    needs=("registrar",),
)
async def test_response_unasked(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    mallory = await lab.agent("mallory", legs[0])
    call_id = mallory.random(16)
    token = legs[0].upper()
    own = f"SIP/2.0/{token} {lab.target.address(legs[0]).hostport};branch=z9hG4bK{call_id}"
    data = compose(
        "SIP/2.0 200 OK",
        [
            ("Via", own),
            ("Via", alice.via("z9hG4bKnever")),
            ("From", f"<{alice.aor}>;tag=a"),
            ("To", f"<{mallory.aor}>;tag=b"),
            ("Call-ID", call_id),
            ("CSeq", "1 INVITE"),
            ("Contact", mallory.contact()),
        ],
    )
    await mallory.flow.send(data)
    lab.check(await mallory.nothing_came(), "something came back for a response")
    lab.check(await alice.nothing_came(), "a request came to a bystander")
    lab.check(alice.stray.empty(), "the response was forwarded")


@case(
    "body-trailing-octets",
    "Octets behind the body on {0} are cut off, not forwarded",
    requirements=("RFC3261-18.3-a",),
    legs=(("udp",), ("ws",), ("wss",)),
    needs=("registrar", "message"),
)
async def test_trailing(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    message = await alice.request(
        "MESSAGE",
        bob.aor,
        headers=[("Content-Type", "text/plain"), ("Content-Length", "4")],
        body=b"keep, and this goes",
    )
    # Over WebSocket a refusal is right as well: RFC 7118 5 lets a message hold nothing else.
    incoming = await lab.or_refusal(bob.expect("MESSAGE"), message, 400)
    lab.require(incoming is not None or legs[0] != "udp", "the request is refused")
    if incoming is not None:
        body = incoming.request.body
        lab.check(body == b"keep", f"the body arrived as {body!r}")
        await incoming.reply(200)
        await message.final(200)
