"""Calls between every ordered pair of legs: RFC 3261 sections 12, 13 and 16, RFC 7118 8.2."""

from viaduct.peers.dialog import Dialog, establish, hang_up, reinvite
from viaduct.run.case import EACH, PAIRS, case
from viaduct.run.lab import Lab

ROUTING = ("RFC5658-6.2-a", "RFC3261-16.6-g", "RFC3261-16.6-e", "RFC7118-8.2-p", "RFC5658-5-c")


@case(
    "call",
    "A call from {0} to {1} with a re-INVITE and BYE by the caller",
    requirements=("RFC7118-B.2-a", *ROUTING),
    legs=PAIRS,
    needs=("registrar",),
)
async def test_call(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    caller, callee = await establish(alice, bob)
    await reinvite(caller, callee)
    await hang_up(caller, callee)


@case(
    "call-callee-bye",
    "A call from {0} to {1} with a re-INVITE and BYE by the callee",
    requirements=("RFC7118-B.2-a", *ROUTING),
    legs=PAIRS,
    needs=("registrar",),
)
async def test_callee_bye(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    caller, callee = await establish(alice, bob)
    await reinvite(callee, caller)
    await hang_up(callee, caller)


@case(
    "call-cancel",
    "A ringing call from {0} to {1} is cancelled",
    requirements=("RFC3261-16.10-a", "RFC3261-9.1-a", "RFC3261-16.6-q"),
    legs=PAIRS,
    needs=("registrar",),
)
async def test_cancel(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    await incoming.reply(180)
    await invite.provisional(180)
    cancel = await alice.cancel(invite)
    await cancel.final(200)
    arrived = await bob.expect("CANCEL")
    lab.check(
        arrived.request.via.params.get("branch") == incoming.request.via.params.get("branch"),
        "the CANCEL has another branch than its INVITE",
        "RFC3261-9.1-a",
    )
    await arrived.reply(200)
    await incoming.reply(487)
    await invite.final(487)
    await bob.expect("ACK")


@case(
    "call-reject",
    "A call from {0} to {1} is rejected with 486",
    requirements=("RFC3261-16.7-c", "RFC3261-17.1.1.2-c", "RFC3261-17.1.1.3-a"),
    legs=PAIRS,
    needs=("registrar",),
)
async def test_reject(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    await incoming.reply(180)
    await incoming.reply(486)
    await bob.expect("ACK")
    await invite.final(486)


@case(
    "call-trying",
    "An INVITE on {0} draws 100 from the proxy while the callee is silent",
    requirements=("RFC3261-17.2.1-a", "RFC7118-8.2-c"),
    legs=EACH,
    needs=("registrar",),
)
async def test_trying(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    trying = await invite.provisional(100)
    lab.check(trying.tag("to") is None, "the 100 of the proxy has a To tag", level="SHOULD NOT")
    await incoming.reply(603)
    await bob.expect("ACK")
    await invite.final(603)


@case(
    "call-progress",
    "100, 183 and 180 of a callee on {1} reach a caller on {0} as they should",
    requirements=("RFC3261-16.7-c",),
    legs=(("wss", "udp"), ("udp", "wss"), ("ws", "tcp"), ("tls", "ws")),
    needs=("registrar",),
)
async def test_progress(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    await incoming.reply(100, headers=[("X-Bob", "trying")])
    await incoming.reply(183)
    await invite.provisional(183)
    await incoming.reply(180)
    await invite.provisional(180)
    lab.check(
        all(r.first("x-bob") is None for r in invite.responses),
        "the callee's own 100 was forwarded",
    )
    await incoming.reply(200, body=bob.sdp())
    answer = await invite.final(200)
    dialog = Dialog.of_caller(invite, answer)
    await dialog.ack(answer)
    await bob.expect("ACK")
    await hang_up(dialog, Dialog.of_callee(incoming))


@case(
    "call-record-route-others",
    "A Record-Route that an INVITE from {0} already has stays below the proxy's own for {1}",
    requirements=("RFC3261-16.6-e",),
    legs=(("udp", "wss"), ("wss", "udp"), ("tcp", "tls"), ("ws", "tcp")),
    needs=("registrar",),
)
async def test_record_route_others(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    upstream = "<sip:upstream.invalid;lr>"
    invite = await alice.invite(bob.aor, headers=[("Record-Route", upstream)])
    incoming = await bob.expect("INVITE")
    values = incoming.request.values("record-route")
    lab.check(len(values) > 1 and values[-1] == upstream, f"Record-Route: {values}")
    await incoming.reply(486)
    await bob.expect("ACK")
    await invite.final(486)


@case(
    "call-retransmission",
    "An INVITE sent twice on {0} reaches the callee once and draws the 180 again",
    requirements=("RFC3261-17.2.1-b",),
    legs=EACH,
    needs=("registrar",),
)
async def test_retransmission(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    await incoming.reply(180)
    await invite.provisional(180)
    await alice.again(invite)
    await invite.provisional(180)
    lab.check(await bob.nothing_came(), "the retransmission was forwarded as a call of its own")
    await incoming.reply(486)
    await bob.expect("ACK")
    await invite.final(486)


@case(
    "call-answered-late-cancel",
    "A CANCEL on {0} for no known INVITE is answered 481",
    requirements=("RFC3261-9.2-a",),
    legs=EACH,
    needs=("registrar",),
)
async def test_late_cancel(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[0])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    await incoming.reply(486)
    await bob.expect("ACK")
    await invite.final(486)
    other = await alice.request(
        "CANCEL",
        bob.aor,
        sender=invite.request.first("from"),
        call_id=alice.random(16),
    )
    answer = await other.final()
    lab.check(answer.status == 481, f"answered {answer.start!r}, not 481", level="SHOULD")
