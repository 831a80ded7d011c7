"""JsSIP in a browser on WSS and SIPp on any leg call and write each other: RFC 7118 section 8.2.

SIPp has no media, so these are about signalling: ICE never connects, and nobody waits for it.
"""

from viaduct.agents.stage import BrowserStage
from viaduct.agents.talk import CALL, CALLEE_BYE, MESSAGE, other_side
from viaduct.run.case import case
from viaduct.run.lab import Lab
from viaduct.run.sipps import SippStage
from viaduct.targets.description import LEGS

ROUTING = ("RFC7118-B.2-a", "RFC5658-6.2-a", "RFC3261-16.6-g", "RFC3261-16.6-e", "RFC7118-8.2-p")
FROM_BROWSER = tuple(("wss", leg) for leg in LEGS)
TO_BROWSER = tuple((leg, "wss") for leg in LEGS)


@case(
    "browser-calls-sipp",
    "JsSIP on {0} calls SIPp on {1}, sends a re-INVITE and hangs up",
    requirements=ROUTING,
    legs=FROM_BROWSER,
    agents=("jssip", "sipp"),
    needs=("registrar",),
)
async def test_browser_calls(lab: Lab, legs: tuple[str, str], browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone, SippStage(lab) as sipps:
        bob = await sipps.waits("bob", legs[1], "answer-call")
        alice = await phone("browser-1", "alice")
        await alice.call(sipps.uri(bob))
        await alice.hold()
        await alice.hangup()
        await sipps.end(bob)
    sipps.expect(bob, other_side(CALL))


@case(
    "browser-calls-sipp-bye",
    "JsSIP on {0} calls SIPp on {1}, which hangs up",
    requirements=ROUTING,
    legs=FROM_BROWSER,
    agents=("jssip", "sipp"),
    needs=("registrar",),
)
async def test_sipp_hangs_up(lab: Lab, legs: tuple[str, str], browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone, SippStage(lab) as sipps:
        bob = await sipps.waits("bob", legs[1], "answer-hangup")
        alice = await phone("browser-1", "alice")
        await alice.call(sipps.uri(bob), "outgoing")
        await alice.until("ended", fatal=("failed",))
        await sipps.end(bob)
    sipps.expect(bob, other_side(CALLEE_BYE))


@case(
    "sipp-calls-browser",
    "SIPp on {0} calls JsSIP on {1}, sends a re-INVITE and hangs up",
    requirements=ROUTING,
    legs=TO_BROWSER,
    agents=("sipp", "jssip"),
    needs=("registrar",),
)
async def test_sipp_calls(lab: Lab, legs: tuple[str, str], browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone, SippStage(lab) as sipps:
        bob = await phone("browser-1", "bob", answers_at_once=True)
        alice = await sipps.calls("alice", legs[0], "call", bob.user)
        await bob.until("ended", fatal=("failed",))
        await sipps.end(alice)
    sipps.expect(alice, CALL)


@case(
    "sipp-calls-browser-bye",
    "SIPp on {0} calls JsSIP on {1}, which hangs up",
    requirements=ROUTING,
    legs=TO_BROWSER,
    agents=("sipp", "jssip"),
    needs=("registrar",),
)
async def test_browser_hangs_up(lab: Lab, legs: tuple[str, str], browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone, SippStage(lab) as sipps:
        bob = await phone("browser-1", "bob", answers_at_once=True)
        alice = await sipps.calls("alice", legs[0], "call-wait", bob.user)
        await bob.until("confirmed", fatal=("failed", "ended"))
        await bob.hangup()
        await sipps.end(alice)
    sipps.expect(alice, CALLEE_BYE)


@case(
    "browser-sipp-message",
    "JsSIP on {0} and SIPp on {1} send each other a text",
    requirements=("RFC3261-16.6-b", "RFC7118-B.1-b"),
    legs=FROM_BROWSER,
    agents=("jssip", "sipp"),
    needs=("registrar", "message"),
)
async def test_message(lab: Lab, legs: tuple[str, str], browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone, SippStage(lab) as sipps:
        bob = await sipps.waits("bob", legs[1], "answer-message")
        alice = await phone("browser-1", "alice")
        await alice.message(sipps.uri(bob), "Good day from the browser")
        await sipps.end(bob)
        writer = await sipps.calls("writer", legs[1], "message", alice.user)
        got = await alice.until("message")
        await sipps.end(writer)
        lab.check(got["text"] == "Good day from SIPp", f"arrived: {got['text']!r}")
    sipps.expect(bob, other_side(MESSAGE))
    sipps.expect(writer, MESSAGE)
