"""The scene: directions, pairing, dialogs and bindings, on traces made for the purpose."""

from dataclasses import replace

import pytest

from viaduct.proof.repertoire import played
from viaduct.rules import judge
from viaduct.rules.scene.place import Address, read_address, read_sut
from viaduct.rules.scene.scene import Scene
from viaduct.sip.uri import read_uri
from viaduct.trace.model import Header, Trace


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:5060", Address("127.0.0.1", 5060)),
        ("[::1]:443", Address("::1", 443)),
        ("[2001:DB8:0::1]:1", Address("2001:db8::1", 1)),
        ("[::ffff:192.0.2.1]:5", Address("192.0.2.1", 5)),
        ("host", None),
        ("host:port", None),
        (None, None),
    ],
)
def test_addresses(text: str | None, address: Address | None) -> None:
    assert read_address(text) == address


def test_who_is_under_test() -> None:
    sut = read_sut(["udp:0.0.0.0:5060", "wss:[::1]:443", "nonsense"], ["server"])
    assert sut.owns("udp", Address("192.0.2.1", 5060)) and not sut.owns("tcp", Address("1", 5060))
    assert sut.owns("wss", Address("::1", 443)) and not sut.owns("wss", None)
    assert sut.names(read_uri("sips:a@[::1]:443")) and not sut.names(read_uri("sip:a@[::1]"))


def test_a_call_is_paired_hop_by_hop() -> None:
    scene = Scene(played("call-wss-udp"))
    hops = [(hop.inn.name, hop.inn.agent, hop.out.agent) for hop in scene.request_hops]
    assert hops[:4] == [
        ("INVITE", "alice", "bob"),
        ("ACK", "alice", "bob"),
        ("INVITE", "alice", "bob"),
        ("ACK", "alice", "bob"),
    ]
    assert {hop.pushed for hop in scene.request_hops} == {1}
    answers = [(hop.inn.status, hop.out.agent) for hop in scene.response_hops]
    assert answers[:2] == [(180, "alice"), (200, "alice")]
    trying = [packet for packet in scene.responses if packet.status == 100]
    assert trying and all(packet.hop is None and packet.request for packet in trying)


def test_the_halves_of_a_dialog() -> None:
    scene = Scene(played("outward-wss"))
    [half] = [half for half in scene.dialogs.halves.values() if half.agent == "alice"]
    assert half.calls and half.confirmed
    assert [value.raw for value in half.route_set or ()] == [
        "<sip:tok21wss1@192.0.2.10:443;transport=ws;lr>",
        "<sip:tok40udp1@192.0.2.10:5060;lr>",
        "<sip:198.51.100.40;lr>",
    ]
    assert [str(uri) for uri in half.targets_at(9e9)] == ["sip:carol@203.0.113.7"]
    assert [packet.method for packet in half.sent] == ["ACK", "BYE"]


def test_bindings_begin_and_end() -> None:
    scene = Scene(played("register-wss"))
    [first, second] = scene.bindings.known["alice@example.com"]
    assert first.until < second.since + 1
    assert scene.bindings.at("alice@example.com", second.since + 0.005) == [second]
    assert scene.bindings.at("alice@example.com", 9e9) == []
    assert first.link is second.link and first.is_outbound


def test_seen_from_inside_a_trace_gives_the_same_hops() -> None:
    """The server's own record of a call: directions and addresses the other way round."""
    trace = played("call-udp-tcp")
    turn = {"in": "out", "out": "in", None: None}
    events = tuple(
        replace(
            event,
            at="server",
            flow=f"{event.at}-{event.flow}",
            dir=turn[event.dir],
            local=event.remote,
            remote=event.local,
        )
        for event in trace.events
    )
    inside = Trace(replace(trace.header, sut_vantages=("server",)), events)
    assert len(Scene(inside).request_hops) == len(Scene(trace).request_hops)
    assert judge(inside) == []


def test_two_vantages_of_one_message_are_one_packet() -> None:
    trace = played("call-wss-tcp")
    turn = {"in": "out", "out": "in", None: None}
    both = []
    for event in trace.events:
        seen = replace(
            event,
            at="server",
            flow="s" + event.at,
            dir=turn[event.dir],
            local=event.remote,
            remote=event.local,
        )
        both += [event, seen] if event.dir == "out" else [seen, event]
    numbered = tuple(replace(event, n=n) for n, event in enumerate(both, start=1))
    merged = Trace(replace(trace.header, sut_vantages=("server",)), numbered)
    assert len(Scene(merged).packets) == len(Scene(trace).packets)
    assert judge(merged) == []


def test_a_browser_that_does_not_know_its_address_is_found_by_what_it_sent() -> None:
    trace = played("call-wss-tcp")
    events = tuple(replace(e, local=None) if e.at == "alice" else e for e in trace.events)
    assert judge(replace(trace, events=events)) == []


def test_without_a_known_system_agents_that_talk_directly_are_nobodys_hop() -> None:
    trace = played("message-udp-udp")
    asked = next(e for e in trace.events if e.at == "alice" and e.data.startswith(b"MESSAGE"))
    direct = replace(asked, remote="198.51.100.34:5060")
    got = replace(direct, n=2, t=direct.t + 0.001, at="bob", dir="in")
    got = replace(got, local=direct.remote, remote=direct.local)
    assert judge(Trace(Header(), (replace(direct, n=1), got))) == []


def test_a_connection_that_the_system_opened_is_on_its_border() -> None:
    trace = played("message-udp-tcp")
    events = tuple(
        replace(e, remote="192.0.2.10:54321", flow="tcp-in")
        if e.at == "bob" and "MESSAGE" in e.data.decode()
        else e
        for e in trace.events
    )
    scene = Scene(replace(trace, events=events))
    assert [hop.out.link.name for hop in scene.request_hops] == ["tcp-in"]
