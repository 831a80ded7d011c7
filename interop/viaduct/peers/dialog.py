"""Dialogs of scripted agents (RFC 3261 12): route set, target, tags and CSeq kept as the RFC
says.
"""

from dataclasses import dataclass, field

from viaduct.peers.agent import COOKIE, Agent
from viaduct.peers.duty import Violation
from viaduct.peers.message import Message, compose, uri_of, uri_parameters
from viaduct.peers.transaction import Headers, Incoming, Outgoing


@dataclass
class Dialog:
    agent: Agent
    call_id: str
    local: str  # the From value of our requests, tag included
    remote: str  # their To value
    target: str  # the URI in the other side's Contact
    routes: list[str]  # in the order of our requests
    cseq: int
    invite_cseq: int = field(default=0)

    @classmethod
    def of_caller(cls, invite: Outgoing, answer: Message) -> "Dialog":
        request = invite.request
        return cls(
            agent=invite.agent,
            call_id=request.call_id,
            local=request.first("from") or "",
            remote=answer.first("to") or "",
            target=_target(answer, invite.agent),
            routes=list(reversed(answer.values("record-route"))),
            cseq=request.cseq[0],
            invite_cseq=request.cseq[0],
        )

    @classmethod
    def of_callee(cls, invite: Incoming) -> "Dialog":
        request = invite.request
        return cls(
            agent=invite.agent,
            call_id=request.call_id,
            local=f"{request.first('to')};tag={invite.tag}",
            remote=request.first("from") or "",
            target=_target(request, invite.agent),
            routes=request.values("record-route"),
            cseq=0,
        )

    def compose(
        self,
        method: str,
        cseq: int,
        headers: Headers = (),
        body: bytes = b"",
        contact: bool = False,
    ) -> bytes:
        uri, routes = self.target, list(self.routes)
        if routes and "lr" not in uri_parameters(uri_of(routes[0])):
            # RFC 3261 12.2.1.1, a strict router first: it gets the Request-URI.
            uri, routes = uri_of(routes[0]), [*routes[1:], f"<{self.target}>"]
        lines = [("Via", self.agent.via(COOKIE + self.agent.random(16))), ("Max-Forwards", "70")]
        lines += [("Route", route) for route in routes]
        lines += [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id)]
        lines.append(("CSeq", f"{cseq} {method}"))
        if contact:
            lines.append(("Contact", self.agent.contact()))
        if body:
            lines.append(("Content-Type", "application/sdp"))
        return compose(f"{method} {uri} SIP/2.0", [*lines, *headers], body)

    async def request(self, method: str, headers: Headers = (), body: bytes = b"") -> Outgoing:
        self.cseq += 1
        invite = method == "INVITE"
        if invite:
            self.invite_cseq = self.cseq
            body = body or self.agent.sdp(self.cseq)
        data = self.compose(method, self.cseq, headers, body, contact=invite)
        return await self.agent.request_raw(data)

    async def ack(self, answer: Message) -> None:
        """The ACK of a 2xx, also kept for the 2xx's retransmissions."""
        data = self.compose("ACK", self.invite_cseq)
        self.agent.remember_ack(self.call_id, self.invite_cseq, answer.tag("to"), data)
        await self.agent.flow.send(data)


def _target(message: Message, agent: Agent) -> str:
    contact = message.first("contact")
    if contact is None:
        raise Violation(f"{agent.name} got {message.start!r} without the Contact its sender wrote")
    return uri_of(contact)


async def establish(caller: Agent, callee: Agent) -> tuple[Dialog, Dialog]:
    """INVITE, 180, 200, ACK: a call as it should be, seen from both ends."""
    invite = await caller.invite(callee.aor)
    incoming = await callee.expect("INVITE")
    await incoming.reply(180)
    await invite.provisional(180)
    await incoming.reply(200, body=callee.sdp())
    answer = await invite.final(200)
    dialog = Dialog.of_caller(invite, answer)
    await dialog.ack(answer)
    await callee.expect("ACK")
    return dialog, Dialog.of_callee(incoming)


async def reinvite(asking: Dialog, asked: Dialog) -> None:
    """A re-INVITE from one end, answered and acknowledged."""
    invite = await asking.request("INVITE")
    incoming = await asked.agent.expect("INVITE")
    await incoming.reply(200, body=asked.agent.sdp(2))
    answer = await invite.final(200)
    asking.target = _target(answer, asking.agent)
    await asking.ack(answer)
    await asked.agent.expect("ACK")


async def hang_up(leaving: Dialog, left: Dialog) -> None:
    bye = await leaving.request("BYE")
    incoming = await left.agent.expect("BYE")
    await incoming.reply(200)
    await bye.final(200)
