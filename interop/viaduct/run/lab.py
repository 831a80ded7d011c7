"""What a case works with: agents on the target's legs, sinks, recorders, and a way to say what is
due.
"""

import asyncio
import ssl
import uuid
from collections.abc import Coroutine
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from viaduct.peers.agent import Agent
from viaduct.peers.duty import PATIENCE, Skip, Unsupported, Violation
from viaduct.peers.flow import Flow, StreamFlow, UdpFlow
from viaduct.peers.link import Link, tls_context
from viaduct.peers.message import Message
from viaduct.peers.sink import DialSink
from viaduct.peers.transaction import Incoming, Outgoing
from viaduct.peers.websocket import SipWebSocket, WebSocket
from viaduct.results import Verdict
from viaduct.rules.finding import Finding
from viaduct.run.case import Case
from viaduct.targets.description import Account, Address, Description
from viaduct.targets.names import ask
from viaduct.trace.jsonl import Recorder, read
from viaduct.trace.model import Header, Trace, merge

T = TypeVar("T")
SHOULDS = ("SHOULD", "SHOULD NOT")


@lru_cache(maxsize=8)
def _context(ca: Path | None, alpn: tuple[str, ...]) -> ssl.SSLContext:
    return tls_context(ca, alpn)


class Lab:
    """Made anew for each case. The case asks it for everything; finish() takes all down."""

    def __init__(self, target: Description, case: Case, directory: Path) -> None:
        self.target = target
        self.case = case
        self.directory = directory  # scratch space of this case, made when first asked for
        self.findings: list[Finding] = []
        self._recorders: dict[str, Recorder] = {}
        self._traces: list[Trace] = []
        self._agents: list[Agent] = []
        self._flows: list[Flow] = []
        self._links: list[Link] = []
        self._sockets: list[WebSocket] = []
        self._sinks: list[DialSink] = []
        self._serial = 0
        self._accounts = list(target.accounts)
        self._stamp = uuid.uuid4().hex[:8]

    # Agents and connections

    async def agent(
        self,
        name: str,
        leg: str,
        *,
        family: int = 4,
        register: bool = True,
        outbound: bool = True,
        door: bool = False,  # by the front door
        like: Agent | None = None,  # the same user as this one, e.g. after a reload
    ) -> Agent:
        """A user agent on a flow of its own, registered unless told otherwise."""
        flow = await self.flow(name, leg, family, door=door)
        host = None
        if leg in ("tcp", "tls"):
            # Its Contact names an address where a listener waits: dialled, it shows that a flow
            # was not used.
            host = (await self.sink(f"{name}-contact", family)).hostport
        account = self.account(name, like)
        agent = Agent(
            name,
            account.user,
            self.target.domain,
            flow,
            host=host,
            outbound=outbound and self.target.missing("outbound") is None,
            password=account.password,
        )
        self._agents.append(agent)
        if like is not None:
            agent.instance = like.instance
        if register:
            await agent.register()
        return agent

    async def flow(self, name: str, leg: str, family: int = 4, *, door: bool = False) -> Flow:
        """A flow for SIP to the target's listener for this leg, or to its front door."""
        address = self._address(leg, family, door)
        recorder = self.recorder(name)
        flow: Flow
        if leg == "udp":
            flow = await UdpFlow.open(recorder, self._next(leg), address)
        elif leg in ("ws", "wss"):
            socket = await self.socket(name, leg, family, door=door)
            await socket.open(self.target.ws_path, address.hostport)
            flow = SipWebSocket(recorder, leg, socket.name, socket)
        else:
            flow = StreamFlow(recorder, leg, self._next(leg), await self.link(address))
        self._flows.append(flow)
        return flow

    async def socket(
        self,
        name: str,
        leg: str,
        family: int = 4,
        *,
        door: bool = False,
        alpn: tuple[str, ...] = (),
    ) -> WebSocket:
        """A connection to the WebSocket listener on which no handshake has been made yet."""
        link = await self.link(self._address(leg, family, door), alpn=alpn)
        socket = WebSocket(self.recorder(name), leg, self._next(leg), link)
        self._sockets.append(socket)
        return socket

    def _address(self, leg: str, family: int, door: bool) -> Address:
        if door and leg != "udp":
            return self.target.front_door("plain" if leg in ("ws", "tcp") else "secure", family)
        return self.target.address(leg, family)

    async def link(
        self, address: Address, *, secure: bool | None = None, alpn: tuple[str, ...] = ()
    ) -> Link:
        """A byte connection; secure None: as the address's transport has it."""
        if secure is None:
            secure = address.transport in ("tls", "wss", "secure")
        tls = _context(self.target.ca, alpn) if secure else None
        link = await Link.open(address, tls, self.target.server_name)
        self._links.append(link)
        return link

    async def sink(self, name: str = "sink", family: int = 4) -> DialSink:
        sink = await DialSink.open(self.recorder(name), "::1" if family == 6 else "127.0.0.1")
        self._sinks.append(sink)
        return sink

    async def first_request(self, method: str, *agents: Agent) -> Incoming:
        """The request that has to come to one of these agents, whichever it is."""
        waits = {asyncio.create_task(agent.expect(method)) for agent in agents}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def or_refusal(
        self, request: Coroutine[Any, Any, Incoming], sent: Outgoing, *statuses: int
    ) -> Incoming | None:
        """The request as it reached the other side; None when the target refused it in such a
        way.
        """
        arrival = asyncio.create_task(request)
        refusal = asyncio.create_task(sent.final(*statuses))
        tasks: set[asyncio.Task[Any]] = {arrival, refusal}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if arrival in done:
                return arrival.result()
            refusal.result()
            return None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def soon(self, event: Coroutine[Any, Any, T], what: str) -> T:
        """What has to come; a violation when it does not."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await event
        except TimeoutError as error:
            raise Violation(f"{what} did not come within {PATIENCE:g} s") from error

    async def next_message(self, flow: Flow) -> Message:
        """The next SIP message on a flow without an agent."""
        data = await self.soon(flow.inbox.get(), f"a message on {flow.name}")
        if data is None:
            raise Violation(f"{flow.name} ended where a message was due")
        return Message.read(data)

    @staticmethod
    def uuid() -> str:
        return str(uuid.uuid4())

    def user(self, name: str) -> str:
        """A user name that nobody else has, in this run or another one at the same target."""
        return f"{name}-{self._stamp}"

    def account(self, name: str, like: Agent | None = None) -> Account:
        """A user of the target that no other agent of this case is, or the one of `like`."""
        if like is not None:
            return Account(like.user, like.password or "")
        if self.target.accounts:
            if not self._accounts:
                raise Skip("the target file names too few accounts for this case")
            return self._accounts.pop(0)
        return Account(self.user(name), "")

    def _next(self, leg: str) -> str:
        self._serial += 1
        return f"{leg}-{self._serial}"

    # Evidence

    def recorder(self, at: str) -> Recorder:
        """The recorder of a vantage; the same for the same name."""
        if at not in self._recorders:
            self._recorders[at] = Recorder(at)
        return self._recorders[at]

    def adopt(self, path: Path) -> None:
        """Takes in the trace that another program (bridge, browser) wrote of its vantage."""
        self._traces.append(read(path))

    def queries(self, *names: str) -> list[str]:
        """Which of these names the target has looked up so far."""
        if self.target.dns is None:
            raise Unsupported("the harness cannot watch this target's name look-ups")
        # The sink takes questions in turn: once ours is answered, all before it are recorded.
        ask(read(self.target.dns).header.note["address"], f"{uuid.uuid4()}.invalid", PATIENCE)
        asked = {str(e.info["name"]).rstrip(".").lower() for e in read(self.target.dns).events}
        return sorted(name for name in names if name.lower() in asked)

    def scratch(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self.directory

    def trace(self) -> Trace:
        """All that was recorded in this case, by time."""
        facts = {"case": self.case.id, "title": self.case.title}
        head = Trace(Header(at="run", sut=self.target.sut, extra=facts), ())
        parts = [recorder.trace() for recorder in self._recorders.values()]
        return merge([head, *parts, *self._traces])

    # Duty

    def require(
        self, ok: bool, text: str, requirement: str | None = None, level: str = "MUST"
    ) -> None:
        """Ends the case with a finding unless ok."""
        if not ok:
            raise Violation(text, requirement, level)

    def check(
        self, ok: bool, text: str, requirement: str | None = None, level: str = "MUST"
    ) -> None:
        """Notes a finding unless ok, and goes on."""
        if not ok:
            self.blame(Violation(text, requirement, level))

    def blame(self, violation: Violation) -> None:
        verdict = Verdict.WARN if violation.level in SHOULDS else Verdict.FAIL
        self.findings.append(
            Finding(
                rule=self.case.id,
                level=violation.level,
                verdict=verdict.value,
                requirement=violation.requirement or self.case.requirements[0],
                text=violation.text,
            )
        )

    def need(self, feature: str) -> None:
        """For what turns out to be needed only as the case goes."""
        why = self.target.missing(feature)
        if why is not None:
            raise Unsupported(why)

    # End

    async def finish(self) -> None:
        """Closes everything; what the sinks caught becomes findings."""
        for agent in self._agents:
            await agent.close()
        for flow in self._flows:
            await flow.close()
        for link in self._links:
            await link.close()
        for socket in self._sockets:
            self.check(
                socket.long_lengths == 0,
                f"{socket.long_lengths} frames of the target have lengths in more octets than due",
                "RFC6455-5.2-c",
            )
        for sink in self._sinks:
            sink.close()
            self.check(
                not sink.dials,
                f"the target dialled {sink.hostport}, the address in a Contact that was registered "
                f"over a flow: {', '.join(sink.dials)}",
                "RFC5626-5.3.1-f",
                "MUST NOT",
            )
