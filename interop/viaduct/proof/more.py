"""More good traces: chains of proxies, a home proxy, sips, credentials, several flows."""

from viaduct.proof.proxy import REGISTRAR, Proxy
from viaduct.proof.scripts import OUTBOUND, SDP, Call, contact, pair, register
from viaduct.proof.stage import DOMAIN, Agent, Stage
from viaduct.trace.model import Trace

CORE_ROUTE = "<sip:198.51.100.40;lr>"


def play_outward(one: str) -> Trace:
    """A call from a client through the proxy to a second proxy, which record-routes as well."""
    stage = Stage()
    proxy = Proxy(stage)
    alice = Agent(stage, "alice", one, 21)
    core = Agent(stage, "core", "udp", 40)
    for agent in (alice, core):
        agent.connect()
    call_id, tag, far = stage.fresh("c"), stage.fresh("f"), stage.fresh("t")
    entry = proxy.side(alice)
    target = f"sip:carol@{DOMAIN}"
    remote = "sip:carol@203.0.113.7"
    ask = alice.request(
        "INVITE",
        target,
        f"<{target}>",
        call_id=call_id,
        tag=tag,
        routes=(entry, CORE_ROUTE),
        more=(OUTBOUND, ("Contact", f"<{alice.contact_uri};ob>")),
        body=SDP,
    )
    came = alice.send(ask)
    proxy.answer(came, alice, "100 Trying", tag=False)
    out = proxy.forward(came, alice, core)
    routes = [CORE_ROUTE, *out.all("Record-Route")]
    more = tuple(("Record-Route", value) for value in routes)
    more += (("Contact", f"<{remote}>"),)
    for status, body in (("180 Ringing", b""), ("200 OK", SDP)):
        answer = core.response(out, status, tag=far, more=more, body=body)
        proxy.back(core.send(answer), alice)
    set_of_alice = tuple(reversed(routes))
    for method, number in (("ACK", int(ask.first("CSeq").split()[0])), ("BYE", None)):
        ask = alice.request(
            method,
            remote,
            f"<{target}>;tag={far}",
            call_id=call_id,
            tag=tag,
            routes=set_of_alice,
            cseq=number,
        )
        left = proxy.forward(alice.send(ask), alice, core)
        if method == "BYE":
            proxy.back(core.send(core.response(left, "200 OK")), alice)
    return stage.trace(f"call from {one} through a second proxy")


def play_inward(one: str) -> Trace:
    """A call that a second proxy brings to a client of the proxy, hung up by the client."""
    stage = Stage()
    proxy = Proxy(stage)
    bob = Agent(stage, "bob", one, 34)
    core = Agent(stage, "core", "udp", 40)
    for agent in (bob, core):
        agent.connect()
    register(proxy, bob)
    call_id, tag, mine = stage.fresh("c"), stage.fresh("f"), stage.fresh("t")
    caller = f"sip:carol@{DOMAIN}"
    remote = "sip:carol@203.0.113.7"
    lower = f"SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bK{stage.fresh('x')};received=203.0.113.7"
    ask = core.request("INVITE", bob.aor, f"<{bob.aor}>", call_id=call_id, tag=tag, body=SDP)
    ask = ask.put("Via", [ask.first("Via"), lower]).put("Max-Forwards", ["69"])
    ask = ask.put("From", [f"<{caller}>;tag={tag}"]).put("Record-Route", [CORE_ROUTE])
    ask = ask.put("Contact", [f"<{remote}>"])
    came = core.send(ask)
    proxy.answer(came, core, "100 Trying", tag=False)
    out = proxy.forward(came, core, bob, bob.contact_uri)
    routes = tuple(out.all("Record-Route"))
    more = (*(("Record-Route", value) for value in routes), ("Contact", f"<{bob.contact_uri}>"))
    answer = bob.response(out, "200 OK", tag=mine, more=more, body=SDP)
    proxy.back(bob.send(answer), core)
    ack = core.request(
        "ACK",
        bob.contact_uri,
        f"<{bob.aor}>;tag={mine}",
        call_id=call_id,
        tag=tag,
        routes=tuple(reversed(routes))[1:],
        cseq=1,
    )
    ack = ack.put("From", [f"<{caller}>;tag={tag}"]).put("Max-Forwards", ["69"])
    lower = lower.replace("z9hG4bK", "z9hG4bKa")
    proxy.forward(core.send(ack.put("Via", [ack.first("Via"), lower])), core, bob)
    bye = bob.request(
        "BYE", remote, f"<{caller}>;tag={tag}", call_id=call_id, tag=mine, routes=routes
    )
    left = proxy.forward(bob.send(bye), bob, core)
    proxy.back(core.send(core.response(left, "200 OK")), bob)
    return stage.trace(f"call from a second proxy to {one}")


