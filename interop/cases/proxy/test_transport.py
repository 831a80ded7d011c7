"""Where responses go, and how streams are cut: RFC 3261 section 18, RFC 3581, RFC 7118 5."""

from collections.abc import Callable

from viaduct.peers.agent import COOKIE, Agent
from viaduct.peers.flow import StreamFlow
from viaduct.peers.message import compose
from viaduct.peers.websocket import BINARY, SipWebSocket
from viaduct.run.case import EACH, WEB, case
from viaduct.run.lab import Lab

STREAM = (("tcp",), ("tls",))


def message(agent: Agent, to: Agent, via: str, body: bytes, *, length: bool = True) -> bytes:
    lines = [
        ("Via", via),
        ("Max-Forwards", "70"),
        ("From", f"<{agent.aor}>;tag={agent.random(8)}"),
        ("To", f"<{to.aor}>"),
        ("Call-ID", agent.random(16)),
        ("CSeq", "1 MESSAGE"),
        ("Content-Type", "text/plain"),
    ]
    return compose(f"MESSAGE {to.aor} SIP/2.0", lines, body, length=length)


def branch(agent: Agent) -> str:
    return COOKIE + agent.random(16)


@case(
    "rport-source-port",
    "With rport on UDP the answer comes to the source port, not to the port in Via",
    requirements=("RFC3581-4-d", "RFC3581-4-a", "RFC3581-4-b"),
    on=("udp",),
    needs=("options",),
)
async def test_rport(lab: Lab) -> None:
    alice = await lab.agent("alice", "udp", register=False)
    elsewhere = await lab.sink()
    alice.sent_by = elsewhere.hostport
    options = await alice.request("OPTIONS", f"sip:{lab.target.domain}")
    answer = await options.final()
    host, _, port = alice.flow.local.rpartition(":")
    via = answer.via.params
    lab.check(via.get("rport") == port, f"rport is {via.get('rport')}, not {port}", "RFC3581-4-a")
    lab.check(
        via.get("received") == host.strip("[]"),
        f"received is {via.get('received')}, not {host}",
        "RFC3581-4-b",
    )


@case(
    "rport-unasked",
    "Without rport on UDP the answer goes to the port in Via and has no rport",
    requirements=("RFC3581-4-f", "RFC3261-18.2.2-c"),
    on=("udp",),
    needs=("options",),
)
async def test_no_rport(lab: Lab) -> None:
    listening = await lab.flow("listening", "udp")
    sending = await lab.flow("sending", "udp")
    data = compose(
        f"OPTIONS sip:{lab.target.domain} SIP/2.0",
        [
            ("Via", f"SIP/2.0/UDP {listening.local};branch=z9hG4bK{lab.uuid()}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{lab.user('alice')}@{lab.target.domain}>;tag=1"),
            ("To", f"<sip:{lab.target.domain}>"),
            ("Call-ID", lab.uuid()),
            ("CSeq", "1 OPTIONS"),
        ],
    )
    await sending.send(data)
    answer = await lab.next_message(listening)
    lab.check("rport" not in answer.via.params, "the answer has an rport that was not asked for")
    lab.check(sending.inbox.empty(), "an answer went to the source port as well")


