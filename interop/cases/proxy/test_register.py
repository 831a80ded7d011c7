"""Registration on each leg: RFC 3261 section 10, RFC 5626 sections 4.2 and 6, RFC 7118 8.1."""

from viaduct.peers.agent import Agent, expires_of
from viaduct.peers.message import Message, header_parameters
from viaduct.run.case import EACH, PAIRS, WEB, case
from viaduct.run.lab import Lab


def one_binding(lab: Lab, agent: Agent, response: Message) -> str:
    bindings = agent.bindings(response)
    lab.require(
        len(bindings) == 1,
        f"the 200 lists {len(bindings)} bindings of {agent.contact_uri()} where one was made",
        "RFC3261-10.3-k",
    )
    return bindings[0]


@case(
    "register",
    "REGISTER on {0} is answered with its binding and the time it lasts",
    requirements=("RFC3261-10.3-l", "RFC7118-8.1-g", "RFC5626-6-o"),
    legs=EACH,
    needs=("registrar",),
)
async def test_register(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    binding = one_binding(lab, alice, await alice.register(600))
    expires = expires_of(binding)
    lab.require(expires is not None, "the binding in the 200 has no expires parameter")
    lab.check(
        expires is not None and 0 < expires <= 600,
        f"600 seconds were asked for, the binding lasts {expires}",
        "RFC3261-10.3-i",
    )
    if alice.outbound:
        parameters = header_parameters(binding)
        lab.check(
            parameters.get("reg-id") == "1"
            and (parameters.get("+sip.instance") or "").lower() == alice.instance.lower(),
            f"the binding lacks reg-id or +sip.instance as registered: {binding}",
            "RFC5626-6-o",
        )


@case(
    "register-refresh",
    "A refresh on {0} keeps one binding and brings its time back to the full",
    requirements=("RFC5626-6-t", "RFC3261-10.3-k"),
    legs=EACH,
    needs=("registrar",),
)
async def test_refresh(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    one_binding(lab, alice, await alice.register(300))
    binding = one_binding(lab, alice, await alice.register(600))
    expires = expires_of(binding) or 0
    lab.check(
        expires > 300,
        f"after a refresh of 600 seconds the binding lasts {expires}",
        level="SHOULD",
    )


@case(
    "register-fetch",
    "A REGISTER without Contact on {0} lists the bindings and changes none",
    requirements=("RFC3261-10.3-k",),
    legs=EACH,
    needs=("registrar",),
)
async def test_fetch(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    fetch = await alice.request(
        "REGISTER",
        f"sip:{alice.domain}",
        to=f"<{alice.aor}>",
        call_id=alice.register_call_id,
        cseq=alice.register_cseq + 1,
    )
    one_binding(lab, alice, await fetch.final(200))


@case(
    "unregister",
    "A REGISTER with expires 0 on {0} removes the binding, and calls to it then fail",
    requirements=("RFC3261-10.3-k", "RFC3261-16.5-d"),
    legs=EACH,
    needs=("registrar",),
)
async def test_unregister(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    response = await alice.register(0)
    left = alice.bindings(response)
    lab.require(not left, f"after its removal the binding is still listed: {left}")
    bob = await lab.agent("bob", legs[0])
    message = await bob.request("MESSAGE", alice.aor, body=b"gone?")
    answer = await message.final()
    lab.require(
        answer.status in (404, 480),
        f"a request to a user without binding is answered {answer.start!r}, not 480 or 404",
        "RFC3261-16.5-d",
    )
    lab.check(
        answer.status == 480,
        f"a request to a known user without binding is answered {answer.start!r}, not 480",
        "RFC3261-16.5-d",
        "SHOULD",
    )
    lab.check(await alice.nothing_came(), "a request reached the binding that was removed")


@case(
    "register-reload",
    "After a page reload on {0} the new binding replaces the old one",
    requirements=("RFC5626-6-n", "RFC5626-6-s"),
    legs=EACH,
    needs=("registrar", "outbound"),
)
async def test_reload(lab: Lab, legs: tuple[str]) -> None:
    """The same instance and reg-id from a new connection, with another Contact and Call-ID."""
    before = await lab.agent("before", legs[0])
    after = await lab.agent("after", legs[0], like=before, register=False)
    response = await after.register(600)
    one_binding(lab, after, response)
    old = before.bindings(response)
    lab.require(not old, f"the 200 still lists the binding that was replaced: {old}")
    bob = await lab.agent("bob", "udp" if lab.target.missing("udp") is None else legs[0])
    message = await bob.request("MESSAGE", after.aor, body=b"hello again")
    incoming = await after.expect("MESSAGE")
    await incoming.reply(200)
    await message.final(200)
    lab.check(await before.nothing_came(), "the request also went to the flow that was replaced")


@case(
    "register-two-flows",
    "One instance registered on {0} and on {1} with two reg-ids gets a request once",
    requirements=("RFC5626-7-a",),
    legs=[(a, b) for a, b in PAIRS if a < b],
    needs=("registrar", "outbound"),
)
async def test_two_flows(lab: Lab, legs: tuple[str, str]) -> None:
    first = await lab.agent("first", legs[0])
    second = await lab.agent("second", legs[1], like=first, register=False)
    response = await second.register(contact=second.register_contact(reg_id=2))
    lab.require(
        len(first.bindings(response)) == 1 and len(second.bindings(response)) == 1,
        "the 200 does not list both flows of the instance",
        "RFC3261-10.3-k",
    )
    bob = await lab.agent("bob", legs[0])
    message = await bob.request("MESSAGE", first.aor, body=b"once")
    got = await lab.first_request("MESSAGE", first, second)
    await got.reply(200)
    await message.final(200)
    other = second if got.agent is first else first
    lab.check(await other.nothing_came(), "the request went to both flows of one instance")


@case(
    "register-two-contacts",
    "Two instances of a user, both on {0}, are both listed",
    requirements=("RFC3261-10.3-k", "RFC5626-6-k"),
    legs=EACH,
    needs=("registrar",),
)
async def test_two_contacts(lab: Lab, legs: tuple[str]) -> None:
    desk = await lab.agent("desk", legs[0])
    mobile = await lab.agent("mobile", legs[0], like=desk, register=False)
    mobile.instance = f"<urn:uuid:{lab.uuid()}>"
    response = await mobile.register()
    one_binding(lab, mobile, response)
    one_binding(lab, desk, response)


@case(
    "register-without-outbound",
    "A REGISTER on {0} without reg-id has no Require: outbound in its 200",
    requirements=("RFC5626-6-j", "RFC5626-5.4-d"),
    legs=EACH,
    needs=("registrar",),
)
async def test_without_outbound(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False, outbound=False)
    response = await alice.register()
    required = ",".join(response.values("require")).lower()
    lab.check("outbound" not in required, f"the 200 has Require: {required}", level="MUST NOT")
    lab.check(
        response.first("flow-timer") is None, "the 200 has Flow-Timer", "RFC5626-5.4-d", "MUST NOT"
    )


@case(
    "register-outbound-required",
    "A REGISTER on {0} with reg-id has Require: outbound in its 200",
    requirements=("RFC5626-6-p",),
    legs=EACH,
    needs=("registrar", "outbound"),
)
async def test_outbound_required(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    response = await alice.register()
    required = [value.lower() for value in response.values("require")]
    lab.require("outbound" in required, f"the 200 has Require: {', '.join(required) or 'nothing'}")


@case(
    "register-star-refused",
    "A REGISTER on {0} with Contact: * and a time above zero is refused with 400",
    requirements=("RFC3261-10.3-g",),
    legs=WEB + (("udp",),),
    needs=("registrar",),
)
async def test_star_refused(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    wrong = await alice.start_register(600, contact="*")
    await wrong.final(400)
    one_binding(lab, alice, await alice.register())


@case(
    "register-star",
    "A REGISTER on {0} with Contact: * and Expires: 0 removes every binding",
    requirements=("RFC3261-10.3-g", "RFC3261-10.3-k"),
    legs=EACH,
    needs=("registrar",),
)
async def test_star(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    response = await alice.register(0, contact="*")
    left = response.values("contact")
    lab.require(not left, f"after Contact: * these bindings are still listed: {left}")


@case(
    "register-interval-too-brief",
    "A REGISTER on {0} for one second is refused with 423 and Min-Expires, or granted",
    requirements=("RFC3261-10.3-j",),
    legs=WEB + (("udp",),),
    needs=("registrar",),
)
async def test_brief(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    outgoing = await alice.start_register(1)
    response = await outgoing.final(200, 423)
    if response.status == 423:
        minimum = response.first("min-expires") or ""
        lab.require(minimum.isdigit(), f"the 423 has Min-Expires: {minimum or 'nothing'}")


@case(
    "register-stale-cseq",
    "A REGISTER on {0} with an old CSeq changes nothing",
    requirements=("RFC3261-10.3-h",),
    legs=WEB + (("udp",),),
    needs=("registrar",),
)
async def test_stale(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    await alice.register()
    alice.register_cseq = 0
    stale = await alice.start_register(0)
    response = await stale.final()
    lab.check(response.status >= 300, f"a REGISTER with an old CSeq is answered {response.start!r}")
    alice.register_cseq = 10
    one_binding(lab, alice, await alice.register())
