"""The reader of SIPp's message logs."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from viaduct.trace import sipplog
from viaduct.trace.sipplog import Place, SippLogError, loads

DASHES = b"-" * 47
INVITE = b"INVITE sip:b@x SIP/2.0\r\nContent-Length: 0\r\n\r\n"
OK = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
EPOCH = datetime(2026, 11, 22, 19, 42, 45, tzinfo=timezone.utc).timestamp()


def entry(
    what: str,
    data: bytes,
    second: str = "45.000000",
    length: int | None = None,
    transport: str = "UDP",
) -> bytes:
    number = len(data) if length is None else length
    heading = (
        f"{transport} message sent ({number} bytes):"
        if what == "sent"
        else f"{transport} message received [{number}] bytes :"
    )
    return DASHES + f" 2026-11-22 19:42:{second}\n{heading}\n\n".encode() + data + b"\n"


def test_both_directions_with_their_bytes_and_times() -> None:
    log = entry("sent", INVITE, "45.100000") + entry("received", OK, "45.200000")
    place = Place(at="alice", local="127.0.0.1:1", remote="127.0.0.1:2")
    out, back = loads(log, place, timezone.utc).events
    assert (out.dir, out.data, out.transport, out.flow) == ("out", INVITE, "udp", "udp-1")
    assert (back.dir, back.data, back.at, back.local) == ("in", OK, "alice", "127.0.0.1:1")
    assert back.t == pytest.approx(EPOCH + 0.2, abs=1e-6)
    assert [event.kind for event in (out, back)] == ["message", "message"]
    assert [event.n for event in (out, back)] == [1, 2]


def test_what_was_sent_is_dated_back_but_not_before_its_cause() -> None:
    log = (
        entry("sent", INVITE, "45.500000")
        + entry("received", OK, "45.510000")
        + entry("sent", INVITE, "45.520000")
        + entry("sent", INVITE, "49.000000")
    )
    times = [event.t - EPOCH for event in loads(log, zone=timezone.utc).events]
    early = sipplog.SENT_EARLIER
    assert times == pytest.approx([0.5 - early, 0.51, 0.51, 4.0 - early], abs=1e-5)
    assert times == sorted(times)


def test_whoever_ran_sipp_knows_the_transport_better() -> None:
    log = entry("sent", INVITE, transport="TCP")
    (event,) = loads(log, Place(transport="wss", flow="wss-7"), timezone.utc).events
    assert (event.transport, event.flow) == ("wss", "wss-7")
    (event,) = loads(log, zone=timezone.utc).events
    assert (event.transport, event.flow) == ("tcp", "tcp-1")


def test_a_body_that_looks_like_an_entry_is_a_body() -> None:
    data = INVITE + DASHES + b" no stamp\nUDP message sent (3 bytes):\n\nabc\n"
    log = entry("sent", data) + entry("received", OK)
    assert [event.data for event in loads(log, zone=timezone.utc).events] == [data, OK]


def test_sipps_own_remarks_are_passed_by() -> None:
    remark = b"Problem EAGAIN on socket  8 and poll_idx  is 1 \n"
    note = DASHES + b" 2026-11-22 19:42:44.000000\nUnexpected UDP message received:\n\nBYE\n"
    log = remark + entry("sent", INVITE) + note + remark + entry("received", OK)
    assert [event.data for event in loads(log, zone=timezone.utc).events] == [INVITE, OK]


def test_a_message_cut_at_a_nul_ends_there_and_says_so() -> None:
    head = b"SIP/2.0 200 OK\r\nFlow-Timer: 120\r"
    log = entry("received", head, length=len(head) + 40) + entry("sent", INVITE)
    cut, next_one = loads(log, zone=timezone.utc).events
    assert cut.data == head + b"\0"
    assert cut.info == {"cut": 39}
    assert next_one.data == INVITE and next_one.info == {}


def test_what_the_end_of_the_log_cut_off_is_no_message() -> None:
    log = entry("sent", INVITE) + entry("received", OK, length=500)
    sent, rest = loads(log, zone=timezone.utc).events
    assert (sent.kind, rest.kind) == ("message", "note")
    assert rest.info["cut"] > 0


@pytest.mark.parametrize(
    "log, where, reason",
    [
        (b"", 1, "no entry"),
        (b"no log at all\n", 1, "no entry"),
        (entry("sent", INVITE) + entry("sent", INVITE, length=10), 8, "does not end after its 10"),
        (entry("sent", INVITE, "61.000000"), 1, "no such time"),
        (entry("sent", INVITE, transport="SCTP"), 1, "no transport 'sctp'"),
        (entry("sent", INVITE).replace(b":\n\n", b":\nx\n", 1), 1, "an empty line is due"),
    ],
)
def test_errors_name_the_line(log: bytes, where: int, reason: str) -> None:
    with pytest.raises(SippLogError) as caught:
        loads(log, zone=timezone.utc, name="m.log")
    assert caught.value.where == f"m.log:{where}"
    assert reason in caught.value.reason


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SippLogError, match="none.log: No such file"):
        sipplog.read(tmp_path / "none.log")


def test_a_log_is_known_by_its_beginning() -> None:
    assert sipplog.looks_like(b"Problem EAGAIN\n" + entry("sent", INVITE))
    assert not sipplog.looks_like(b'{"kind": "trace"}\n')
    assert not sipplog.looks_like(b"")
