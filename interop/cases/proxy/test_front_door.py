"""One port for everything: page, WebSocket and SIP told apart by their first bytes."""

from viaduct.peers.dialog import establish, hang_up
from viaduct.peers.websocket import read_head
from viaduct.run.case import case
from viaduct.run.lab import Lab

DOORS = (
    ("ws", "tcp"),
    ("tcp", "ws"),
    ("wss", "tls"),
    ("tls", "wss"),
    ("ws", "wss"),
    ("tls", "tcp"),
)


@case(
    "front-door-call",
    "A call from {0} to {1}, both by the front door",
    requirements=("RFC3261-16.6-g", "RFC3261-18.2.1-e", "RFC7118-B.2-a"),
    legs=DOORS,
    needs=("front-door", "registrar"),
)
async def test_call(lab: Lab, legs: tuple[str, str]) -> None:
    alice = await lab.agent("alice", legs[0], door=True)
    bob = await lab.agent("bob", legs[1], door=True)
    caller, callee = await establish(alice, bob)
    await hang_up(caller, callee)
    caller, callee = await establish(bob, alice)
    await hang_up(callee, caller)


@case(
    "front-door-page",
    "A plain HTTP request at the {0} front door gets an HTTP answer",
    requirements=("RFC9112-2.2-a",),
    legs=(("ws",), ("wss",)),
    needs=("front-door",),
)
async def test_page(lab: Lab, legs: tuple[str]) -> None:
    door = lab.target.front_door("plain" if legs[0] == "ws" else "secure")
    link = await lab.link(door)
    await link.write(
        f"GET / HTTP/1.1\r\nHost: {door.hostport}\r\nConnection: close\r\n\r\n".encode()
    )
    got = b""
    while data := await lab.soon(link.read(), "an answer to GET /"):
        got += data
    head = read_head(got.partition(b"\r\n\r\n")[0])
    lab.require(head is not None, f"no HTTP answer: {got[:40]!r}")
    assert head is not None
    lab.check(head.status in (200, 404), f"GET / is answered {head.status}")


@case(
    "front-door-alpn",
    "ALPN at the secure front door: http/1.1 leads to WebSocket",
    requirements=("RFC6455-10.6-a",),
    on=("wss",),
    needs=("front-door",),
)
async def test_alpn(lab: Lab) -> None:
    socket = await lab.socket("alice", "wss", door=True, alpn=("http/1.1",))
    await socket.open(lab.target.ws_path, socket.link.remote)
