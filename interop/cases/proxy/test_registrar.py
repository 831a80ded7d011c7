"""What a registrar takes and what it refuses: RFC 3261 10.3, RFC 5626 section 6, RFC 3327 5.3."""

from viaduct.peers.agent import COOKIE, Agent, expires_of
from viaduct.peers.message import Message, compose
from viaduct.run.case import case
from viaduct.run.lab import Lab

SOME = (("wss",), ("udp",), ("tcp",))


async def by_proxy(agent: Agent, *, path: str | None) -> Message:
    """A REGISTER as an edge proxy without outbound would forward it: a second Via, its own Path."""
    agent.register_cseq += 1
    lines = [
        ("Via", agent.via(COOKIE + agent.random(16))),
        ("Via", f"SIP/2.0/UDP phone.invalid;branch={COOKIE}{agent.random(16)}"),
        ("Max-Forwards", "69"),
        ("From", f"<{agent.aor}>;tag={agent.random(8)}"),
        ("To", f"<{agent.aor}>"),
        ("Call-ID", agent.register_call_id),
        ("CSeq", f"{agent.register_cseq} REGISTER"),
        ("Contact", agent.register_contact()),
        ("Expires", "600"),
        ("Supported", "path, outbound"),
    ]
    if path is not None:
        lines.append(("Path", path))
    start = f"REGISTER sip:{agent.domain} SIP/2.0"
    outgoing = await agent.request_raw(compose(start, lines))
    return await outgoing.final()


@case(
    "register-star-beside",
    "A REGISTER on {0} with Contact: * beside another contact is refused with 400",
    requirements=("RFC3261-10.3-g",),
    legs=SOME,
    needs=("registrar",),
)
async def test_star_beside(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    wrong = await alice.start_register(0, contact=f"*, {alice.register_contact()}")
    await wrong.final(400)
    response = await alice.register()
    lab.check(len(alice.bindings(response)) == 1, "the refused request changed the binding")


@case(
    "register-expires-parameter",
    "The expires of a contact on {0} has priority over the Expires header",
    requirements=("RFC3261-10.3-i",),
    legs=SOME,
    needs=("registrar",),
)
async def test_expires(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    response = await alice.register(600, contact=f"{alice.register_contact()};expires=120")
    (binding,) = alice.bindings(response) or [""]
    expires = expires_of(binding)
    lab.require(
        expires is not None and expires <= 120,
        f"expires=120 was asked for beside Expires: 600, the binding lasts {expires}",
    )


@case(
    "register-record-route",
    "A Record-Route in a REGISTER on {0} is ignored and not sent back",
    requirements=("RFC3261-10.3-a",),
    legs=SOME,
    needs=("registrar",),
)
async def test_record_route(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    response = await alice.register(headers=[("Record-Route", "<sip:upstream.invalid;lr>")])
    found = response.all("record-route")
    lab.check(not found, f"the 200 has Record-Route: {', '.join(found)}", level="MUST NOT")


@case(
    "register-path-echo",
    "The Path of a REGISTER on {0} comes back in its 200",
    requirements=("RFC3327-4-e", "RFC5626-6-a"),
    legs=SOME,
    needs=("registrar", "path"),
)
async def test_path_echo(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    path = "<sip:token@edge.invalid;lr;ob>"
    response = await by_proxy(alice, path=path)
    lab.require(response.status == 200, f"answered {response.start!r}")
    found = response.values("path")
    lab.check(path in found, f"the 200 has Path: {', '.join(found) or 'nothing'}")


@case(
    "register-first-hop-lacks-outbound",
    "An outbound REGISTER on {0} by a first hop that adds no ob is answered 439",
    requirements=("RFC5626-6-d", "RFC5626-6-c"),
    legs=SOME,
    needs=("registrar", "outbound", "path"),
)
async def test_first_hop(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    response = await by_proxy(alice, path="<sip:edge.invalid;lr>")
    lab.require(response.status == 439, f"answered {response.start!r}, not 439")


@case(
    "register-sips-contact",
    "A sips contact in a REGISTER on {0} for a sip URI is refused",
    requirements=("RFC5630-5.2-b",),
    legs=SOME,
    needs=("registrar",),
)
async def test_sips_contact(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    contact = alice.register_contact().replace("<sip:", "<sips:", 1)
    outgoing = await alice.start_register(contact=contact)
    response = await outgoing.final()
    lab.check(response.status >= 400, f"it is answered {response.start!r}")


@case(
    "sips-not-downgraded",
    "A request from {0} to a sips URI is not delivered to a contact on {1}",
    requirements=("RFC5630-5.3-a", "RFC3261-26.2.2-a"),
    legs=(("tls", "udp"), ("wss", "tcp"), ("wss", "ws")),
    needs=("registrar",),
)
async def test_sips(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    message = await alice.request("MESSAGE", bob.aor.replace("sip:", "sips:", 1), body=b"secret")
    arrived = await lab.or_refusal(bob.expect("MESSAGE"), message)
    lab.require(arrived is None, "it is delivered over a hop without TLS")
