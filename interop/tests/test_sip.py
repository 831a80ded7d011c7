"""The oracle's SIP parser, by tables of inputs, and by any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viaduct.sip.cursor import Cursor
from viaduct.sip.header import GRAMMAR
from viaduct.sip.message import ParseError, is_keepalive, parse
from viaduct.sip.uri import aor, read_uri, same_uri

INVITE = (
    b"INVITE sip:bob@biloxi.example.com;transport=tcp SIP/2.0\r\n"
    b"v: SIP/2.0/WSS a.invalid;branch=z9hG4bK1 ,\r\n"
    b" SIP / 2.0 / UDP [::1]:5060;received=::1;rport\r\n"
    b'f: "A \\" B" <sip:a@example.com;x=y>;tag=1\r\n'
    b"t: sip:b@example.com;tag=2\r\n"
    b"i: abc@host\r\n"
    b"CSeq:\t7\r\n INVITE\r\n"
    b'm: <sip:a@a.invalid;transport=ws;ob>;+sip.instance="<urn:uuid:1>";reg-id=1, *\r\n'
    b"Route: <sip:p1;lr>,<sip:p2;lr>\r\n"
    b"Route: <sip:p3;lr>\r\n"
    b"k: path, outbound\r\n"
    b"X-Odd:\r\n"
    b"l: 3\r\n"
    b"\r\n"
    b"abcd"
)


def test_a_message_in_all_its_parts() -> None:
    message = parse(INVITE, "tcp")
    assert (message.method, message.status, message.version) == ("INVITE", 0, "2.0")
    assert message.request_uri.transport == "tcp"
    top, second = message.vias
    assert (top.transport, top.host, top.port, top.branch) == ("WSS", "a.invalid", None, "z9hG4bK1")
    assert (second.host, second.port, second.value("received")) == ("[::1]", 5060, "::1")
    assert second.has("rport") and second.value("rport") is None
    sender = message.address("from")
    assert sender is not None and sender.tag == "1" and sender.uri is not None
    assert sender.uri.param("x") is not None
    to = message.address("to")
    assert to is not None and to.tag == "2" and not to.bracketed
    assert message.call_id == "abc@host"
    cseq = message.cseq
    assert cseq is not None and (cseq.number, cseq.method) == (7, "INVITE")
    contact, star = message.addresses("contact")
    assert star.uri is None and contact.uri is not None and contact.uri.has("ob")
    instance = contact.param("+sip.instance")
    assert instance is not None and instance.unquoted == "<urn:uuid:1>"
    assert [route.raw for route in message.addresses("route")] == [
        "<sip:p1;lr>",
        "<sip:p2;lr>",
        "<sip:p3;lr>",
    ]
    assert message.lists("supported", "outbound") and not message.lists("supported", "gruu")
    assert (message.rest, message.body) == (b"abcd", b"abc")
    assert message.problems() == []


def test_every_span_covers_what_it_says() -> None:
    message = parse(INVITE, "tcp")
    for via in message.vias:
        assert INVITE[slice(*via.span)].decode() == via.raw
    assert INVITE[slice(*message.vias[0].transport_span)] == b"WSS"
    assert INVITE[slice(*message.vias[1].sent_by_span)] == b"[::1]:5060"
    for key in ("contact", "route", "from", "to"):
        for value in message.addresses(key):
            assert INVITE[slice(*value.span)].decode() in (value.raw, "*")
            if value.uri is not None:
                assert INVITE[slice(*value.uri.span)].decode() == value.uri.raw
            for param in value.params:
                assert INVITE[slice(*param.span)].decode().lower().startswith(param.name)
    for row in message.headers:
        assert INVITE[slice(*row.row)].startswith(row.name.encode())


@pytest.mark.parametrize(
    ("raw", "offset", "reason"),
    [
        (b"", 0, "no bytes"),
        (b"OPTIONS sip:a SIP/2.0", 21, "no end"),
        (b"OPTIONS  sip:a SIP/2.0\r\n\r\n", 0, "neither"),
        (b"OPTIONS sip:a\r\n\r\n", 0, "neither"),
        (b"SIP/2.0 799 High\r\n\r\n", 8, "status code"),
        (b"SIP/2.0 200 OK\r\n", 16, "missing"),
        (b"SIP/2.0 200 OK\r\nTo: x", 21, "line end"),
        (b"SIP/2.0 200 OK\r\nTo: x\n\r\n", 21, "carriage return"),
        (b"SIP/2.0 200 OK\r\n folded\r\n\r\n", 16, "no header before"),
        (b"SIP/2.0 200 OK\r\n\x00To: x\r\n\r\n", 16, "colon"),
        (b"\r\nSIP/2.0 200 OK\r\n\r\n", 0, "neither"),
    ],
)
def test_what_frames_no_message(raw: bytes, offset: int, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(raw, "udp")
    assert caught.value.offset == offset and reason in caught.value.reason


def test_line_ends_before_a_start_line_are_skipped_on_streams() -> None:
    assert parse(b"\r\n\r\nSIP/2.0 200 OK\r\n\r\n", "tcp").status == 200


def test_a_bad_row_may_be_passed_over() -> None:
    faults: list[ParseError] = []
    message = parse(b"SIP/2.0 200 OK\r\n\x00A: 1\r\nCall-ID: 2\r\n\r\n", "udp", faults)
    assert message.call_id == "2" and [fault.offset for fault in faults] == [16]


@pytest.mark.parametrize("data", [b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n"])
def test_keepalives(data: bytes) -> None:
    assert is_keepalive(data) and not is_keepalive(b"") and not is_keepalive(data + b"x")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("via", "SIP/2.0/UDP"),
        ("via", "SIP/2.0/UDP host;"),
        ("via", "SIP/2.0/UDP host;branch="),
        ("via", "SIP/2.0/UDP http://host"),
        ("via", "SIP/2.0/UDP host, "),
        ("via", "SIP/2.0/UDP 1.2.3.400"),
        ("contact", "<sip:a@b"),
        ("contact", "sip:a@b?x=y"),
        ("contact", '"open <sip:a@b>'),
        ("contact", "<sip:a@b>;+sip.instance=<urn:uuid:1>"),
        ("route", "sip:a@b;lr"),
        ("route", "<sip:a@b;lr>,"),
        ("route", ""),
        ("from", "<sip:a@b> trailing"),
        ("from", "<sip:[::g]>"),
        ("cseq", "INVITE 1"),
        ("cseq", "1INVITE"),
        ("max-forwards", "-1"),
        ("max-forwards", "7 0"),
        ("call-id", "a b"),
        ("call-id", "a@"),
        ("require", ""),
        ("supported", "a,,b"),
        ("content-type", "text"),
        ("www-authenticate", "Digest"),
        ("www-authenticate", 'Digest realm="a", Digest realm="b"'),
    ],
)
def test_malformed_values(key: str, value: str) -> None:
    raw = f"SIP/2.0 200 OK\r\n{key}: {value}\r\n\r\n".encode()
    message = parse(raw, "udp")
    [(where, error)] = message.problems()
    assert where == key
    assert 16 <= error.offset <= len(raw)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("via", "SIP/2.0/UDP 192.0.2.1 : 5060 ; branch = z9hG4bK1"),
        ("via", "SIP/2.0/TLS h;received=[2001:db8::1];received=2001:db8::1"),
        ("contact", "*"),
        ("contact", "sip:a@b;q=0.5"),
        ("contact", 'A B <tel:+1-2;x=y>, "C, D" <sip:c>'),
        ("supported", ""),
        ("from", "Ana <sip:%41na:pw@[2001:db8::1]:5060;lr;x=%20?a=b&c=>;tag=x"),
        ("call-id", "f81d4fae-7dec@[::1]"),
        ("content-type", "multipart/mixed ; boundary=x"),
        ("session-expires", "1800;refresher=uac"),
        ("authorization", 'Digest username="a", nc=00000001 , uri="sip:b"'),
    ],
)
def test_unusual_but_right_values(key: str, value: str) -> None:
    assert parse(f"SIP/2.0 200 OK\r\n{key}: {value}\r\n\r\n".encode(), "udp").problems() == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # RFC 3261 19.1.4
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", True),
        ("sip:alice@AtlanTa.CoM;Transport=UDP", "sip:ALICE@AtLanTa.CoM;Transport=udp", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
        ("sip:a@b", "sips:a@b", False),
        ("tel:+1", "tel:+1", True),
    ],
)
def test_comparison_of_uris(one: str, other: str, same: bool) -> None:
    assert same_uri(read_uri(one), read_uri(other)) is same
    assert same_uri(read_uri(other), read_uri(one)) is same


def test_address_of_record() -> None:
    assert aor(read_uri("sips:%62ob@Example.COM:5061;transport=tcp")) == "bob@example.com:5061"


@given(st.binary())
def test_any_bytes_are_a_message_or_a_parse_error(raw: bytes) -> None:
    for data in (raw, b"INVITE " + raw, INVITE[:60] + raw + b"\r\n\r\n"):
        try:
            parse(data, "tcp").problems()
        except ParseError as error:
            assert 0 <= error.offset <= len(data)


@given(st.sampled_from(sorted(GRAMMAR)), st.binary(max_size=60))
def test_any_value_parses_or_is_a_parse_error(key: str, raw: bytes) -> None:
    try:
        GRAMMAR[key](Cursor(raw, 0, len(raw)))
    except ParseError as error:
        assert 0 <= error.offset <= len(raw)


@given(st.integers(0, len(INVITE)), st.binary(max_size=4))
def test_a_message_with_any_bytes_put_in(at: int, raw: bytes) -> None:
    data = INVITE[:at] + raw + INVITE[at + len(raw) :]
    try:
        parse(data, "tcp").problems()
    except ParseError as error:
        assert 0 <= error.offset <= len(data)
