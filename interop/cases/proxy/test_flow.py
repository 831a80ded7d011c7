"""Flows that die, and tokens that lie: RFC 5626 sections 5 and 7, RFC 7118 appendix B."""

from viaduct.peers.agent import Agent
from viaduct.peers.dialog import Dialog, establish
from viaduct.peers.message import uri_of
from viaduct.run.case import STREAMS, case
from viaduct.run.lab import Lab

WATCHER = "udp"  # the leg of the one who stays
TO_STREAMS = [(WATCHER, *leg) for leg in STREAMS] + [("wss", "wss"), ("ws", "tls")]


async def killed(lab: Lab, agent: Agent) -> None:
    """Resets the agent's connection, and returns when the target has noticed.

    It has noticed once a connection made later is served: it reads its sockets in turn, and the
    reset came first.
    """
    agent.abort()
    await agent.flow.closed.wait()
    probe = await lab.agent("probe", agent.leg, register=False)
    answer = await probe.request("OPTIONS", f"sip:{lab.target.domain}")
    await answer.final()


@case(
    "flow-dead-request",
    "A request from {0} to a user whose connection on {1} died is answered 480 or 430",
    requirements=("RFC5626-5.3.1-f", "RFC5626-7-f", "RFC5626-5.3.1-e", "RFC3261-16.5-d"),
    legs=TO_STREAMS,
    needs=("registrar", "outbound"),
)
async def test_dead_request(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    await killed(lab, bob)
    again = await lab.agent("again", legs[1], like=bob, register=False)
    fetch = await again.request(
        "REGISTER", f"sip:{bob.domain}", to=f"<{bob.aor}>", call_id=again.random(16)
    )
    left = bob.bindings(await fetch.final(200))
    lab.check(not left, f"the binding on the dead flow is still listed: {left}", "RFC5626-7-f")
    message = await alice.request("MESSAGE", bob.aor, body=b"are you there?")
    answer = await message.final()
    lab.require(
        answer.status in (404, 410, 430, 480),
        f"answered {answer.start!r}, not 480 or 430",
        "RFC5626-5.3.1-e",
        "SHOULD",
    )


@case(
    "flow-dead-in-call",
    "In a call from {0} to {1} the callee's connection dies; the caller's BYE is answered 430",
    requirements=("RFC5626-5.3.1-e", "RFC5626-5.3.1-f"),
    legs=TO_STREAMS,
    needs=("registrar", "outbound", "flow-token"),
)
async def test_dead_in_call(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    caller, _ = await establish(alice, bob)
    await killed(lab, bob)
    bye = await caller.request("BYE")
    answer = await bye.final()
    lab.require(
        answer.status == 430, f"the BYE is answered {answer.start!r}, not 430", level="SHOULD"
    )


@case(
    "flow-dead-caller",
    "In a call from {1} to {0} the caller's connection dies; the callee's BYE is answered 430",
    requirements=("RFC5626-5.3.1-e", "RFC5626-5.3.1-f"),
    legs=TO_STREAMS,
    needs=("registrar", "outbound", "flow-token"),
)
async def test_dead_caller(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[1])
    bob = await lab.agent("bob", legs[0])
    _, callee = await establish(alice, bob)
    await killed(lab, alice)
    bye = await callee.request("BYE")
    answer = await bye.final()
    lab.require(
        answer.status == 430, f"the BYE is answered {answer.start!r}, not 430", level="SHOULD"
    )


@case(
    "flow-dead-others-live",
    "While one connection on {0} dies, a call between two others goes on",
    requirements=("RFC5626-5.1-d", "RFC3261-16.6-g"),
    legs=STREAMS,
    needs=("registrar",),
)
async def test_others_live(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    carol = await lab.agent("carol", legs[0])
    caller, _ = await establish(alice, bob)
    await killed(lab, carol)
    bye = await caller.request("BYE")
    incoming = await bob.expect("BYE")
    await incoming.reply(200)
    await bye.final(200)


@case(
    "flow-invalid-contact",
    "A call from {0} to a .invalid Contact on {1} uses the flow and resolves no name",
    requirements=("RFC7118-B.1-b",),
    legs=(("udp", "ws"), ("udp", "wss"), ("tcp", "ws"), ("tls", "wss"), ("ws", "wss")),
    needs=("registrar", "dns-sink"),
)
async def test_invalid_contact(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    caller, callee = await establish(alice, bob)
    bye = await caller.request("BYE")
    incoming = await bob.expect("BYE")
    await incoming.reply(200)
    await bye.final(200)
    asked = lab.queries(alice.host, bob.host)
    lab.require(not asked, f"the target looked up {', '.join(asked)}")
    lab.require(callee.target == caller.agent.contact_uri(ob=alice.outbound), "Contact changed")


def forged(route: str) -> str | None:
    """The route with one character of its user part changed; None when it has none."""
    uri = uri_of(route)
    user, at, rest = uri.partition("@")
    if not at:
        return None
    middle = len("sip:") + (len(user) - len("sip:")) // 2
    other = "A" if user[middle] != "A" else "B"
    return f"<{user[:middle]}{other}{user[middle + 1:]}@{rest}>"


def forge(lab: Lab, dialog: Dialog) -> None:
    """Changes each token in the dialog's routes, or the target has none that could be
    recognised.
    """
    fakes = [(forged(route), route) for route in dialog.routes]
    lab.require(
        any(fake is not None for fake, _ in fakes),
        f"no flow token in the user part of any of {dialog.routes}",
        "RFC5626-5.3.1-a",
    )
    dialog.routes = [fake or route for fake, route in fakes]


@case(
    "flow-token-forged",
    "A BYE from {0} with a forged flow token for {1} is answered 403 and delivered to nobody",
    requirements=("RFC5626-5.3.1-d", "RFC5626-5.2-a"),
    legs=TO_STREAMS,
    needs=("registrar", "outbound", "flow-token"),
)
async def test_forged(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    caller, _ = await establish(alice, bob)
    forge(lab, caller)
    bye = await caller.request("BYE")
    answer = await bye.final()
    lab.check(
        answer.status == 403, f"the BYE is answered {answer.start!r}, not 403", level="SHOULD"
    )
    lab.require(await bob.nothing_came(), "it was delivered", "RFC5626-5.2-a")


@case(
    "route-own-without-token",
    "A Route that names the target and holds no token is taken off on {0}, and routing goes on",
    requirements=("RFC5626-5.3-a", "RFC3261-16.4-b"),
    legs=(("udp",), *STREAMS),
    needs=("registrar",),
)
async def test_own_route(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    transport = {"udp": "", "tcp": ";transport=tcp", "tls": ";transport=tcp"}.get(
        legs[0], ";transport=ws"
    )
    route = f"<sip:{lab.target.address(legs[0]).hostport}{transport};lr>"
    message = await alice.request("MESSAGE", bob.aor, routes=[route], body=b"routed")
    incoming = await bob.expect("MESSAGE")
    left = incoming.request.values("route")
    lab.check(not left, f"the target's own Route is still there: {left}")
    await incoming.reply(200)
    await message.final(200)
