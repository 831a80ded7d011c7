"""Calls and messages between two SIPps: RFC 3261 sections 9, 12 to 14 and 16, RFC 7118 section 8.2.

SIPp speaks UDP and TCP by itself, and TLS, WS and WSS through viaduct-bridge.
"""

from viaduct.agents.talk import CALL, CALLEE_BYE, CANCEL, MESSAGE, REFUSED, other_side
from viaduct.run.case import PAIRS, case
from viaduct.run.lab import Lab
from viaduct.run.sipps import SippStage

AGENTS = ("sipp", "sipp")
ROUTING = ("RFC7118-B.2-a", "RFC5658-6.2-a", "RFC3261-16.6-g", "RFC3261-16.6-e")
# Each leg once on either side: what these are about does not depend on the pair.
RING = (("ws", "udp"), ("udp", "tls"), ("tls", "wss"), ("wss", "tcp"), ("tcp", "ws"))


async def play(
    lab: Lab, legs: tuple[str, str], scenario: str, answer: str, talk: tuple[str, ...]
) -> None:
    async with SippStage(lab) as sipps:
        callee = await sipps.waits("callee", legs[1], answer)
        caller = await sipps.calls("caller", legs[0], scenario, callee.user)
        await sipps.end(caller, callee)
    sipps.expect(caller, talk)
    sipps.expect(callee, other_side(talk))


@case(
    "sipp-call",
    "SIPp on {0} calls SIPp on {1}, sends a re-INVITE and hangs up",
    requirements=ROUTING,
    legs=PAIRS,
    agents=AGENTS,
    needs=("registrar",),
)
async def test_call(lab: Lab, legs: tuple[str, str]) -> None:
    await play(lab, legs, "call", "answer-call", CALL)


@case(
    "sipp-call-callee-bye",
    "SIPp on {0} calls SIPp on {1}, which hangs up",
    requirements=ROUTING,
    legs=RING,
    agents=AGENTS,
    needs=("registrar",),
)
async def test_callee_bye(lab: Lab, legs: tuple[str, str]) -> None:
    await play(lab, legs, "call-wait", "answer-hangup", CALLEE_BYE)


@case(
    "sipp-cancel",
    "SIPp on {0} calls SIPp on {1} and cancels",
    requirements=("RFC3261-16.10-a", "RFC3261-9.1-a"),
    legs=RING,
    agents=AGENTS,
    needs=("registrar",),
)
async def test_cancel(lab: Lab, legs: tuple[str, str]) -> None:
    await play(lab, legs, "call-cancel", "answer-cancelled", CANCEL)


@case(
    "sipp-reject",
    "SIPp on {0} calls SIPp on {1}, which is busy",
    requirements=("RFC3261-16.7-c", "RFC3261-17.1.1.3-a"),
    legs=RING,
    agents=AGENTS,
    needs=("registrar",),
)
async def test_reject(lab: Lab, legs: tuple[str, str]) -> None:
    await play(lab, legs, "call-refused", "answer-busy", REFUSED)


@case(
    "sipp-message",
    "SIPp on {0} sends a text to SIPp on {1}",
    requirements=("RFC3261-16.6-a", "RFC7118-B.1-b"),
    legs=RING,
    agents=AGENTS,
    needs=("registrar", "message"),
)
async def test_message(lab: Lab, legs: tuple[str, str]) -> None:
    await play(lab, legs, "message", "answer-message", MESSAGE)
