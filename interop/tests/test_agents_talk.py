"""What went on at a vantage, in short."""

import pytest

from viaduct.agents.talk import CALL, CALLEE_BYE, CANCEL, other_side, talk_at
from viaduct.trace.model import Event


def message(direction: str, start: str, cseq: str, branch: str = "1", at: str = "a") -> Event:
    data = f"{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nCSeq: {cseq}\r\n\r\n"
    return Event(1, 0.0, at, "message", "udp-1", "udp", dir=direction, data=data.encode())


INVITE = message("out", "INVITE sip:b@x SIP/2.0", "1 INVITE")
OK = message("in", "SIP/2.0 200 OK", "1 INVITE")


def test_requests_and_final_responses_in_order() -> None:
    trying = message("in", "SIP/2.0 100 Trying", "1 INVITE")
    ack = message("out", "ACK sip:b@x SIP/2.0", "1 ACK", "2")
    assert talk_at([INVITE, trying, OK, ack], "a") == ("> INVITE", "< 200 INVITE", "> ACK")


def test_a_retransmission_is_not_told_twice_but_the_next_request_is() -> None:
    again = message("out", "INVITE sip:b@x SIP/2.0", "2 INVITE", "9")
    assert talk_at([INVITE, INVITE, OK, OK, again], "a") == (
        "> INVITE",
        "< 200 INVITE",
        "> INVITE",
    )


def test_others_and_keepalives_and_registrations_are_left_out() -> None:
    events = [
        message("out", "REGISTER sip:x SIP/2.0", "1 REGISTER"),
        message("in", "SIP/2.0 200 OK", "1 REGISTER"),
        message("out", "BYE sip:b@x SIP/2.0", "3 BYE", at="b"),
        Event(1, 0.0, "a", "message", dir="out", data=b"\r\n\r\n"),
        Event(1, 0.0, "a", "frame", dir="out", data=b"BYE"),
    ]
    assert talk_at(events, "a") == ()


def test_garbage_is_shown_and_not_taken_for_anything() -> None:
    event = Event(1, 0.0, "a", "message", dir="in", data=b"\x16\x03\x01 hello")
    assert talk_at([event], "a") == ("< b'\\x16\\x03\\x01 hello'",)


@pytest.mark.parametrize("talk", [CALL, CALLEE_BYE, CANCEL])
def test_the_other_side_sees_the_same_the_other_way_round(talk: tuple[str, ...]) -> None:
    assert other_side(other_side(talk)) == talk
    assert all(a[0] != b[0] and a[1:] == b[1:] for a, b in zip(talk, other_side(talk), strict=True))
