"""IPv6, and calls between the two families: RFC 5658 section 5, RFC 3261 section 16."""

from viaduct.peers.dialog import establish, hang_up, reinvite
from viaduct.run.case import EACH, PAIRS, case
from viaduct.run.lab import Lab

# Every leg once on each side; the transports themselves are covered by the pairs on IPv4.
CROSSINGS = [(a, b) for i, (a, b) in enumerate(PAIRS) if i % 6 in (0, 1) or a == b]


@case(
    "register-ipv6",
    "REGISTER on {0} over IPv6 is answered with its binding",
    requirements=("RFC3261-10.3-l", "RFC5118-4.5-a"),
    legs=EACH,
    needs=("registrar", "ipv6"),
)
async def test_register(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], family=6, register=False)
    response = await alice.register()
    lab.require(len(alice.bindings(response)) == 1, "the 200 does not list the binding")


@case(
    "call-ipv6",
    "A call on IPv6 from {0} to {1}, hung up by the callee",
    requirements=("RFC7118-B.2-a", "RFC3261-16.6-g", "RFC5658-5-e"),
    legs=PAIRS,
    needs=("registrar", "ipv6"),
)
async def test_call(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0], family=6)
    bob = await lab.agent("bob", legs[1], family=6)
    caller, callee = await establish(alice, bob)
    await reinvite(caller, callee)
    await hang_up(callee, caller)


@case(
    "call-ipv4-ipv6",
    "A call from {0} on IPv4 to {1} on IPv6, hung up by the caller",
    requirements=("RFC5658-5-e", "RFC3261-16.6-g"),
    legs=CROSSINGS,
    needs=("registrar", "ipv6"),
)
async def test_four_to_six(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0], family=4)
    bob = await lab.agent("bob", legs[1], family=6)
    caller, callee = await establish(alice, bob)
    await reinvite(callee, caller)
    await hang_up(caller, callee)


@case(
    "call-ipv6-ipv4",
    "A call from {0} on IPv6 to {1} on IPv4, hung up by the callee",
    requirements=("RFC5658-5-e", "RFC3261-16.6-g"),
    legs=CROSSINGS,
    needs=("registrar", "ipv6"),
)
async def test_six_to_four(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0], family=6)
    bob = await lab.agent("bob", legs[1], family=4)
    caller, callee = await establish(alice, bob)
    await reinvite(caller, callee)
    await hang_up(callee, caller)