def play_home(one: str) -> Trace:
    """The proxy as home proxy of a client behind an edge proxy: Path kept, then used as Route."""
    stage = Stage()
    proxy = Proxy(stage)
    alice = Agent(stage, "alice", one, 21)
    edge = Agent(stage, "edge", "udp", 41)
    for agent in (alice, edge):
        agent.connect()
    path = "<sip:tokbob@198.51.100.41;lr;ob>"
    bob_uri = "sip:bob@x123.invalid;transport=ws"
    instance = '"<urn:uuid:00000000-0000-4000-8000-000000000001>"'
    bound = f"<{bob_uri}>;+sip.instance={instance};reg-id=1;expires=600"
    ask = edge.request(
        "REGISTER",
        REGISTRAR,
        f"<sip:bob@{DOMAIN}>",
        more=(("Path", path), OUTBOUND, ("Contact", bound)),
    )
    ask = ask.put("From", [f"<sip:bob@{DOMAIN}>;tag={stage.fresh('f')}"])
    lower = f"SIP/2.0/WSS x123.invalid;branch=z9hG4bK{stage.fresh('x')}"
    ask = ask.put("Via", [ask.first("Via"), lower]).put("Max-Forwards", ["69"])
    came = edge.send(ask)
    proxy.answer(
        came,
        edge,
        "200 OK",
        more=(
            ("Path", path),
            ("Require", "outbound"),
            OUTBOUND,
            ("Contact", bound),
            ("Service-Route", "<sip:192.0.2.10;lr>"),
            ("Flow-Timer", "120"),
        ),
    )
    text = alice.request(
        "MESSAGE", f"sip:bob@{DOMAIN}", f"<sip:bob@{DOMAIN}>", body=b"hello", kind="text/plain"
    )
    out = proxy.forward(alice.send(text), alice, edge, bob_uri, paths=(path,))
    proxy.back(edge.send(edge.response(out, "200 OK", tag="b1")), alice)
    return stage.trace(f"MESSAGE from {one} to a client registered through another edge")


def play_second_hop() -> Trace:
    """The proxy between an edge proxy and a registrar: its own Path on top of the edge's."""
    stage = Stage()
    proxy = Proxy(stage)
    edge = Agent(stage, "edge", "udp", 41)
    home = Agent(stage, "home", "udp", 40)
    for agent in (edge, home):
        agent.connect()
    first = "<sip:tokbob@198.51.100.41;lr;ob>"
    bound = "<sip:bob@x123.invalid;transport=ws>;expires=600"
    ask = edge.request(
        "REGISTER",
        REGISTRAR,
        f"<sip:bob@{DOMAIN}>",
        more=(("Path", first), ("Supported", "path"), ("Contact", bound)),
    )
    ask = ask.put("From", [f"<sip:bob@{DOMAIN}>;tag={stage.fresh('f')}"])
    lower = f"SIP/2.0/WSS x123.invalid;branch=z9hG4bK{stage.fresh('x')}"
    ask = ask.put("Via", [ask.first("Via"), lower]).put("Max-Forwards", ["69"])
    own = proxy.side(edge)
    out = proxy.forward(edge.send(ask).push("Path", own), edge, home)
    more = (("Path", own), ("Path", first), ("Service-Route", "<sip:198.51.100.40;lr>"))
    answer = home.response(out, "200 OK", tag="r1", more=(*more, ("Contact", bound)))
    proxy.back(home.send(answer), edge)
    return stage.trace("REGISTER through an edge proxy, the proxy and a registrar")


def play_sips() -> Trace:
    """A call for a sips URI between two TLS clients."""

    def secure(agent: Agent) -> str:
        return agent.contact_uri.replace("sip:", "sips:")

    stage = Stage()
    proxy = Proxy(stage)
    alice, bob = Agent(stage, "alice", "tls", 21), Agent(stage, "bob", "tls", 34)
    for agent in (alice, bob):
        agent.connect()
        bound = contact(agent).replace(agent.contact_uri, secure(agent))
        who = agent.aor.replace("sip:", "sips:")
        more = (OUTBOUND, ("Contact", bound))
        ask = agent.request("REGISTER", "sips:example.com", f"<{who}>", more=more)
        told = (("Require", "outbound"), ("Contact", bound))
        proxy.answer(agent.send(ask), agent, "200 OK", more=told)

    call_id, tag, mine = stage.fresh("c"), stage.fresh("f"), stage.fresh("t")
    to = bob.aor.replace("sip:", "sips:")
    entry = "<sips:edge.example.com;lr>"
    proxy.given.add(entry)
    ask = alice.request(
        "INVITE",
        to,
        f"<{to}>",
        call_id=call_id,
        tag=tag,
        routes=(entry,),
        more=(OUTBOUND, ("Contact", f"<{secure(alice)}>")),
        body=SDP,
    )
    own = "<sips:tok@edge.example.com;lr>"
    proxy.given.add(own)
    came = alice.send(ask)
    out = proxy.forward(came.put("Record-Route", [own]), alice, bob, secure(bob), record=False)
    more = (("Record-Route", own), ("Contact", f"<{secure(bob)}>"))
    proxy.back(bob.send(bob.response(out, "200 OK", tag=mine, more=more, body=SDP)), alice)
    for method, number in (("ACK", 1), ("BYE", None)):
        ask = alice.request(
            method,
            secure(bob),
            f"<{to}>;tag={mine}",
            call_id=call_id,
            tag=tag,
            routes=(own,),
            cseq=number,
        )
        left = proxy.forward(alice.send(ask), alice, bob)
        if method == "BYE":
            proxy.back(bob.send(bob.response(left, "200 OK")), alice)
    return stage.trace("a sips call between two TLS clients")


