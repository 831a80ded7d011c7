"""The two ends of a transaction as a scripted user agent holds them."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from viaduct.peers.duty import PATIENCE, Violation
from viaduct.peers.message import Message, compose, reason

if TYPE_CHECKING:
    from viaduct.peers.agent import Agent

Headers = Sequence[tuple[str, str]]


class Outgoing:
    """A request that an agent sent, and the responses to it."""

    def __init__(self, agent: "Agent", request: Message, branch: str) -> None:
        self.agent = agent
        self.request = request
        self.branch = branch
        self.responses: list[Message] = []
        self._new: asyncio.Queue[Message | None] = asyncio.Queue()

    def take(self, response: Message) -> None:
        self.responses.append(response)
        self._new.put_nowait(response)

    def lost(self) -> None:
        """The flow ended."""
        self._new.put_nowait(None)

    async def next(self, patience: float = PATIENCE) -> Message:
        """The next response of any class."""
        try:
            async with asyncio.timeout(patience):
                response = await self._new.get()
        except TimeoutError as error:
            raise Violation(
                f"{self.agent.name} got no{' further' if self.responses else ''} response to its "
                f"{self.request.method} within {patience:g} s{self._so_far()}"
            ) from error
        if response is None:
            raise Violation(
                f"the connection of {self.agent.name} ended before its {self.request.method} was "
                f"answered{self._so_far()}"
            )
        return response

    async def provisional(self, *statuses: int) -> Message:
        """The first of these provisional responses; others before it are passed over."""
        while (response := await self.next()).status not in statuses:
            if response.status >= 200:
                raise Violation(
                    f"{self.agent.name} got {response.start!r} to its {self.request.method} before "
                    f"any of {_list(statuses)}"
                )
        return response

    async def final(self, *statuses: int, requirement: str | None = None) -> Message:
        """The final response; Violation unless it is one of `statuses` (any, if none are given)."""
        while (response := await self.next()).status < 200:
            pass
        if statuses and response.status not in statuses:
            raise Violation(
                f"{self.agent.name} got {response.start!r} to its {self.request.method} "
                f"where {_list(statuses)} was due",
                requirement,
            )
        return response

    def _so_far(self) -> str:
        if not self.responses:
            return ""
        return ", only " + ", ".join(str(response.status) for response in self.responses)


class Incoming:
    """A request that reached an agent, and the answer the agent gives."""

    def __init__(self, agent: "Agent", request: Message) -> None:
        self.agent = agent
        self.request = request
        self.tag = agent.random(8)
        self.last: bytes | None = None  # the latest response, for retransmissions

    async def reply(
        self,
        status: int,
        phrase: str | None = None,
        *,
        headers: Headers = (),
        body: bytes = b"",
        contact: bool | None = None,  # None: where one is due
    ) -> Message:
        request = self.request
        copied = [("Via", value) for value in request.all("via")]
        copied.append(("From", request.first("from") or ""))
        to = request.first("to") or ""
        if status > 100 and request.tag("to") is None:
            to += f";tag={self.tag}"
        copied += [("To", to), ("Call-ID", request.call_id)]
        copied.append(("CSeq", request.first("cseq") or ""))
        forms_dialog = request.method == "INVITE" and 100 < status < 300
        if forms_dialog:
            copied += [("Record-Route", value) for value in request.all("record-route")]
        if contact if contact is not None else forms_dialog:
            copied.append(("Contact", self.agent.contact()))
        if body and not any(name.lower() == "content-type" for name, _ in headers):
            copied.append(("Content-Type", "application/sdp"))
        data = compose(f"SIP/2.0 {status} {phrase or reason(status)}", [*copied, *headers], body)
        await self.reply_raw(data)
        return Message.read(data)

    async def reply_raw(self, data: bytes) -> None:
        self.last = data
        await self.agent.answer(self.request, data)


def _list(statuses: Sequence[int]) -> str:
    return " or ".join(str(status) for status in statuses)
