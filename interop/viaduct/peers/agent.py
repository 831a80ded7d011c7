"""A scripted user agent on one flow: correct by itself, and wrong only where a case says so.

It answers nothing by itself but retransmissions, non-2xx finals (ACK) and a target's own OPTIONS
and NOTIFY; everything else waits until the case asks for it with expect().
"""

import asyncio
import uuid
from collections.abc import Sequence

from viaduct.peers.credentials import authorize
from viaduct.peers.duty import PATIENCE, Violation
from viaduct.peers.flow import Flow, UdpFlow
from viaduct.peers.message import (
    Message,
    compose,
    header_parameters,
    uri_of,
)
from viaduct.peers.transaction import Headers, Incoming, Outgoing
from viaduct.targets.description import Address

COOKIE = "z9hG4bK"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, INFO, NOTIFY"


class Agent:
    def __init__(
        self,
        name: str,  # of its vantage
        user: str,
        domain: str,
        flow: Flow,
        *,
        host: str | None = None,  # of its Contact and Via; None: the flow's own address
        outbound: bool = True,
        password: str | None = None,
    ) -> None:
        self.name = name
        self.user = user
        self.domain = domain
        self.flow = flow
        self.outbound = outbound
        self.password = password
        self.instance = f"<urn:uuid:{uuid.uuid4()}>"
        if host is None:
            web = flow.transport in ("ws", "wss")
            host = f"{self.random(12)}.invalid" if web else flow.local
        self.host = host
        # RFC 7118 5: a client that cannot listen writes a name that resolves to nothing.
        self.sent_by = host if host.endswith(".invalid") else flow.local
        self.register_call_id = self.random(16)
        self.register_cseq = 0
        # Responses that fit no request of ours; None at the end of the flow.
        self.stray: asyncio.Queue[Message | None] = asyncio.Queue()
        self._requests: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._outgoing: dict[tuple[str, str], Outgoing] = {}
        self._incoming: dict[tuple[str, str], Incoming] = {}
        self._acks: dict[tuple[str, int, str | None], bytes] = {}
        self._task = asyncio.create_task(self._dispatch())

    @staticmethod
    def random(length: int) -> str:
        return uuid.uuid4().hex[:length]

    @property
    def leg(self) -> str:
        return self.flow.transport

    @property
    def aor(self) -> str:
        return f"sip:{self.user}@{self.domain}"

    def contact_uri(self, *, ob: bool = False) -> str:
        transport = {"udp": "", "tcp": ";transport=tcp", "tls": ";transport=tcp"}.get(
            self.leg, ";transport=ws"
        )
        return f"sip:{self.user}@{self.host}{transport}{';ob' if ob else ''}"

    def contact(self) -> str:
        """The Contact value of its dialogs.

        RFC 5626 4.3: ob asks that requests come back over this flow.
        """
        return f"<{self.contact_uri(ob=self.outbound)}>"

    def register_contact(self, reg_id: int = 1) -> str:
        value = f"<{self.contact_uri()}>"
        if self.outbound:
            value += f';reg-id={reg_id};+sip.instance="{self.instance}"'
        return value

    def via(self, branch: str) -> str:
        # Over WebSocket there is nothing to learn from rport: the client knows no address of its
        # own.
        rport = "" if self.leg in ("ws", "wss") else ";rport"
        return f"SIP/2.0/{self.leg.upper()} {self.sent_by};branch={branch}{rport}"

    # Requests of ours

    async def request(
        self,
        method: str,
        uri: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        to: str | None = None,
        sender: str | None = None,
        call_id: str | None = None,
        cseq: int = 1,
        routes: Sequence[str] = (),
        max_forwards: int | None = 70,
        contact: str | None = None,
        branch: str | None = None,
    ) -> Outgoing:
        branch = branch or COOKIE + self.random(16)
        lines = [("Via", self.via(branch))]
        if max_forwards is not None:
            lines.append(("Max-Forwards", str(max_forwards)))
        lines += [("Route", route) for route in routes]
        lines.append(("From", sender or f"<{self.aor}>;tag={self.random(8)}"))
        lines.append(("To", to or f"<{uri}>"))
        lines.append(("Call-ID", call_id or self.random(16)))
        lines.append(("CSeq", f"{cseq} {method}"))
        if contact is not None:
            lines.append(("Contact", contact))
        return await self.request_raw(compose(f"{method} {uri} SIP/2.0", [*lines, *headers], body))

    async def request_raw(self, data: bytes) -> Outgoing:
        """Sends a request composed elsewhere; its responses are matched by branch and method."""
        outgoing = self.track(data)
        await self.flow.send(data)
        return outgoing

    def track(self, data: bytes) -> Outgoing:
        """Minds the responses to a request which the case itself puts on the wire."""
        message = Message.read(data)
        branch = message.via.params.get("branch") or ""
        outgoing = Outgoing(self, message, branch)
        if message.method != "ACK":
            self._outgoing[branch, message.method] = outgoing
        return outgoing

    async def again(self, outgoing: Outgoing) -> None:
        """Retransmits a request, byte for byte."""
        await self.flow.send(outgoing.request.raw)

    async def register(
        self,
        expires: int = 600,
        *,
        contact: str | None = None,
        headers: Headers = (),
        routes: Sequence[str] = (),
    ) -> Message:
        """REGISTER, answered 200 or it is a violation; with credentials when the target asks for
        them.
        """
        outgoing = await self.start_register(
            expires, contact=contact, headers=headers, routes=routes
        )
        response = await outgoing.final()
        if response.status in (401, 407) and self.password is not None:
            answer = authorize(response, "REGISTER", outgoing.request.uri, self.user, self.password)
            outgoing = await self.start_register(
                expires, contact=contact, headers=[*headers, answer], routes=routes
            )
            response = await outgoing.final()
        if response.status != 200:
            raise Violation(f"{self.name} got {response.start!r} to its REGISTER where 200 was due")
        return response

    async def start_register(
        self,
        expires: int = 600,
        *,
        contact: str | None = None,
        headers: Headers = (),
        routes: Sequence[str] = (),
    ) -> Outgoing:
        self.register_cseq += 1
        more = [
            ("Expires", str(expires)),
            ("Supported", "path, outbound" if self.outbound else "path"),
        ]
        return await self.request(
            "REGISTER",
            f"sip:{self.domain}",
            to=f"<{self.aor}>",
            call_id=self.register_call_id,
            cseq=self.register_cseq,
            contact=contact or self.register_contact(),
            headers=[*more, *headers],
            routes=routes,
        )

    def bindings(self, response: Message) -> list[str]:
        """The Contact values in a REGISTER response that are this agent's."""
        own = self.contact_uri()
        return [value for value in response.values("contact") if uri_of(value) == own]

    async def invite(self, uri: str, body: bytes | None = None, headers: Headers = ()) -> Outgoing:
        return await self.request(
            "INVITE",
            uri,
            contact=self.contact(),
            headers=[
                ("Supported", "outbound" if self.outbound else "path"),
                ("Allow", ALLOW),
                ("Content-Type", "application/sdp"),
                *headers,
            ],
            body=self.sdp() if body is None else body,
        )

    async def cancel(self, invite: Outgoing) -> Outgoing:
        """RFC 3261 9.1: same Request-URI, Call-ID, To, From, Via and Route as the request."""
        request = invite.request
        lines = [("Via", request.values("via")[0]), ("Max-Forwards", "70")]
        lines += [("Route", value) for value in request.all("route")]
        lines += [("From", request.first("from") or ""), ("To", request.first("to") or "")]
        lines += [("Call-ID", request.call_id), ("CSeq", f"{request.cseq[0]} CANCEL")]
        return await self.request_raw(compose(f"CANCEL {request.uri} SIP/2.0", lines))

    def sdp(self, version: int = 1) -> bytes:
        host = self.flow.local.rpartition(":")[0].strip("[]")
        family = "IP6" if ":" in host else "IP4"
        return (
            f"v=0\r\no={self.user} 1 {version} IN {family} {host}\r\ns=-\r\n"
            f"c=IN {family} {host}\r\n"
            "t=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        ).encode()

    # Requests of others

    async def expect(self, method: str, patience: float = PATIENCE) -> Incoming:
        """The next request, which has to be this one."""
        while True:
            try:
                async with asyncio.timeout(patience):
                    incoming = await self._requests.get()
            except TimeoutError as error:
                raise Violation(f"{self.name} got no {method} within {patience:g} s") from error
            if incoming is None:
                self._requests.put_nowait(None)
                raise Violation(f"the connection of {self.name} ended before a {method} came")
            if incoming.request.method == method:
                return incoming
            if not await self._courtesy(incoming):
                raise Violation(
                    f"{self.name} got {incoming.request.start!r} where {method} was due"
                )

    async def nothing_came(self) -> bool:
        """Whether no request waits, nor is on its way when a request of ours has made its round."""
        if not self.flow.closed.is_set():
            round_trip = await self.request("OPTIONS", f"sip:{self.domain}")
            await round_trip.final()
        return self._requests.empty()

    @staticmethod
    async def _courtesy(incoming: Incoming) -> bool:
        """Answers what a server may send of its own accord outside of dialogs."""
        if incoming.request.method not in ("OPTIONS", "NOTIFY"):
            return False
        if incoming.request.tag("to") is not None:
            return False
        await incoming.reply(200 if incoming.request.method == "OPTIONS" else 481)
        return True

    async def answer(self, request: Message, data: bytes) -> None:
        """Sends a response: over the connection, or on UDP to where the top Via says (RFC 3261
        18.2.2).
        """
        if not isinstance(self.flow, UdpFlow):
            await self.flow.send(data)
            return
        await self.flow.send_to(data, response_address(request))

    def remember_ack(self, call_id: str, cseq: int, tag: str | None, data: bytes) -> None:
        """Keeps the ACK of a 2xx, which each retransmission of the 2xx draws again."""
        self._acks[call_id, cseq, tag] = data

    # Dispatch

    async def _dispatch(self) -> None:
        while (data := await self.flow.inbox.get()) is not None:
            try:
                message = Message.read(data)
                if message.is_request:
                    await self._take_request(message)
                else:
                    await self._take_response(message)
            except ValueError as error:
                # The oracle sees the bytes in the trace; here it suffices not to fall over them.
                self.flow.record("note", None, mark="unreadable", reason=str(error))
        self._requests.put_nowait(None)
        self.stray.put_nowait(None)
        for outgoing in self._outgoing.values():
            outgoing.lost()

    async def _take_request(self, message: Message) -> None:
        key = (message.via.params.get("branch") or "", message.method)
        known = self._incoming.get(key)
        if known is not None and known.request.cseq == message.cseq:
            if known.last is not None:
                await self.answer(message, known.last)
            return
        incoming = Incoming(self, message)
        self._incoming[key] = incoming
        self._requests.put_nowait(incoming)

    async def _take_response(self, message: Message) -> None:
        branch = message.via.params.get("branch") or ""
        number, method = message.cseq
        outgoing = self._outgoing.get((branch, method))
        if outgoing is None:
            self.stray.put_nowait(message)
            return
        if method == "INVITE" and message.status >= 300:
            await self._ack_failure(outgoing, message)
        if method == "INVITE" and 200 <= message.status < 300:
            ack = self._acks.get((message.call_id, number, message.tag("to")))
            if ack is not None:
                await self.flow.send(ack)
                return
        earlier = [r.status for r in outgoing.responses]
        if message.status >= 200 and message.status in earlier and not self.flow.reliable:
            return
        outgoing.take(message)

    async def _ack_failure(self, outgoing: Outgoing, response: Message) -> None:
        """RFC 3261 17.1.1.3."""
        request = outgoing.request
        lines = [("Via", request.values("via")[0]), ("Max-Forwards", "70")]
        lines += [("Route", value) for value in request.all("route")]
        lines += [("From", request.first("from") or ""), ("To", response.first("to") or "")]
        lines += [("Call-ID", request.call_id), ("CSeq", f"{request.cseq[0]} ACK")]
        await self.flow.send(compose(f"ACK {request.uri} SIP/2.0", lines))

    async def close(self) -> None:
        await self.flow.close()
        await self._task

    def abort(self) -> None:
        self.flow.abort()


def response_address(request: Message) -> Address:
    """Where a response to a request received by UDP goes:     received and rport first, then
    sent-by.
    """
    via = request.via
    host, port = via.sent_by, 5060
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = int(rest[1:]) if rest.startswith(":") else port
    elif ":" in host:
        host, _, rest = host.rpartition(":")
        port = int(rest)
    received, rport = via.params.get("received"), via.params.get("rport")
    return Address("udp", (received or host).strip("[]"), int(rport) if rport else port)


def expires_of(contact: str) -> int | None:
    value = header_parameters(contact).get("expires")
    return int(value) if value is not None and value.isdigit() else None
