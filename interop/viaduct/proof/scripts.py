"""The good traces that are played on the stage: each operation, from each leg to each other."""


from viaduct.proof.draft import Draft
from viaduct.proof.proxy import REGISTRAR, Proxy
from viaduct.proof.stage import Agent, Stage
from viaduct.trace.model import Trace

LEGS = ("ws", "wss", "tls", "tcp", "udp")
SDP = b"v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
OUTBOUND = ("Supported", "path, outbound")


def contact(agent: Agent, *, outbound: bool = True, expires: int | None = 600) -> str:
    value = f"<{agent.contact_uri}>"
    if outbound:
        value += f";+sip.instance={agent.instance};reg-id=1"
    return value if expires is None else f"{value};expires={expires}"


def register(proxy: Proxy, agent: Agent, expires: int = 600) -> None:
    """A registration with the proxy's own registrar."""
    ask = agent.request(
        "REGISTER",
        REGISTRAR,
        f"<{agent.aor}>",
        call_id=agent.register_id,
        more=(OUTBOUND, ("Contact", contact(agent, expires=expires))),
    )
    came = agent.send(ask)
    more: list[tuple[str, str]] = [OUTBOUND]
    if expires:
        more = [("Require", "outbound"), OUTBOUND, ("Contact", contact(agent, expires=expires))]
    proxy.answer(came, agent, "200 OK", more=tuple(more))


