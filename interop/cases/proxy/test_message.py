"""MESSAGE and OPTIONS between every ordered pair of legs: RFC 3261 section 16, RFC 7118 5.1-5.3."""

from viaduct.run.case import EACH, PAIRS, case
from viaduct.run.lab import Lab

TEXT = "Grüße über alle Wege".encode()


@case(
    "message",
    "MESSAGE from {0} to {1} arrives unchanged, and its answer comes back",
    requirements=("RFC3261-16.6-a", "RFC3261-16.6-b", "RFC3261-16.6-d", "RFC7118-B.1-b"),
    legs=PAIRS,
    needs=("registrar", "message"),
)
async def test_message(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    message = await alice.request(
        "MESSAGE",
        bob.aor,
        headers=[
            ("Content-Type", "text/plain;charset=utf-8"),
            ("X-Unknown", "kept; as=is"),
            ("X-Order", "first"),
            ("X-Order", "second"),
        ],
        body=TEXT,
    )
    incoming = await bob.expect("MESSAGE")
    lab.check(incoming.request.body == TEXT, "the body changed on its way", "RFC3261-16.6-b")
    lab.check(
        incoming.request.first("x-unknown") == "kept; as=is",
        "a header that the proxy does not know changed on its way",
    )
    order = incoming.request.all("x-order")
    lab.check(order == ["first", "second"], f"two headers of a name changed places: {order}")
    await incoming.reply(200, "Kept As Is", headers=[("X-Answer", "kept")])
    answer = await message.final(200)
    lab.check(answer.first("x-answer") == "kept", "a header was lost", "RFC3261-16.7-j")
    if legs[0] == "udp":
        early = [response.status for response in message.responses if response.status < 200]
        lab.check(not early, f"over UDP it drew {early} at once", "RFC4320-4.1-b", "MUST NOT")


@case(
    "options",
    "OPTIONS from {0} to a user on {1} is answered by that user",
    requirements=("RFC3261-16.6-a", "RFC3261-16.7-a", "RFC7118-B.1-b"),
    legs=PAIRS,
    needs=("registrar",),
)
async def test_options(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    options = await alice.request("OPTIONS", bob.aor, headers=[("Accept", "application/sdp")])
    incoming = await bob.expect("OPTIONS")
    await incoming.reply(200, headers=[("Allow", "INVITE, ACK, BYE"), ("X-Bob", "was here")])
    answer = await options.final(200)
    lab.check(answer.first("x-bob") == "was here", "somebody else answered", "RFC3261-16.7-j")


@case(
    "unknown-method",
    "A request with an unknown method from {0} is forwarded all the same",
    requirements=("RFC3261-16.3-a",),
    legs=EACH,
    needs=("registrar",),
)
async def test_unknown_method(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    request = await alice.request("TELEPORT", bob.aor, headers=[("X-Far", "away")])
    incoming = await bob.expect("TELEPORT")
    await incoming.reply(200)
    await request.final(200)


@case(
    "options-server",
    "OPTIONS on {0} to the server itself is answered with what it can do",
    requirements=("RFC3261-11.2-a",),
    legs=EACH,
    needs=("options",),
)
async def test_options_server(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    options = await alice.request("OPTIONS", f"sip:{lab.target.domain}")
    answer = await options.final(200)
    for name in ("Allow", "Supported", "Accept"):
        lab.check(answer.first(name) is not None, f"the 200 has no {name}", level="SHOULD")


@case(
    "user-without-binding",
    "A request on {0} to a user without a binding is answered 480 or 404",
    requirements=("RFC3261-16.5-d", "RFC3261-16.5-c"),
    legs=EACH,
    needs=("registrar",),
)
async def test_no_binding(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    nobody = f"sip:{lab.user('nobody')}@{lab.target.domain}"
    message = await alice.request("MESSAGE", nobody, body=b"anybody there?")
    answer = await message.final()
    lab.require(answer.status in (404, 480), f"answered {answer.start!r}, not 480 or 404")


@case(
    "max-forwards-zero",
    "A request on {0} with Max-Forwards: 0 goes no further and is answered 483",
    requirements=("RFC3261-16.3-d",),
    legs=EACH,
    needs=("registrar",),
)
async def test_max_forwards(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    message = await alice.request("MESSAGE", bob.aor, max_forwards=0, body=b"no further")
    await message.final(483)
    lab.check(await bob.nothing_came(), "a request with Max-Forwards: 0 was forwarded")


@case(
    "max-forwards-absent",
    "A request on {0} without Max-Forwards gets one on its way",
    requirements=("RFC3261-16.6-d",),
    legs=EACH,
    needs=("registrar",),
)
async def test_max_forwards_absent(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    message = await alice.request("MESSAGE", bob.aor, max_forwards=None, body=b"on")
    incoming = await bob.expect("MESSAGE")
    value = incoming.request.first("max-forwards") or ""
    lab.check(value.isdigit() and 0 < int(value) <= 70, f"Max-Forwards: {value or 'absent'}")
    await incoming.reply(200)
    await message.final(200)


@case(
    "max-breadth-absent",
    "A request on {0} without Max-Breadth gets one on its way",
    requirements=("RFC5393-5.3.3-a",),
    legs=EACH,
    needs=("registrar", "max-breadth"),
)
async def test_max_breadth(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    message = await alice.request("MESSAGE", bob.aor, body=b"wide")
    incoming = await bob.expect("MESSAGE")
    values = incoming.request.all("max-breadth")
    lab.check(len(values) == 1 and values[0].isdigit(), f"Max-Breadth: {values or 'absent'}")
    await incoming.reply(200)
    await message.final(200)


@case(
    "provisional-not-for-message",
    "A 183 that a callee on {0} wrongly sends to a MESSAGE is not forwarded",
    requirements=("RFC4320-4.1-a",),
    legs=EACH,
    needs=("registrar",),
)
async def test_provisional(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    message = await alice.request("MESSAGE", bob.aor, body=b"wait for it")
    incoming = await bob.expect("MESSAGE")
    await incoming.reply(183)
    await incoming.reply(200)
    await message.final(200)
    seen = [response.status for response in message.responses]
    lab.check(183 not in seen, f"the responses that came are {seen}", level="MUST NOT")


@case(
    "proxy-require-unknown",
    "A request on {0} with an unknown Proxy-Require is answered 420 naming it",
    requirements=("RFC3261-16.3-e",),
    legs=EACH,
    needs=("registrar",),
)
async def test_proxy_require(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    message = await alice.request(
        "MESSAGE", bob.aor, headers=[("Proxy-Require", "warp-drive")], body=b"no"
    )
    answer = await message.final(420)
    named = answer.values("unsupported")
    lab.check("warp-drive" in named, f"the 420 has Unsupported: {', '.join(named) or 'nothing'}")
    lab.check(await bob.nothing_came(), "the request was forwarded all the same")
