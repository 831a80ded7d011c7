"""Targets: addresses, descriptions, the target file, certificates, processes, and dead targets."""

import shutil
import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest

from viaduct.targets import (
    Account,
    Address,
    Description,
    FileTarget,
    KamailioTarget,
    TargetError,
    TargetFileError,
    open_target,
)
from viaduct.targets.file import read_target
from viaduct.targets.names import NameSink, name_error, read_question
from viaduct.targets.pki import make_pki
from viaduct.targets.port import free_ports, wait_listening
from viaduct.targets.process import Process
from viaduct.trace import jsonl


@pytest.mark.parametrize(
    ("text", "transport", "host", "port"),
    [
        ("udp:127.0.0.1:5060", "udp", "127.0.0.1", 5060),
        ("wss:[::1]:443", "wss", "::1", 443),
        ("tls:sip.example.test:5061", "tls", "sip.example.test", 5061),
    ],
)
def test_address(text: str, transport: str, host: str, port: int) -> None:
    address = Address.parse(text)
    assert (address.transport, address.host, address.port) == (transport, host, port)
    assert str(address) == text
    assert address.family == (6 if ":" in host else 4)


@pytest.mark.parametrize(
    "text",
    ["", "udp", "udp:1.2.3.4", "udp:1.2.3.4:", "udp:1.2.3.4:0", "udp:1.2.3.4:65536", "udp::1:5060"]
    + ["udp:1.2.3.4:x", ":1.2.3.4:5", "udp::5060", "udp:1.2.3.4:٣"],
)
def test_address_wrong(text: str) -> None:
    with pytest.raises(ValueError):
        Address.parse(text)


def description(**more: object) -> Description:
    addresses = (Address("udp", "127.0.0.1", 5060), Address("wss", "::1", 443))
    return Description("x", "1", "sip.test", addresses, **more)  # type: ignore[arg-type]


def test_description_travels_as_json() -> None:
    one = description(
        front=(Address("secure", "127.0.0.1", 444),),
        ca=Path("/a/ca.pem"),
        unsupported={"path": "not yet"},
        accounts=(Account("a", "1"), Account("b", "2")),
    )
    assert Description.from_json(one.to_json()) == one


def test_description_finds_addresses() -> None:
    one = description(front=(Address("secure", "127.0.0.1", 444),))
    assert one.address("udp").port == 5060
    assert one.address("wss", 6).port == 443
    assert one.front_door("secure").port == 444
    assert set(one.sut) == {
        "udp:127.0.0.1:5060",
        "wss:[::1]:443",
        "tls:127.0.0.1:444",
        "wss:127.0.0.1:444",
    }
    with pytest.raises(LookupError):
        one.address("wss", 4)


def test_description_says_what_is_missing() -> None:
    one = description(unsupported={"path": "not yet"})
    assert one.missing("path") == "not yet"
    assert one.missing("udp") is None
    assert one.missing("tls") == "the target has no tls address"
    assert one.missing("ipv6") is None
    assert one.missing("front-door") is not None
    assert one.missing("outbound") is None


def test_description_refuses_unknown_features() -> None:
    with pytest.raises(ValueError, match="unknown feature 'teleport'"):
        description(unsupported={"teleport": "never"})


GOOD_FILE = """
name: mine
domain: example.test
addresses: [udp:127.0.0.1:5060, "wss:[::1]:443"]
unsupported: {ipv6: not compiled in}
accounts: [{user: a, password: b}, {user: c, password: 1}]
"""