class Call:
    """A dialog between two agents through the proxy."""

    def __init__(self, proxy: Proxy, caller: Agent, callee: Agent) -> None:
        self.proxy = proxy
        self.caller, self.callee = caller, callee
        self.call_id = proxy.stage.fresh("c")
        self.tags = {caller.name: proxy.stage.fresh("f"), callee.name: proxy.stage.fresh("t")}
        self.routes: dict[str, tuple[str, ...]] = {caller.name: (), callee.name: ()}
        self.invite = self.invite_out = Draft("", ())

    def ask(self, body: bytes = SDP) -> None:
        """INVITE out and through, with the 100 of the proxy."""
        caller, callee = self.caller, self.callee
        self.invite = caller.request(
            "INVITE",
            callee.aor,
            f"<{callee.aor}>",
            call_id=self.call_id,
            tag=self.tags[caller.name],
            more=(OUTBOUND, ("Contact", f"<{caller.contact_uri};ob>")),
            body=body,
        )
        came = caller.send(self.invite)
        self.proxy.answer(came, caller, "100 Trying", tag=False)
        uri = callee.contact_uri
        self.invite_out = self.proxy.forward(came, caller, callee, uri)
        self.routes[callee.name] = tuple(self.invite_out.all("Record-Route"))

    def reply(self, status: str, body: bytes = b"") -> Draft:
        """A response of the callee to the INVITE, carried back to the caller."""
        more: list[tuple[str, str]] = []
        if int(status.split()[0]) < 300:
            more = [("Record-Route", value) for value in self.routes[self.callee.name]]
            more.append(("Contact", f"<{self.callee.contact_uri}>"))
        answer = self.callee.response(
            self.invite_out, status, tag=self.tags[self.callee.name], more=tuple(more), body=body
        )
        told = self.proxy.back(self.callee.send(answer), self.caller)
        if told.has("Record-Route"):
            self.routes[self.caller.name] = tuple(reversed(told.all("Record-Route")))
        return told

    def within(
        self,
        who: Agent,
        method: str,
        *,
        cseq: int | None = None,
        more: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> tuple[Draft, Draft]:
        """A request of one side within the dialog: as sent, and as it left to the other side."""
        other = self.callee if who is self.caller else self.caller
        ob = ";ob" if other is self.caller else ""
        ask = who.request(
            method,
            other.contact_uri + ob,
            f"<{other.aor}>;tag={self.tags[other.name]}",
            call_id=self.call_id,
            tag=self.tags[who.name],
            routes=self.routes[who.name],
            cseq=cseq,
            more=more,
            body=body,
        )
        return ask, self.proxy.forward(who.send(ask), who, other)

    def ok(self, who: Agent, asked: Draft, *, more: tuple[tuple[str, str], ...] = ()) -> None:
        """The 200 of the other side to a request of `who`."""
        other = self.callee if who is self.caller else self.caller
        body = SDP if asked.method == "INVITE" else b""
        answer = other.response(asked, "200 OK", more=more, body=body)
        self.proxy.back(other.send(answer), who)

    def answer(self) -> None:
        self.reply("180 Ringing")
        self.reply("200 OK", SDP)
        self.within(self.caller, "ACK", cseq=int(self.invite.first("CSeq").split()[0]))

    def reinvite(self, who: Agent) -> None:
        other = self.callee if who is self.caller else self.caller
        ob = {self.caller.name: ";ob", self.callee.name: ""}
        ask, out = self.within(
            who,
            "INVITE",
            more=(("Contact", f"<{who.contact_uri}{ob[who.name]}>"),),
            body=SDP,
        )
        copied = tuple(("Record-Route", value) for value in out.all("Record-Route"))
        more = (*copied, ("Contact", f"<{other.contact_uri}{ob[other.name]}>"))
        self.ok(who, out, more=more)
        self.within(who, "ACK", cseq=int(ask.first("CSeq").split()[0]))

    def bye(self, who: Agent) -> None:
        _, out = self.within(who, "BYE")
        self.ok(who, out)


def pair(one: str, other: str, *, six: bool = False) -> tuple[Stage, Proxy, Agent, Agent]:
    """A stage with two registered agents."""
    stage = Stage()
    proxy = Proxy(stage)
    alice = Agent(stage, "alice", one, 21)
    bob = Agent(stage, "bob", other, 34, six=six)
    for agent in (alice, bob):
        agent.connect()
        register(proxy, agent)
    return stage, proxy, alice, bob


def play_call(one: str, other: str, *, six: bool = False) -> Trace:
    stage, proxy, alice, bob = pair(one, other, six=six)
    call = Call(proxy, alice, bob)
    call.ask()
    call.answer()
    call.reinvite(alice)
    call.reinvite(bob)
    call.bye(bob)
    second = Call(proxy, alice, bob)
    second.ask()
    second.answer()
    second.bye(alice)
    return stage.trace(f"two calls from {one} to {other}, one with re-INVITE from both sides")


def play_message(one: str, other: str) -> Trace:
    stage, proxy, alice, bob = pair(one, other)
    text = "Grüße".encode()
    ask = alice.request("MESSAGE", bob.aor, f"<{bob.aor}>", body=text, kind="text/plain")
    came = alice.send(ask)
    out = proxy.forward(came, alice, bob, bob.contact_uri)
    answer = bob.response(out, "200 OK", tag=stage.fresh("t"))
    proxy.back(bob.send(answer), alice)
    return stage.trace(f"MESSAGE from {one} to {other}")


def play_cancel(one: str, other: str) -> Trace:
    stage, proxy, alice, bob = pair(one, other)
    call = Call(proxy, alice, bob)
    call.ask()
    call.reply("180 Ringing")
    cancel = Draft(
        f"CANCEL {call.invite.uri} SIP/2.0",
        (
            ("Via", call.invite.first("Via")),
            ("Max-Forwards", "70"),
            ("From", call.invite.first("From")),
            ("To", call.invite.first("To")),
            ("Call-ID", call.call_id),
            ("CSeq", f"{call.invite.first('CSeq').split()[0]} CANCEL"),
            ("Content-Length", "0"),
        ),
    )
    proxy.answer(alice.send(cancel), alice, "200 OK")
    out = proxy.hop_by_hop(call.invite_out, "CANCEL", bob)
    bob.send(bob.response(out, "200 OK", tag=call.tags["bob"]))
    _refuse(call, "487 Request Terminated")
    return stage.trace(f"INVITE from {one} to {other}, cancelled")


def _refuse(call: Call, status: str) -> None:
    """A failure response, with the ACKs for it on both legs."""
    answer = call.callee.response(call.invite_out, status, tag=call.tags[call.callee.name])
    call.callee.send(answer)
    to = answer.first("To")
    call.proxy.hop_by_hop(call.invite_out, "ACK", call.callee, to)
    told = call.proxy.back(answer, call.caller)
    number = call.invite.first("CSeq").split()[0]
    ack = Draft(
        f"ACK {call.invite.uri} SIP/2.0",
        (
            ("Via", call.invite.first("Via")),
            ("Max-Forwards", "70"),
            *(("Route", value) for value in call.invite.all("Route")),
            ("From", call.invite.first("From")),
            ("To", told.first("To")),
            ("Call-ID", call.call_id),
            ("CSeq", f"{number} ACK"),
            ("Content-Length", "0"),
        ),
    )
    call.caller.send(ack)


def play_reject(one: str, other: str) -> Trace:
    stage, proxy, alice, bob = pair(one, other)
    call = Call(proxy, alice, bob)
    call.ask()
    _refuse(call, "486 Busy Here")
    return stage.trace(f"INVITE from {one} to {other}, rejected")


def play_register(one: str) -> Trace:
    """Registration, refresh, keep-alive, OPTIONS, removal."""
    stage = Stage()
    proxy = Proxy(stage)
    alice = Agent(stage, "alice", one, 21)
    alice.connect()
    register(proxy, alice)
    stage.wait(300)
    register(proxy, alice)
    if one != "udp":
        alice.ping()
    if alice.browser:
        alice.frame("out", 9, b"ping")
        alice.frame("in", 10, b"ping")
    ask = alice.request("OPTIONS", REGISTRAR, f"<{REGISTRAR}>")
    more = (("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER"), ("Supported", "path"))
    proxy.answer(alice.send(ask), alice, "200 OK", more=more)
    register(proxy, alice, expires=0)
    if one != "udp":
        alice.close()
    return stage.trace(f"registration over {one} with refresh, keep-alive, OPTIONS and removal")


def play_edge(one: str) -> Trace:
    """The proxy as the edge of a registrar apart: Path in, Route back (RFC 5626 section 9)."""
    stage = Stage()
    proxy = Proxy(stage)
    alice = Agent(stage, "alice", one, 21)
    home = Agent(stage, "home", "udp", 40)
    for agent in (alice, home):
        agent.connect()
    ask = alice.request(
        "REGISTER",
        REGISTRAR,
        f"<{alice.aor}>",
        call_id=alice.register_id,
        more=(OUTBOUND, ("Contact", contact(alice))),
    )
    path = proxy.side(alice).replace(";lr>", ";lr;ob>")
    proxy.given.add(path)
    out = proxy.forward(alice.send(ask).push("Path", path), alice, home)
    answer = home.response(
        out,
        "200 OK",
        tag=stage.fresh("t"),
        more=(("Path", path), ("Require", "outbound"), ("Contact", contact(alice))),
    )
    proxy.back(home.send(answer), alice)
    text = home.request(
        "MESSAGE",
        alice.contact_uri,
        f"<{alice.aor}>",
        routes=(path,),
        body=b"hello",
        kind="text/plain",
    )
    came = home.send(text)
    proxy.back(
        alice.send(alice.response(proxy.forward(came, home, alice), "200 OK", tag="a1")), home
    )
    return stage.trace(f"{one} client registered through the edge with a registrar apart")
