"""Rules as a whole: what they are, whom they blame, and that no trace is too odd for them."""

import time
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viaduct.proof.mutant import Mutant, apply
from viaduct.proof.repertoire import played
from viaduct.rules import RULES, judge
from viaduct.trace.model import Event, Header, Trace


def test_ids_are_kebab_case_and_rules_are_told_in_words() -> None:
    for rule in RULES.values():
        assert rule.id == rule.id.lower() and " " not in rule.id and "_" not in rule.id
        assert rule.title and rule.text.endswith(".") and rule.legs


def test_a_finding_is_by_whoever_sent_the_message() -> None:
    trace = played("message-wss-udp")
    edit = (
        {
            "at": "alice out MESSAGE",
            "sub": ["From: <sip:alice@example.com>;tag=", "From: <sip:a>;x="],
        },
    )
    by_alice = judge(apply(Mutant("from-tag", "", edit), trace))
    assert {finding.party for finding in by_alice if finding.rule == "from-tag"} == {"alice"}
    edit = ({"at": "bob in MESSAGE", "sub": ["Max-Forwards: 69", "Max-Forwards: 70"]},)
    [found] = judge(apply(Mutant("max-forwards-lowered", "", edit), trace))
    assert (found.party, found.verdict, found.header) == ("target", "fail", "Max-Forwards")


def test_a_should_is_a_warning() -> None:
    edit = (
        {"every": ["Max-Forwards: 69", "Max-Forwards: 68"]},
        {"every": ["Max-Forwards: 70", "Max-Forwards: 69"]},
    )
    found = judge(apply(Mutant("max-forwards-start", "", edit), played("message-wss-udp")))
    assert found and {finding.verdict for finding in found} == {"warn"}


def test_bytes_cover_the_offending_value() -> None:
    edit = ({"at": "bob in MESSAGE", "sub": ["SIP/2.0/UDP 192", "SIP/2.0/TCP 192"]},)
    trace = apply(Mutant("via-transport-token", "", edit), played("message-wss-udp"))
    found = [finding for finding in judge(trace) if finding.rule == "via-transport-token"][0]
    event = trace.events[(found.event or 0) - 1]
    assert found.bytes is not None and event.data[slice(*found.bytes)] == b"TCP"


def test_an_empty_trace_and_one_without_system() -> None:
    assert judge(Trace(Header(), ())) == []
    trace = played("register-wss")
    assert judge(replace(trace, header=Header())) == []


def test_time_grows_with_the_number_of_messages() -> None:
    """Twenty times the messages may not take more than sixty times as long."""

    def copies(count: int) -> Trace:
        one = played("call-wss-udp")
        events: list[Event] = []
        for number in range(count):
            suffix = f"{number}".encode()
            for event in one.events:
                data = event.data.replace(b"example.com", b"example" + suffix + b".com")
                for old in (b"z9hG4bK", b"Call-ID: ", b"tag="):
                    data = data.replace(old, old + b"n" + suffix)
                events.append(
                    replace(event, t=event.t + number, data=data, at=event.at + str(number))
                )
        numbered = tuple(replace(event, n=n) for n, event in enumerate(events, start=1))
        return Trace(one.header, numbered)

    small, large = copies(2), copies(40)
    start = time.process_time()
    judge(small)
    middle = time.process_time()
    judge(large)
    assert time.process_time() - middle < 60 * max(middle - start, 0.02)


EVENTS = [
    event for name in ("call-wss-udp", "edge-ws", "cancel-tcp-tls") for event in played(name).events
]
SUT = played("call-wss-udp").header


@st.composite
def odd_traces(draw: st.DrawFn) -> Trace:
    """Events of good traces, shuffled, cut and spoilt."""
    events: list[Event] = []
    for event in draw(st.lists(st.sampled_from(EVENTS), max_size=12)):
        data = event.data
        if draw(st.booleans()):
            at = draw(st.integers(0, len(data)))
            data = data[:at] + draw(st.binary(max_size=6)) + data[at + draw(st.integers(0, 9)) :]
        event = replace(
            event,
            data=data,
            t=draw(st.floats(0, 10)),
            kind=draw(st.sampled_from([event.kind, event.kind, "message", "frame", "handshake"])),
            dir=draw(st.sampled_from([event.dir, "in", "out", None])),
            local=draw(st.sampled_from([event.local, None, "", "x:y"])),
            remote=draw(st.sampled_from([event.remote, event.remote, None, "192.0.2.10:9"])),
            info=draw(st.sampled_from([event.info, {}, {"opcode": "x", "fin": 0, "rsv": None}])),
        )
        events.append(event)
    numbered = tuple(replace(event, n=n) for n, event in enumerate(events, start=1))
    header = draw(st.sampled_from([SUT, Header(), Header(sut_vantages=("bob",))]))
    return Trace(header, numbered)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(odd_traces())
def test_no_trace_is_too_odd(trace: Trace) -> None:
    events = {event.n: event for event in trace.events}
    for finding in judge(trace):
        assert finding.rule in RULES and finding.text
        if finding.bytes is not None and finding.event is not None:
            assert 0 <= finding.bytes[0] <= finding.bytes[1] <= len(events[finding.event].data) + 1


def test_a_binding_is_found_though_its_frame_was_binary() -> None:
    """The same SIP in a binary WebSocket message is judged alike (RFC 7118 4.2)."""
    trace = played("register-wss")
    events = tuple(
        replace(event, info={**event.info, "opcode": 2}) if event.info.get("opcode") == 1 else event
        for event in trace.events
    )
    assert judge(replace(trace, events=events)) == []