def test_target_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD_FILE)
    found = read_target(path)
    assert (found.name, found.version, found.domain) == ("mine", "unknown", "example.test")
    assert found.accounts == (Account("a", "b"), Account("c", "1"))
    assert found.missing("ipv6") == "not compiled in"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a list", "names with values wanted"),
        ("{", "not YAML"),
        ("domain: x", "`addresses` is missing"),
        ("addresses: [udp:1.2.3.4:5]", "`domain` is missing"),
        ("domain: x\naddresses: udp:1.2.3.4:5", "addresses: a list of texts wanted"),
        ("domain: x\naddresses: [sctp:1.2.3.4:5]", "the transport is none of"),
        ("domain: x\naddresses: [udp]", "TRANSPORT:HOST:PORT wanted"),
        ("domain: x\naddresses: [udp:1.2.3.4:5]\ncolour: red", "unknown colour"),
        ("domain: x\naddresses: [udp:1.2.3.4:5]\nca: none.pem", "there is no file"),
        ("domain: x\naddresses: [udp:1.2.3.4:5]\nfront: [tls:1.2.3.4:5]", "`plain` or `secure`"),
        ("domain: x\naddresses: [udp:1.2.3.4:5]\nunsupported: {warp: no}", "unknown feature"),
        ("domain: x\naddresses: [udp:1.2.3.4:5]\nunsupported: [ipv6]", "`feature: reason`"),
        ("domain: x\naddresses: [udp:1.2.3.4:5]\naccounts: [{user: a}]", "each has `user`"),
        (
            "domain: x\naddresses: [udp:1.2.3.4:5]\naccounts: [{user: a, password: b}]",
            "a call needs two",
        ),
    ],
)
def test_target_file_wrong(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(TargetFileError, match=reason) as caught:
        read_target(path)
    assert str(path) in str(caught.value)


def test_target_file_not_there(tmp_path: Path) -> None:
    with pytest.raises(TargetFileError, match="no target named"):
        open_target(str(tmp_path / "none.yaml"))


def test_fault_needs_the_bundled_server() -> None:
    with pytest.raises(TargetFileError, match="bundled server"):
        open_target("kamailio", faults=("drop-rport",))


def test_dead_target_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viaduct.targets.file.CONNECT_SECONDS", 0.2)
    port = free_ports(1)[0]
    path = tmp_path / "dead.yaml"
    path.write_text(f"domain: x\naddresses: [udp:127.0.0.1:{port}, tcp:127.0.0.1:{port}]")
    with pytest.raises(TargetError, match=f"not accepting at tcp:127.0.0.1:{port}: .*refused"):
        FileTarget(path).start(tmp_path)


def test_silent_udp_target_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = Address("udp", "127.0.0.1", silent.getsockname()[1])
        with pytest.raises(TargetError, match=f"answers no OPTIONS at {address}"):
            wait_listening((address,), 0.1)


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """A TLS handshake over a socket pair; raises what the client raises."""
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()  # the client would not have us

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(near, server_hostname=name).close()
    finally:
        near.close()
        thread.join(5)


@pytest.mark.parametrize("name", ["localhost", "sip.test", "127.0.0.1", "::1"])
def test_certificate_verifies(tmp_path: Path, name: str) -> None:
    pki = make_pki(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.certificate, pki.key)
    handshake(server, ssl.create_default_context(cafile=pki.ca), name)


def test_certificate_of_another_name_or_authority_is_refused(tmp_path: Path) -> None:
    pki, other = make_pki(tmp_path / "one"), make_pki(tmp_path / "two")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.certificate, pki.key)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cafile=pki.ca), "other.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cafile=other.ca), "sip.test")


def test_private_key_is_private(tmp_path: Path) -> None:
    assert make_pki(tmp_path).key.stat().st_mode & 0o077 == 0


def test_process_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    script = "import sys; print('cannot bind', file=sys.stderr); sys.exit(7)"
    process = Process([sys.executable, "-c", script], tmp_path / "log", ready_on_stdout=True)
    with pytest.raises(TargetError, match="(?s)ended with status 7.*cannot bind"):
        process.first_line(10)
    assert process.stop() == 7


def test_process_that_says_nothing(tmp_path: Path) -> None:
    script = "import time; time.sleep(60)"
    process = Process([sys.executable, "-c", script], tmp_path / "log", ready_on_stdout=True)
    with pytest.raises(TargetError, match="said nothing for 0.1 s"):
        process.first_line(0.1)
    assert process.exit_status() is None
    assert process.stop() == -15


def test_process_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="ended with status|cannot start"):
        process = Process([str(tmp_path / "none")], tmp_path / "log", ready_on_stdout=True)
        process.first_line(10)


def test_viaduct_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIADUCT_BUILD", str(tmp_path))
    with pytest.raises(TargetError, match="does not exist; build it"):
        open_target("viaduct").start(tmp_path)


QUERY = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\7invalid\0\0\1\0\1"


def test_question() -> None:
    assert read_question(QUERY) == ("example.invalid", "A")
    assert name_error(QUERY)[:4] == b"\x12\x34\x81\x83"
    for size in range(len(QUERY)):
        assert read_question(QUERY[:size]) is None


def test_name_sink_hears_the_resolver(tmp_path: Path) -> None:
    sink = NameSink.open(tmp_path)
    if sink is None:
        pytest.skip("watching name look-ups takes root")
    ask = "import socket\ntry: socket.getaddrinfo('ask.me.invalid', 80)\nexcept OSError: pass"
    process = Process(sink.enter([sys.executable, "-c", ask]), tmp_path / "log")
    status = process.exit_status()
    while status is None:
        status = process._process.wait(20)
    sink.close()
    assert status == 0, process.tail()
    asked = {event.info["name"] for event in jsonl.read(sink.trace).events}
    assert "ask.me.invalid" in asked


@pytest.mark.skipif(
    shutil.which("kamailio") is None and not Path("/usr/sbin/kamailio").exists(),
    reason="kamailio is not installed",
)
def test_kamailio_starts_and_stops(tmp_path: Path) -> None:
    target = KamailioTarget()
    try:
        found = target.start(tmp_path)
        assert {address.transport for address in found.addresses} == {
            "ws",
            "wss",
            "tls",
            "tcp",
            "udp",
        }
        assert target.exited() is None
    finally:
        end = target.stop()
    assert end is None