def play_credentials(one: str) -> Trace:
    """A REGISTER that is challenged and repeated, then a MESSAGE that is challenged by 407."""
    stage = Stage()
    proxy = Proxy(stage)
    alice = Agent(stage, "alice", one, 21)
    alice.connect()
    digest = 'Digest realm="example.com", nonce="n1", algorithm=MD5, qop="auth"'
    tag = stage.fresh("f")
    more = (OUTBOUND, ("Contact", contact(alice)))
    ask = alice.request(
        "REGISTER", REGISTRAR, f"<{alice.aor}>", call_id=alice.register_id, tag=tag, more=more
    )
    proxy.answer(alice.send(ask), alice, "401 Unauthorized", more=(("WWW-Authenticate", digest),))
    reply = (
        'Digest username="alice", realm="example.com", nonce="n1", uri="sip:example.com",'
        ' response="0123456789abcdef0123456789abcdef", algorithm=MD5, cnonce="c", qop=auth,'
        " nc=00000001"
    )
    ask = alice.request(
        "REGISTER",
        REGISTRAR,
        f"<{alice.aor}>",
        call_id=alice.register_id,
        tag=tag,
        more=(*more, ("Authorization", reply)),
    )
    told = (("Require", "outbound"), OUTBOUND, ("Contact", contact(alice)))
    proxy.answer(alice.send(ask), alice, "200 OK", more=told)
    uri = f"sip:carol@{DOMAIN}"
    ask = alice.request("MESSAGE", uri, f"<{uri}>", body=b"hi", kind="text/plain")
    proxy.answer(
        alice.send(ask),
        alice,
        "407 Proxy Authentication Required",
        more=(("Proxy-Authenticate", digest),),
    )
    return stage.trace(f"registration over {one} with credentials")


def play_flows(one: str) -> Trace:
    """One client with two flows, and the removal of all its bindings."""
    stage = Stage()
    proxy = Proxy(stage)
    first = Agent(stage, "alice", one, 21)
    second = Agent(stage, "alice", one, 22, flow=f"{one}-2")
    listed: list[tuple[str, str]] = []
    for number, agent in enumerate((first, second), start=1):
        agent.connect()
        bound = contact(agent).replace("reg-id=1", f"reg-id={number}")
        ask = agent.request(
            "REGISTER",
            REGISTRAR,
            f"<{agent.aor}>",
            call_id=agent.register_id,
            more=(OUTBOUND, ("Contact", bound)),
        )
        listed.append(("Contact", bound))
        told = (("Require", "outbound"), OUTBOUND, *listed, ("Flow-Timer", "120"))
        proxy.answer(agent.send(ask), agent, "200 OK", more=told)
    ask = first.request(
        "REGISTER",
        REGISTRAR,
        f"<{first.aor}>",
        call_id=first.register_id,
        more=(("Expires", "0"), ("Contact", "*")),
    )
    proxy.answer(first.send(ask), first, "200 OK")
    return stage.trace(f"one client with two flows over {one}")


def play_two_edges(one: str) -> Trace:
    """Two clients registered through the edge with a registrar apart: two tokens."""
    stage = Stage()
    proxy = Proxy(stage)
    home = Agent(stage, "home", "udp", 40)
    home.connect()
    for name, number in (("alice", 21), ("bob", 34)):
        agent = Agent(stage, name, one, number)
        agent.connect()
        ask = agent.request(
            "REGISTER",
            REGISTRAR,
            f"<{agent.aor}>",
            call_id=agent.register_id,
            more=(OUTBOUND, ("Contact", contact(agent))),
        )
        path = proxy.side(agent).replace(";lr>", ";lr;ob>")
        out = proxy.forward(agent.send(ask).push("Path", path), agent, home)
        told = (("Path", path), ("Require", "outbound"), ("Contact", contact(agent)))
        answer = home.response(out, "200 OK", tag=stage.fresh("t"), more=told)
        proxy.back(home.send(answer), agent)
    return stage.trace(f"two {one} clients registered through the edge")


def play_crossing(one: str) -> Trace:
    """A call whose INVITE is answered before anything rings, with a MESSAGE within the dialog."""
    stage, proxy, alice, bob = pair(one, "udp")
    call = Call(proxy, alice, bob)
    call.ask()
    call.reply("200 OK", SDP)
    call.within(alice, "ACK", cseq=int(call.invite.first("CSeq").split()[0]))
    _, out = call.within(alice, "MESSAGE", more=(("Subject", "x"),), body=b"hi")
    call.ok(alice, out)
    _, out = call.within(bob, "UPDATE", more=(("Contact", f"<{bob.contact_uri}>"),))
    call.ok(bob, out, more=(("Contact", f"<{alice.contact_uri};ob>"),))
    call.bye(alice)
    return stage.trace(f"call from {one} to udp with MESSAGE and UPDATE within")
