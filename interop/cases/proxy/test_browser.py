"""Two phones with JsSIP in a real browser, over WSS: RFC 7118, RFC 5626, and sound as the proof."""

import asyncio

from viaduct.agents.browser import Phone
from viaduct.agents.stage import BrowserStage
from viaduct.run.case import case
from viaduct.run.lab import Lab

AGENTS = ("jssip", "jssip")
ON = ("wss", "wss")
ROUTING = ("RFC7118-B.2-a", "RFC5658-6.2-a", "RFC3261-16.6-g", "RFC3261-16.6-e")


async def connect(caller: Phone, callee: Phone) -> None:
    """The caller calls, the callee rings and answers."""
    call = asyncio.create_task(caller.call(callee.uri))
    try:
        await callee.until("incoming")
        await callee.answer()
        await call
    finally:
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


@case(
    "browser-call",
    "JsSIP calls JsSIP: sound both ways, hold and resume, the caller hangs up",
    requirements=ROUTING,
    agents=AGENTS,
    on=ON,
    needs=("registrar",),
)
async def test_call(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        await connect(alice, bob)
        await asyncio.gather(alice.hear(), bob.hear())
        await alice.hold()
        await alice.resume()
        await asyncio.gather(alice.hear(), bob.hear())
        await asyncio.gather(bob.until("ended"), alice.hangup())


@case(
    "browser-call-callee-bye",
    "JsSIP calls JsSIP: sound both ways, the callee hangs up",
    requirements=ROUTING,
    agents=AGENTS,
    on=ON,
    needs=("registrar",),
)
async def test_callee_bye(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        await connect(alice, bob)
        await asyncio.gather(alice.hear(), bob.hear())
        await asyncio.gather(alice.until("ended"), bob.hangup())


@case(
    "browser-cancel",
    "JsSIP calls JsSIP and gives up while it rings",
    requirements=("RFC3261-16.10-a", "RFC3261-9.1-a"),
    agents=AGENTS,
    on=ON,
    needs=("registrar",),
)
async def test_cancel(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        await alice.call(bob.uri, "progress")
        await bob.until("incoming")
        _, end = await asyncio.gather(alice.hangup(), bob.until("failed"))
        lab.check(end["cause"] == "Canceled", f"the callee's call ended as {end['cause']!r}")


@case(
    "browser-reject",
    "JsSIP calls JsSIP, which refuses with 486",
    requirements=("RFC3261-16.7-c",),
    agents=AGENTS,
    on=ON,
    needs=("registrar",),
)
async def test_reject(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        await alice.call(bob.uri, "progress")
        end, _ = await asyncio.gather(alice.until("failed"), bob.reject(486))
        lab.check(end["status"] == 486, f"the caller was told {end['status']}, not 486")


@case(
    "browser-message",
    "JsSIP sends texts to JsSIP and gets one back",
    requirements=("RFC3261-16.6-b", "RFC7118-B.1-b"),
    agents=AGENTS,
    on=ON,
    needs=("registrar", "message"),
)
async def test_message(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        for sender, receiver, text in ((alice, bob, "Grüße, 你好"), (bob, alice, "zurück")):
            got, _ = await asyncio.gather(
                receiver.until("message"), sender.message(receiver.uri, text)
            )
            lab.check(got["text"] == text, f"sent {text!r}, arrived {got['text']!r}")


@case(
    "browser-unregister",
    "JsSIP takes its registration back and is not called any more",
    requirements=("RFC3261-10.3-e",),
    agents=AGENTS,
    on=ON,
    needs=("registrar", "message"),
)
async def test_unregister(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        await bob.unregister()
        await alice.call(bob.uri, "outgoing")
        end = await alice.until("failed")
        lab.check(end["status"] in (404, 480), f"the caller was told {end['status']}")


@case(
    "browser-reload",
    "A page that is reloaded registers again, and its new binding replaces the old one",
    requirements=("RFC5626-6-n", "RFC5626-6-s"),
    agents=AGENTS,
    on=ON,
    needs=("registrar", "outbound", "message"),
)
async def test_reload(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice, bob = await phone("browser-1", "alice"), await phone("browser-2", "bob")
        registered = await bob.reload()
        lab.check(
            registered["contacts"] == 1,
            f"the registrar lists {registered['contacts']} bindings after the reload",
        )
        await connect(alice, bob)
        await asyncio.gather(alice.until("ended"), bob.hangup())
        got, _ = await asyncio.gather(bob.until("message"), alice.message(bob.uri, "still there"))
        lab.check(got["text"] == "still there", f"arrived {got['text']!r}")


@case(
    "browser-front-door",
    "JsSIP's page, its WSS and so its call all come through one TLS port",
    requirements=("RFC7118-4.1-b", "RFC7118-8.2-p"),
    agents=AGENTS,
    on=ON,
    needs=("registrar", "front-door"),
)
async def test_front_door(lab: Lab, browsers: BrowserStage) -> None:
    async with browsers.phones(lab) as phone:
        alice = await phone("browser-1", "alice", front_door=True)
        bob = await phone("browser-2", "bob", front_door=True)
        lab.check(browsers.from_target, "the front door does not serve the client page")
        await connect(alice, bob)
        await asyncio.gather(alice.hear(), bob.hear())
        await asyncio.gather(alice.until("ended"), bob.hangup())
