"""The peers' own reading and writing of SIP messages."""

import pytest

from viaduct.peers.agent import expires_of, response_address
from viaduct.peers.credentials import authorize
from viaduct.peers.duty import Violation
from viaduct.peers.message import (
    Message,
    Unreadable,
    Via,
    compose,
    header_parameters,
    parameters,
    split_list,
    uri_of,
    uri_parameters,
)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("a, b ,c", ["a", "b", "c"]),
        ('"x, y" <sip:a,b@c>, <sip:d>', ['"x, y" <sip:a,b@c>', "<sip:d>"]),
        (r'"a\", b" <sip:c>,<sip:d>', [r'"a\", b" <sip:c>', "<sip:d>"]),
        ("", []),
        (",,a", ["a"]),
    ],
)
def test_split_list(line: str, values: list[str]) -> None:
    assert split_list(line) == values


def test_parameters() -> None:
    assert parameters(";a=1;B; c = x ") == {"a": "1", "b": None, "c": "x"}
    assert parameters(r';i="<urn:x;y>";q="a\"b"') == {"i": "<urn:x;y>", "q": 'a"b'}


@pytest.mark.parametrize(
    ("value", "uri", "found"),
    [
        ("<sip:a@b;lr>;tag=1", "sip:a@b;lr", {"tag": "1"}),
        ("sip:a@b;tag=1", "sip:a@b", {"tag": "1"}),
        ('"A <x>" <sip:a@b>', "sip:a@b", {}),
        (
            '<sip:a@b>;expires=5;+sip.instance="<urn:x>"',
            "sip:a@b",
            {"expires": "5", "+sip.instance": "<urn:x>"},
        ),
    ],
)
def test_name_addr(value: str, uri: str, found: dict[str, str]) -> None:
    assert uri_of(value) == uri
    assert header_parameters(value) == found


def test_uri_parameters() -> None:
    assert uri_parameters("sip:a@b;lr;transport=ws?x=1;y") == {"lr": None, "transport": "ws"}


def test_expires() -> None:
    assert expires_of("<sip:a@b;expires=9>;expires=5") == 5
    assert expires_of("<sip:a@b>") is None


def test_read_and_compose() -> None:
    data = compose(
        "OPTIONS sip:a SIP/2.0", [("v", "SIP/2.0/WS x;branch=1"), ("Subject", "ü")], b"\0"
    )
    message = Message.read(data)
    assert message.method == "OPTIONS"
    assert message.uri == "sip:a"
    assert message.via == Via("WS", "x", {"branch": "1"})
    assert message.first("subject") == "ü"
    assert message.first("content-length") == "1"
    assert message.body == b"\0"
    assert message.raw == data


def test_folds_are_undone() -> None:
    message = Message.read(b"SIP/2.0 200 OK\r\nSubject: a\r\n  b\r\n\tc\r\n\r\n")
    assert message.first("subject") == "a b c"


@pytest.mark.parametrize(
    "data", [b"", b"\0\xff", b"GET / HTTP/1.1\r\n\r\n", b"SIP/2.0 20 OK\r\n\r\n", b"SIP/2.0 200"]
)
def test_unreadable(data: bytes) -> None:
    if data == b"SIP/2.0 200":
        assert Message.read(data).status == 200
        return
    with pytest.raises(Unreadable):
        Message.read(data)


def test_missing_parts_are_unreadable_when_asked_for() -> None:
    message = Message.read(b"SIP/2.0 200 OK\r\nCSeq: x\r\n\r\n")
    with pytest.raises(Unreadable):
        _ = message.via
    with pytest.raises(Unreadable):
        _ = message.cseq


@pytest.mark.parametrize(
    ("via", "where"),
    [
        ("1.2.3.4:5070;branch=x", "udp:1.2.3.4:5070"),
        ("1.2.3.4;branch=x", "udp:1.2.3.4:5060"),
        ("a.test:7;received=1.2.3.4;rport=9", "udp:1.2.3.4:9"),
        ("a.test:7;received=1.2.3.4", "udp:1.2.3.4:7"),
        ("[::1]:7;rport", "udp:[::1]:7"),
        ("a.test;received=[::1];rport=8", "udp:[::1]:8"),
    ],
)
def test_response_address(via: str, where: str) -> None:
    request = compose("BYE sip:a SIP/2.0", [("Via", f"SIP/2.0/UDP {via}")])
    assert str(response_address(Message.read(request))) == where


# The example of RFC 7616 3.9.1.
CHALLENGE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithms", "expected"),
    [
        (["MD5"], "8ca523f5e9506fed4657c9700eebdbec"),
        (["SHA-256"], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (["MD5", "SHA-256"], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest(algorithms: list[str], expected: str) -> None:
    lines = [("WWW-Authenticate", CHALLENGE.format(name)) for name in algorithms]
    response = Message.read(compose("SIP/2.0 401 Unauthorized", lines))
    name, value = authorize(
        response, "GET", "/dir/index.html", "Mufasa", "Circle of Life", cnonce=CNONCE
    )
    assert name == "Authorization"
    assert f'response="{expected}"' in value


def test_digest_without_usable_challenge() -> None:
    response = Message.read(compose("SIP/2.0 407 X", [("Proxy-Authenticate", "Basic realm=x")]))
    with pytest.raises(Violation, match="no Digest challenge"):
        authorize(response, "REGISTER", "sip:x", "a", "b")