@case(
    "rport-filled",
    "An empty rport on {0} is filled with the source port",
    requirements=("RFC3581-4-c", "RFC3581-6-a"),
    legs=EACH,
    needs=("registrar", "message"),
)
async def test_rport_filled(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    via = f"SIP/2.0/{legs[0].upper()} {alice.sent_by};branch={branch(alice)};rport"
    sent = await alice.request_raw(message(alice, bob, via, b"rport"))
    incoming = await bob.expect("MESSAGE")
    port = alice.flow.local.rpartition(":")[2]
    await incoming.reply(200)
    answer = await sent.final(200)
    got = answer.via.params.get("rport")
    lab.check(got == port, f"rport in the answer is {got}, the source port is {port}")
    vias = incoming.request.values("via")
    lab.check(f"rport={port}" in vias[-1], f"forwarded with {vias[-1]!r}", "RFC3581-6-a")


@case(
    "via-received",
    "A Via on {0} whose host is not the source gets received",
    requirements=("RFC3261-18.2.1-a", "RFC3261-18.2.1-b"),
    legs=(("udp",), *STREAM),
    needs=("options",),
)
async def test_received(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    host, _, port = alice.flow.local.rpartition(":")
    alice.sent_by = f"elsewhere.invalid:{port}"
    options = await alice.request("OPTIONS", f"sip:{lab.target.domain}")
    answer = await options.final()
    got = answer.via.params.get("received")
    lab.check(got == host.strip("[]"), f"received is {got}, the source is {host}")


@case(
    "stream-two-in-one",
    "Two messages in one segment on {0} both arrive",
    requirements=("RFC3261-18.3-c",),
    legs=STREAM,
    needs=("registrar", "message"),
)
async def test_two_in_one(lab: Lab, legs: tuple[str]) -> None:
    await stream(lab, legs[0], lambda both: [both])


@case(
    "stream-byte-by-byte",
    "Two messages on {0} that come byte by byte both arrive",
    requirements=("RFC3261-18.3-c",),
    legs=STREAM,
    needs=("registrar", "message"),
)
async def test_byte_by_byte(lab: Lab, legs: tuple[str]) -> None:
    await stream(lab, legs[0], lambda both: [both[at : at + 1] for at in range(len(both))])


async def stream(lab: Lab, leg: str, cut: Callable[[bytes], list[bytes]]) -> None:
    alice = await lab.agent("alice", leg)
    bob = await lab.agent("bob", leg)
    assert isinstance(alice.flow, StreamFlow)
    data = [message(alice, bob, alice.via(branch(alice)), b"body %d" % n) for n in (1, 2)]
    sent = [alice.track(one) for one in data]
    for one in data:
        alice.flow.record("message", "out", one)
    await alice.flow.send_parts(*cut(b"".join(data)))
    bodies = []
    for _ in data:
        incoming = await bob.expect("MESSAGE")
        bodies.append(incoming.request.body)
        await incoming.reply(200)
    lab.check(bodies == [b"body 1", b"body 2"], f"what arrived is {bodies}")
    for outgoing in sent:
        await outgoing.final(200)


@case(
    "content-length-absent",
    "A message on {0} without Content-Length is taken whole and gets one on a stream",
    requirements=("RFC7118-5-e", "RFC7118-5-f", "RFC3261-16.6-r"),
    legs=(("ws", "tcp"), ("wss", "tls"), ("ws", "udp"), ("wss", "ws"), ("ws", "tls")),
    needs=("registrar", "message"),
)
async def test_no_length(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    via = alice.via(branch(alice))
    sent = await alice.request_raw(message(alice, bob, via, b"all of it", length=False))
    incoming = await bob.expect("MESSAGE")
    lab.check(incoming.request.body == b"all of it", f"arrived as {incoming.request.body!r}")
    if legs[1] in ("tcp", "tls"):
        length = incoming.request.first("content-length")
        lab.check(length == "9", f"Content-Length: {length}", "RFC7118-5-f")
    await incoming.reply(200)
    await sent.final(200)


@case(
    "binary-message",
    "A SIP message in a binary message on {0} is served like one in text",
    requirements=("RFC7118-4.2-b",),
    legs=WEB,
    needs=("registrar", "message"),
)
async def test_binary(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    assert isinstance(alice.flow, SipWebSocket)
    sent = alice.track(message(alice, bob, alice.via(branch(alice)), b"in binary"))
    await alice.flow.send_as(sent.request.raw, BINARY)
    incoming = await bob.expect("MESSAGE")
    await incoming.reply(200)
    await sent.final(200)


@case(
    "binary-body",
    "A body that is no UTF-8 goes from {0} to {1} octet for octet, in a binary message",
    requirements=("RFC7118-4.2-c", "RFC3261-16.6-b"),
    legs=(("udp", "ws"), ("tcp", "wss"), ("ws", "wss"), ("wss", "udp"), ("tls", "ws")),
    needs=("registrar", "message"),
)
async def test_binary_body(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    body = bytes(range(256))
    sent = await alice.request_raw(message(alice, bob, alice.via(branch(alice)), body))
    incoming = await bob.expect("MESSAGE")
    lab.check(incoming.request.body == body, "the body changed", "RFC3261-16.6-b")
    await incoming.reply(200)
    await sent.final(200)


@case(
    "via-spaces",
    "White space around the slashes and the colon of a Via on {0} is accepted",
    requirements=("RFC3261-20.42-a",),
    legs=EACH,
    needs=("registrar", "message"),
)
async def test_via_spaces(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    sent_by = alice.sent_by.replace(":", " : ") if legs[0] not in ("ws", "wss") else alice.sent_by
    via = f"SIP / 2.0 / {legs[0].upper()}  {sent_by} ; branch = {branch(alice)}"
    if legs[0] == "udp":
        via += ";rport"
    sent = await alice.request_raw(message(alice, bob, via, b"spaces"))
    incoming = await bob.expect("MESSAGE")
    await incoming.reply(200)
    await sent.final(200)


@case(
    "via-host-not-dialled",
    "An answer on {0} goes back over its connection, whatever host its Via names",
    requirements=("RFC7118-5.3-d", "RFC3261-18.2.2-a"),
    legs=(*WEB, *STREAM),
    needs=("options",),
)
async def test_via_host(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    trap = await lab.sink("trap")
    alice.sent_by = trap.hostport
    options = await alice.request("OPTIONS", f"sip:{lab.target.domain}")
    await options.final()
