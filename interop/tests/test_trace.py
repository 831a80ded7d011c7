"""The trace model: what is written is read again, and what is no trace is an error with its
line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viaduct.trace.jsonl import Recorder, TraceError, event_line, header_line, loads, read, write
from viaduct.trace.model import Event, Header, Trace, merge

HEADER = b'{"kind":"trace","version":1,"at":"a"}\n'


def line(**more: object) -> bytes:
    event = {"n": 1, "t": 1.5, "at": "a", "kind": "note", "flow": "", "dir": None, **more}
    return json.dumps(event).encode() + b"\n"


def test_what_a_recorder_writes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Recorder("alice", path, sut=["udp:127.0.0.1:5060"], note="x") as recorder:
        recorder.event("connect", flow="udp-1", transport="udp", local="127.0.0.1:1")
        recorder.event("message", flow="udp-1", transport="udp", dir="out", data="Grüße".encode())
        recorder.event("message", flow="udp-1", transport="udp", dir="in", data=b"\xff\x00", k=[1])
    trace = read(path)
    assert trace.header == Header("alice", ("udp:127.0.0.1:5060",), note="x")
    assert [event.data for event in trace.events] == [b"", "Grüße".encode(), b"\xff\x00"]
    assert trace.events[2].info == {"k": [1]}
    assert [event.n for event in trace.events] == [1, 2, 3]
    write(trace, tmp_path / "b.jsonl")
    assert read(tmp_path / "b.jsonl") == trace


def test_merge_sorts_by_time_and_numbers_anew() -> None:
    one = Trace(
        Header("a", ("udp:1.1.1.1:1",)), (Event(1, 1.0, "a", "note"), Event(2, 3.0, "a", "note"))
    )
    two = Trace(Header("b", sut_vantages=("b",)), (Event(1, 2.0, "b", "note"),))
    merged = merge([one, two])
    assert [(event.n, event.at) for event in merged.events] == [(1, "a"), (2, "b"), (3, "a")]
    assert merged.header.sut == ("udp:1.1.1.1:1",)
    assert merged.header.sut_vantages == ("b",)


def test_merge_keeps_the_order_of_a_vantage_whose_clock_stepped_back() -> None:
    one = Trace(Header("a"), (Event(1, 5.0, "a", "note"), Event(2, 4.0, "a", "close")))
    assert [event.kind for event in merge([one]).events] == ["note", "close"]


@pytest.mark.parametrize(
    ("raw", "where", "reason"),
    [
        (b"", ":1", "empty"),
        (b"{}\n", ":1", "no trace header"),
        (b'{"kind":"trace","version":2}\n', ":1", "version 2"),
        (b'{"kind":"trace","version":1,"sut":"x"}\n', ":1", "sut"),
        (HEADER + b"[]\n", ":2", "not a JSON object"),
        (HEADER + b"{\n", ":2", "not JSON"),
        (HEADER + b"\xff\n", ":2", "not UTF-8 at byte 0"),
        (HEADER + line(n=0), ":2", '"n"'),
        (HEADER + line(t="now"), ":2", '"t"'),
        (HEADER + line(t=10**400), ":2", "finite"),
        (HEADER + line(kind="thing"), ":2", "thing"),
        (HEADER + line(dir="up"), ":2", "up"),
        (HEADER + line(transport="sctp"), ":2", "sctp"),
        (HEADER + line(text="a", b64="YQ=="), ":2", "exclude"),
        (HEADER + line(b64="%"), ":2", "base64"),
        (HEADER + line(text="\ud800"), ":2", "surrogate"),
        (HEADER + line(info=[]), ":2", "info"),
        (HEADER + line(more=1), ":2", "more"),
        (HEADER + line() + HEADER, ":3", "unknown key"),
    ],
)
def test_what_is_no_trace_is_told_with_its_line(raw: bytes, where: str, reason: str) -> None:
    with pytest.raises(TraceError, match="x.jsonl" + where) as caught:
        loads(raw, "x.jsonl")
    assert reason in caught.value.reason


def test_missing_file_is_a_trace_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        read(tmp_path / "none.jsonl")


@given(st.binary())
def test_any_bytes_are_a_trace_or_a_trace_error(raw: bytes) -> None:
    for data in (raw, HEADER + raw):
        try:
            loads(data)
        except TraceError:
            continue


@given(st.binary(), st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_any_event_survives_writing(data: bytes, info: dict[str, object]) -> None:
    event = Event(1, 1.25, "a", "message", "f", "wss", None, "[::1]:1", "in", data, info)
    text = header_line(Header("a")) + "\n" + event_line(event)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate in info is no text that a vantage could have seen
    assert loads(raw).events == (event,)
