"""Several contacts of one user: RFC 3261 sections 16.6, 16.7 and 16.10, RFC 5626 section 7."""

from viaduct.peers.agent import Agent
from viaduct.peers.dialog import Dialog, hang_up
from viaduct.run.case import case
from viaduct.run.lab import Lab

CALLERS = (("wss", "udp"), ("udp", "wss"), ("tcp", "ws"), ("tls", "tls"))


async def two_phones(lab: Lab, leg: str) -> tuple[Agent, Agent]:
    """One user with two instances, so that a call rings at both."""
    desk = await lab.agent("desk", leg)
    mobile = await lab.agent("mobile", leg, like=desk, register=False)
    mobile.instance = f"<urn:uuid:{lab.uuid()}>"
    await mobile.register()
    return desk, mobile


@case(
    "fork-answer",
    "A call from {0} rings at two phones on {1}; one answers, the other is cancelled",
    requirements=("RFC3261-16.7-k", "RFC3261-16.7-e"),
    legs=CALLERS,
    needs=("registrar",),
)
async def test_answer(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    desk, mobile = await two_phones(lab, legs[1])
    invite = await alice.invite(desk.aor)
    at_desk = await desk.expect("INVITE")
    at_mobile = await mobile.expect("INVITE")
    await at_desk.reply(180)
    await at_mobile.reply(180)
    await invite.provisional(180)
    await at_mobile.reply(200, body=mobile.sdp())
    answer = await invite.final(200)
    dialog = Dialog.of_caller(invite, answer)
    await dialog.ack(answer)
    await mobile.expect("ACK")
    cancel = await desk.expect("CANCEL")
    await cancel.reply(200)
    await at_desk.reply(487)
    await desk.expect("ACK")
    await hang_up(dialog, Dialog.of_callee(at_mobile))


@case(
    "fork-rejections",
    "A call from {0} to two phones on {1} is rejected by both; the best answer comes back once",
    requirements=("RFC3261-16.7-e",),
    legs=CALLERS,
    needs=("registrar",),
)
async def test_rejections(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    desk, mobile = await two_phones(lab, legs[1])
    invite = await alice.invite(desk.aor)
    at_desk = await desk.expect("INVITE")
    at_mobile = await mobile.expect("INVITE")
    await at_desk.reply(503)
    await desk.expect("ACK")
    await at_mobile.reply(486)
    await mobile.expect("ACK")
    await invite.final(486)


@case(
    "reject-503",
    "A 503 of the only callee on {1} reaches the caller on {0} as 500",
    requirements=("RFC3261-16.7-f",),
    legs=CALLERS,
    needs=("registrar",),
)
async def test_503(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    bob = await lab.agent("bob", legs[1])
    invite = await alice.invite(bob.aor)
    incoming = await bob.expect("INVITE")
    await incoming.reply(503)
    await bob.expect("ACK")
    answer = await invite.final()
    lab.check(answer.status != 503, "the 503 is forwarded as it is", level="SHOULD NOT")


@case(
    "fork-next-flow",
    "After a 430 from one flow on {1} the call from {0} goes to the instance's other flow",
    requirements=("RFC5626-7-b",),
    legs=(("udp", "ws"), ("wss", "tcp")),
    needs=("registrar", "outbound"),
)
async def test_next_flow(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0])
    first = await lab.agent("first", legs[1])
    second = await lab.agent("second", legs[1], like=first, register=False)
    await second.register(contact=second.register_contact(reg_id=2))
    invite = await alice.invite(first.aor)
    got = await lab.first_request("INVITE", first, second)
    other = second if got.agent is first else first
    await got.reply(430, "Flow Failed")
    again = await other.expect("INVITE")
    await got.agent.expect("ACK")
    await again.reply(486)
    await other.expect("ACK")
    await invite.final(486)
