"""viaduct-turn on real sockets, with a client and peers that share no code with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import turn_client as turn
from bridge_run import Identity, make_identity
from turn_client import Address, Client, Server, parsed, turn_server

OPEN = ("--allow-peer", "127.0.0.0/8", "--allow-peer", "::1")
USER = ("--user", "alice:secret", "--user", "bob:secret")
LISTEN = tuple(
    word
    for listener in ("udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0", "udp:[::1]:0")
    for word in ("--listen", listener)
)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("turn"))


@pytest.fixture
def server(tmp_path: Path, identity: Identity) -> Iterator[Server]:
    certificate = ("--cert", str(identity.certificate), "--key", str(identity.key))
    with turn_server(tmp_path / "log", *LISTEN, *certificate, *USER, *OPEN) as running:
        yield running


def peer_at(host: str) -> socket.socket:
    peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(turn.PATIENCE)
    peer.bind((host, 0))
    return peer


def address_of(peer: socket.socket) -> Address:
    name = peer.getsockname()
    return str(name[0]), int(name[1])


def wait_for_log(server: Server, text: str) -> None:
    deadline = time.monotonic() + turn.PATIENCE
    while text not in server.log.read_text():
        assert time.monotonic() < deadline, f"{text!r} never came:\n{server.log.read_text()}"
        time.sleep(0.01)


def check_both_ways(client: Client, peer: socket.socket, relayed: Address, number: int) -> None:
    to = address_of(peer)
    for payload in (b"", b"one", b"x" * 1200):
        client.indicate(to, payload)
        data, origin = peer.recvfrom(65536)
        assert (data, origin[:2]) == (payload, relayed)
        peer.sendto(payload, relayed)
        heard = parsed(client.next())
        assert heard.kind == 0x0017
        assert heard.attributes[turn.PAYLOAD] == payload
        assert heard.address(turn.PEER) == to
    assert client.bind(number, to) == 0
    for payload in (b"", b"odd", b"y" * 1200):
        client.channel(number, payload)
        assert peer.recvfrom(65536)[0] == payload
        peer.sendto(payload, relayed)
        frame = client.next()
        assert struct.unpack("!HH", frame[:4]) == (number, len(payload))
        assert frame[4 : 4 + len(payload)] == payload
        if client.transport != "udp":
            assert len(frame) % 4 == 0


@pytest.mark.parametrize("index", range(4), ids=["udp", "tcp", "tls", "udp6"])
@pytest.mark.parametrize("family", [1, 2], ids=["relay4", "relay6"])
def test_relays_both_ways(server: Server, identity: Identity, index: int, family: int) -> None:
    client = server.client(index, identity.client())
    success = client.allocate((turn.FAMILY, bytes([family, 0, 0, 0])))
    assert success.kind == 0x0103, success
    assert success.address(turn.MAPPED) == client.socket.getsockname()[:2]
    relayed = success.address(turn.RELAYED)
    assert 49152 <= relayed[1] <= 65535
    with peer_at("127.0.0.1" if family == 1 else "::1") as peer, client.socket:
        assert client.permit(address_of(peer)) == 0
        check_both_ways(client, peer, relayed, 0x4FFF)
        assert client.ask(turn.REFRESH, (turn.LIFETIME, bytes(4))).number(turn.LIFETIME) == 0
        assert client.ask(turn.REFRESH).error == 437


def test_two_clients_reach_each_other_through_their_relays(server: Server) -> None:
    one, two = server.client(0), server.client(1)
    first = one.allocate().address(turn.RELAYED)
    second = two.allocate().address(turn.RELAYED)
    assert (one.permit(second), two.bind(0x4000, first)) == (0, 0)
    one.indicate(second, b"hello")
    assert two.next()[:9] == b"\x40\x00\x00\x05hello"
    two.channel(0x4000, b"and back")
    assert parsed(one.next()).attributes[turn.PAYLOAD] == b"and back"
    one.close()
    two.close()


def test_stream_in_single_bytes_and_in_one_piece(server: Server) -> None:
    client = server.client(1)
    requests = [client.request(turn.BINDING) for _ in range(3)]
    for byte in requests[0]:
        client.send(bytes([byte]))
    assert parsed(client.receive()).transaction == requests[0][8:20]
    client.send(requests[1] + requests[2])
    assert parsed(client.receive()).transaction == requests[1][8:20]
    assert parsed(client.receive()).transaction == requests[2][8:20]
    client.close()


@pytest.mark.parametrize("garbage", [b"\xff", b"GET / HTTP/1.1\r\n\r\n", bytes(20), b"\0\1\0\3"])
def test_a_stream_that_lost_its_framing_is_closed(server: Server, garbage: bytes) -> None:
    if garbage[:1] == b"G":  # the top bits of "G" are those of ChannelData: that needs its length
        garbage = b"\0\1" + garbage
    client = server.client(1)
    client.send(garbage)
    with pytest.raises((EOFError, ConnectionResetError)):
        client.receive()
    client.close()


def test_the_end_of_a_connection_ends_its_allocation(tmp_path: Path) -> None:
    options = ("--listen", "tcp:127.0.0.1:0", "--user-quota", "1", *USER)
    with turn_server(tmp_path / "log", *options) as running:
        first, second = running.client(), running.client()
        assert first.allocate().error == 0
        assert second.allocate().error == 486
        first.close()
        wait_for_log(running, "ended client=127.0.0.1:")
        assert second.allocate().error == 0
        second.close()


@pytest.mark.parametrize("index", [0, 1], ids=["udp", "tcp"])
def test_icmp_is_told_and_harms_nothing(server: Server, index: int) -> None:
    client = server.client(index)
    relayed = client.allocate().address(turn.RELAYED)
    with peer_at("127.0.0.1") as gone:
        nowhere = address_of(gone)
    with peer_at("127.0.0.1") as peer, client.socket:
        assert client.bind(0x4001, nowhere) == 0
        assert client.permit(address_of(peer)) == 0
        client.channel(0x4001, b"nobody is there")
        report = parsed(client.next())
        assert report.kind == 0x0017
        assert report.address(turn.PEER) == nowhere
        assert report.attributes[turn.ICMP] == bytes([0, 0, 3, 3, 0, 0, 0, 0])
        assert turn.PAYLOAD not in report.attributes
        check_both_ways(client, peer, relayed, 0x4002)


def unshare() -> list[str]:
    """A command before another which gives it a network of its own: loopback, and no route."""
    return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def may_unshare() -> bool:
    return subprocess.run([*unshare(), "true"], capture_output=True).returncode == 0


@pytest.mark.skipif("VIADUCT_ISLAND" in os.environ, reason="is inside already")
def test_an_unreachable_network_harms_nothing() -> None:
    """Sending fails with ENETUNREACH where there is no route at all."""
    if not may_unshare():
        pytest.skip("needs the right to make network namespaces")
    inner = [sys.executable, "-m", "pytest", "-q", f"{__file__}::test_island"]
    done = subprocess.run(
        [*unshare(), *inner],
        env={**os.environ, "VIADUCT_ISLAND": "1"},
        capture_output=True,
        text=True,
        timeout=6 * turn.PATIENCE,
    )
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout


@pytest.mark.skipif("VIADUCT_ISLAND" not in os.environ, reason="run by the test above")
@pytest.mark.parametrize("family, far", [(1, ("203.0.113.5", 9)), (2, ("2001:db8::5", 9))])
def test_island(server: Server, family: int, far: Address) -> None:
    client = server.client(0)
    relayed = client.allocate((turn.FAMILY, bytes([family, 0, 0, 0]))).address(turn.RELAYED)
    with peer_at(relayed[0]) as peer, client.socket:
        assert client.bind(0x4001, far) == 0
        assert client.permit(address_of(peer)) == 0
        for _ in range(10):
            client.channel(0x4001, b"lost")
            client.indicate(far, b"lost")
        wait_for_log(server, 'why="Network is unreachable"')
        check_both_ways(client, peer, relayed, 0x4002)


def test_refuses_peers_unless_opened(tmp_path: Path) -> None:
    options = ("--listen", "udp:127.0.0.1:0", *USER)
    with turn_server(tmp_path / "log", *options) as running, peer_at("127.0.0.1") as peer:
        client = running.client()
        relayed = client.allocate().address(turn.RELAYED)
        assert client.permit(("10.0.0.1", 1)) == 403
        assert client.permit(("127.0.0.1", 1)) == 403
        assert client.bind(0x4000, address_of(peer)) == 403
        client.indicate(address_of(peer), b"must not arrive")
        peer.sendto(b"must not arrive", relayed)
        assert client.ask(turn.BINDING).error == 0
        assert client.pending == []
        wait_for_log(running, "data of a peer without permission")
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)
        client.close()


def test_ports_run_out(tmp_path: Path) -> None:
    options = ("--listen", "udp:127.0.0.1:0", "--port-range", "50100-50101", *USER)
    with turn_server(tmp_path / "log", *options) as running:
        clients = [running.client() for _ in range(3)]
        answers = [client.allocate() for client in clients]
        got = {answer.address(turn.RELAYED)[1] for answer in answers if not answer.error}
        assert got <= {50100, 50101} and answers[2].error == 508
        assert clients[0].ask(turn.REFRESH, (turn.LIFETIME, bytes(4))).error == 0
        assert clients[2].allocate().error == 0
        for client in clients:
            client.close()


def test_ephemeral_credentials(tmp_path: Path) -> None:
    secrets = ("--secret", "old", "--secret", "new")
    users = tmp_path / "users"
    users.write_text("# people\n\nalice:secret\n")
    options = ("--listen", "udp:127.0.0.1:0", *secrets, "--users", str(users))
    now = int(time.time())
    with turn_server(tmp_path / "log", *options) as running:
        for secret, when, error in (
            ("old", 60, 0),
            ("new", 60, 0),
            ("x", 60, 401),
            ("new", -9, 401),
        ):
            name = f"{now + when}:carol"
            digest = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
            client = running.client(user=name, password=base64.b64encode(digest).decode())
            assert client.allocate().error == error
            client.close()
        client = running.client()
        assert client.allocate().error == 0
        client.close()


def test_alternate_server(tmp_path: Path) -> None:
    options = ("--listen", "udp:127.0.0.1:0", "--alternate-server", "198.51.100.1:3478", *USER)
    with turn_server(tmp_path / "log", *options) as running:
        client = running.client()
        answer = client.allocate()
        assert answer.error == 300
        assert answer.attributes[0x8023] == bytes([0, 1, 0x0D, 0x96, 198, 51, 100, 1])
        client.close()


@pytest.mark.parametrize(
    "options, text",
    [
        ((), "--listen: nothing to listen on"),
        (("--listen", "udp:127.0.0.1:0"), "--user: nobody could use this server"),
        (("--listen", "ws:127.0.0.1:0"), "--listen: not of the form"),
        (("--listen", "udp:0.0.0.0:0", *USER), "--relay-address: needed"),
        (("--listen", "tls:127.0.0.1:0", *USER), "--listen: tls needs --cert and --key"),
        (("--allow-peer", "127.0.0.0/33"), "--allow-peer: not an address or range"),
        (("--port-range", "80-90"), "--port-range: not LOW-HIGH"),
        (("--listen", "udp:127.0.0.1:0", "--user", "alice"), "--user: not of the form"),
        (("--listen", "udp:127.0.0.1:0", "--users", "/nowhere"), "--users: /nowhere: No such file"),
    ],
)
def test_wrong_options_are_explained(options: tuple[str, ...], text: str) -> None:
    done = subprocess.run(
        [str(turn.PROGRAM), *options], capture_output=True, text=True, timeout=turn.PATIENCE
    )
    assert done.returncode == 2
    assert done.stderr.startswith(text), done.stderr


def test_help_names_every_option() -> None:
    done = subprocess.run(
        [str(turn.PROGRAM), "--help"], capture_output=True, text=True, timeout=turn.PATIENCE
    )
    assert done.returncode == 0
    for option in ("--listen", "--relay-address", "--secret", "--allow-peer", "--user-quota"):
        assert option in done.stdout


@pytest.mark.skipif(not shutil.which("turnutils_uclient"), reason="coturn's client not installed")
@pytest.mark.parametrize("index", [0, 1, 2], ids=["udp", "tcp", "tls"])
def test_coturn_client_relays(server: Server, index: int) -> None:
    """Pairs of coturn's clients send to each other's relays, by Send indications: its channel
    numbers are those of RFC 5766, most of which RFC 8656 has taken back."""
    legs = ((), ("-t",), ("-t", "-S"))
    port = server.listeners[index][1][1]
    done = subprocess.run(
        ["turnutils_uclient", *legs[index], "-y", "-s", "-c", "-m", "2", "-n", "20", "-X"]
        + ["-u", "alice", "-w", "secret", "-p", str(port), "127.0.0.1"],
        capture_output=True,
        text=True,
        timeout=6 * turn.PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    assert "Total lost packets 0 (0.000000%)" in done.stdout, done.stdout
