"""The opening handshake as a SIP server has to take it: RFC 6455 section 4.2, RFC 7118 4.1."""

from collections.abc import Sequence

from viaduct.peers.duty import PATIENCE, Skip, Violation
from viaduct.peers.message import compose
from viaduct.peers.websocket import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    Head,
    WebSocket,
    accept_of,
    new_key,
    upgrade_headers,
)
from viaduct.run.case import WEB, case
from viaduct.run.lab import Lab

Headers = list[tuple[str, str]]


class Offer:
    """An opening handshake to be bent by a case before it is sent on a connection of its own."""

    def __init__(self, lab: Lab, leg: str) -> None:
        self.lab = lab
        self.leg = leg
        self.key = new_key()
        self.start = f"GET {lab.target.ws_path} HTTP/1.1"
        self.headers: Headers = upgrade_headers(lab.target.address(leg).hostport, self.key)

    def put(self, name: str, *values: str) -> "Offer":
        """Gives the header these values, a line each; none takes it away."""
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name.lower()]
        self.headers += [(name, value) for value in values]
        return self

    def head(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def send(self, pieces: int | None = None) -> tuple[WebSocket, Head | None]:
        """The answer; None when the target ends the connection without one."""
        socket = await self.lab.socket("alice", self.leg)
        await socket.request(self.head(), pieces)
        try:
            return socket, await socket.response()
        except TimeoutError as error:
            raise Violation(f"no answer to the handshake within {PATIENCE:g} s") from error

    async def accepted(self, pieces: int | None = None) -> tuple[WebSocket, Head]:
        socket, head = await self.send(pieces)
        if head is None or head.status != 101:
            raise Violation(f"a correct handshake is answered with {status(head)}")
        self.lab.check(
            head.first("sec-websocket-accept") == accept_of(self.key),
            f"Sec-WebSocket-Accept {head.first('sec-websocket-accept')} does not fit the key",
            "RFC6455-4.2.2-b",
        )
        self.lab.check(
            head.all("sec-websocket-protocol") == ["sip"],
            f"the 101 names subprotocol {head.all('sec-websocket-protocol')}, not sip alone",
            "RFC7118-4.1-b",
        )
        return socket, head

    async def refused(self, *statuses: int) -> Head | None:
        """Not accepted; with one of these statuses, if any are given and an answer came at all."""
        _, head = await self.send()
        if head is None:
            return None
        self.lab.require(head.status != 101, "the handshake is accepted with 101")
        self.lab.check(
            not statuses or head.status in statuses,
            f"refused with {head.status} where {' or '.join(map(str, statuses))} was due",
            level="SHOULD",
        )
        return head


def status(head: Head | None) -> str:
    return "the end of the connection" if head is None else f"status {head.status}"


def tokens(values: Sequence[str]) -> list[str]:
    return [word.strip().lower() for value in values for word in value.split(",")]


@case(
    "ws-handshake",
    "A correct handshake on {0} is accepted for SIP, and nothing unasked is added",
    requirements=("RFC6455-4.2.2-a", "RFC6455-4.2.2-b", "RFC7118-4.1-b", "RFC6455-4.2.2-f"),
    legs=WEB,
)
async def test_handshake(lab: Lab, legs: tuple[str]) -> None:
    _, head = await Offer(lab, legs[0]).accepted()
    lab.check(tokens(head.all("upgrade")) == ["websocket"], f"Upgrade: {head.all('upgrade')}")
    lab.check("upgrade" in tokens(head.all("connection")), f"Connection: {head.all('connection')}")
    lab.check(
        not head.all("sec-websocket-extensions"),
        f"extensions nobody offered: {head.all('sec-websocket-extensions')}",
        "RFC6455-4.2.2-f",
        "MUST NOT",
    )
    lab.check(
        not head.all("transfer-encoding"),
        "the 101 has Transfer-Encoding",
        "RFC9112-6.1-a",
        "MUST NOT",
    )


@case(
    "ws-handshake-protocols",
    "sip on {0} is found in a list, in second place and on a second line",
    requirements=("RFC7118-4.1-b", "RFC6455-4.2.2-e", "RFC6455-4.2.1-e"),
    legs=WEB,
)
async def test_protocols(lab: Lab, legs: tuple[str]) -> None:
    for values in (["chat, sip"], ["sip, chat"], ["chat", "sip"], ["superchat,sip ,chat"]):
        await Offer(lab, legs[0]).put("Sec-WebSocket-Protocol", *values).accepted()


@case(
    "ws-handshake-no-protocol",
    "A handshake on {0} that offers no subprotocol is not accepted for SIP",
    requirements=("RFC7118-4.1-f", "RFC6455-4.2.2-e"),
    legs=WEB,
)
async def test_no_protocol(lab: Lab, legs: tuple[str]) -> None:
    await not_sip(lab, Offer(lab, legs[0]).put("Sec-WebSocket-Protocol"))


@case(
    "ws-handshake-other-protocol",
    "A handshake on {0} that offers only another subprotocol is not accepted for SIP",
    requirements=("RFC7118-4.1-f", "RFC6455-4.2.2-e"),
    legs=WEB,
)
async def test_other_protocol(lab: Lab, legs: tuple[str]) -> None:
    await not_sip(lab, Offer(lab, legs[0]).put("Sec-WebSocket-Protocol", "chat, sipx"))


async def not_sip(lab: Lab, offer: Offer) -> None:
    """An error, or a 101 without sip on which no SIP is served."""
    socket, head = await offer.send()
    if head is None or head.status != 101:
        return
    named = head.all("sec-websocket-protocol")
    lab.require(not named, f"the 101 names subprotocol {named}, which was not offered")
    domain = lab.target.domain
    request = compose(
        f"OPTIONS sip:{domain} SIP/2.0",
        [
            ("Via", f"SIP/2.0/{offer.leg.upper()} x.invalid;branch=z9hG4bK{lab.uuid()}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{lab.user('alice')}@{domain}>;tag=1"),
            ("To", f"<sip:{domain}>"),
            ("Call-ID", lab.uuid()),
            ("CSeq", "1 OPTIONS"),
        ],
    )
    # The Pong, or the end, tells that the request has had its chance.
    await socket.send(Frame(TEXT, request), Frame(PING, b"and now?"))
    while frames := await lab.soon(socket.frames(), "a Pong or the end of the connection"):
        for frame in frames:
            lab.require(
                not frame.payload.startswith(b"SIP/2.0"),
                "SIP is served on a connection whose handshake did not offer sip",
            )
        if any(frame.opcode in (PONG, CLOSE) for frame in frames):
            return


@case(
    "ws-handshake-tolerance",
    "Upper case, lists, unknown headers and another order in a handshake on {0} do no harm",
    requirements=("RFC6455-4.2.1-b", "RFC6455-4.2.1-e"),
    legs=WEB,
)
async def test_tolerance(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0]).put("Connection", "keep-alive, UPGRADE").put("Upgrade", "WebSocket")
    await offer.put("X-Unknown", "a", "b; c=d").accepted()
    offer = Offer(lab, legs[0])
    offer.headers.reverse()
    await offer.accepted()
    offer = Offer(lab, legs[0])
    offer.headers = [(name.upper(), value) for name, value in offer.headers]
    await offer.accepted()


@case(
    "ws-handshake-byte-by-byte",
    "A handshake on {0} that comes byte by byte is accepted",
    requirements=("RFC6455-6.2-a",),
    legs=WEB,
)
async def test_byte_by_byte(lab: Lab, legs: tuple[str]) -> None:
    await Offer(lab, legs[0]).accepted(pieces=1)


@case(
    "ws-handshake-post",
    "A handshake on {0} by POST is refused",
    requirements=("RFC6455-4.2.1-a",),
    legs=WEB,
)
async def test_post(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0])
    offer.start = offer.start.replace("GET", "POST")
    await offer.refused(400, 404, 405, 426, 501)


@case(
    "ws-handshake-http-1-0",
    "A handshake on {0} in HTTP/1.0 is refused",
    requirements=("RFC6455-4.2.1-a", "RFC9110-7.8-c"),
    legs=WEB,
)
async def test_http10(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0])
    offer.start = offer.start.replace("HTTP/1.1", "HTTP/1.0")
    await offer.refused()


@case(
    "ws-handshake-upgrade-missing",
    "A request on {0} without Upgrade, or to another protocol, is no handshake",
    requirements=("RFC6455-4.2.1-b", "RFC9110-7.8-a"),
    legs=WEB,
)
async def test_no_upgrade(lab: Lab, legs: tuple[str]) -> None:
    await Offer(lab, legs[0]).put("Upgrade").refused()
    await Offer(lab, legs[0]).put("Upgrade", "h2c").refused()


@case(
    "ws-handshake-connection-missing",
    "A request on {0} whose Connection lacks Upgrade is no handshake",
    requirements=("RFC6455-4.2.1-b",),
    legs=WEB,
)
async def test_no_connection(lab: Lab, legs: tuple[str]) -> None:
    await Offer(lab, legs[0]).put("Connection").refused()
    await Offer(lab, legs[0]).put("Connection", "keep-alive").refused()


@case(
    "ws-handshake-key",
    "A key on {0} that is missing, there twice or not 16 bytes in base64 is refused with 400",
    requirements=("RFC6455-4.2.1-c",),
    legs=WEB,
)
async def test_key(lab: Lab, legs: tuple[str]) -> None:
    good = new_key()
    wrong: tuple[list[str], ...] = (
        [],
        [good, good],
        ["AAAAAAAAAAAAAAAAAAAA"],
        ["A" * 23 + "="],
        ["?" * 22 + "=="],
    )
    for keys in wrong:
        _, head = await Offer(lab, legs[0]).put("Sec-WebSocket-Key", *keys).send()
        lab.check(
            head is not None and head.status == 400,
            f"key {' and '.join(keys) or 'missing'}: answered with {status(head)}, not 400",
        )


@case(
    "ws-handshake-version",
    "A version on {0} other than 13 is refused, and 13 is named",
    requirements=("RFC6455-4.2.2-c", "RFC6455-4.4-a"),
    legs=WEB,
)
async def test_version(lab: Lab, legs: tuple[str]) -> None:
    for version in ("12", "25", "99"):
        head = await Offer(lab, legs[0]).put("Sec-WebSocket-Version", version).refused(400, 426)
        named = [] if head is None else tokens(head.all("sec-websocket-version"))
        lab.check("13" in named, f"version {version}: the refusal names {named}, not 13")
    await Offer(lab, legs[0]).put("Sec-WebSocket-Version").refused(400, 426)


@case(
    "ws-handshake-path",
    "A handshake on {0} for a path without service is refused",
    requirements=("RFC6455-4.2.2-d",),
    legs=WEB,
)
async def test_path(lab: Lab, legs: tuple[str]) -> None:
    if lab.target.ws_path == "/":
        raise Skip("the target names no path of its own: it may serve all of them")
    offer = Offer(lab, legs[0])
    offer.start = f"GET /there-is-no-such-path-{lab.uuid()} HTTP/1.1"
    await offer.refused(400, 403, 404)


@case(
    "ws-handshake-host",
    "A handshake on {0} without Host, or with two, is refused with 400",
    requirements=("RFC9112-3.2-a",),
    legs=WEB,
)
async def test_host(lab: Lab, legs: tuple[str]) -> None:
    host = lab.target.address(legs[0]).hostport
    wrong: tuple[list[str], ...] = ([], [host, host])
    for hosts in wrong:
        _, head = await Offer(lab, legs[0]).put("Host", *hosts).send()
        lab.check(
            head is not None and head.status == 400,
            f"{len(hosts)} Host lines: answered with {status(head)}, not 400",
        )


@case(
    "ws-handshake-space-before-colon",
    "A header on {0} with a space before its colon is refused with 400",
    requirements=("RFC9112-5.1-a",),
    legs=WEB,
)
async def test_space(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0])
    offer.headers.append(("X-Space ", "before the colon"))
    _, head = await offer.send()
    lab.check(head is not None and head.status == 400, f"answered with {status(head)}, not 400")


@case(
    "ws-handshake-extension",
    "An extension offered on {0} is taken as offered or left; a broken offer is not taken",
    requirements=("RFC6455-4.2.2-f", "RFC6455-9.1-a"),
    legs=WEB,
)
async def test_extension(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0]).put("Sec-WebSocket-Extensions", "x-none-knows-this; a=1")
    _, head = await offer.accepted()
    taken = head.all("sec-websocket-extensions")
    lab.check(not taken, f"an unknown extension is accepted as {taken}", level="MUST NOT")
    for wrong in (";", "a;;b", 'a="x y', "a="):
        _, answer = await Offer(lab, legs[0]).put("Sec-WebSocket-Extensions", wrong).send()
        taken = [] if answer is None else answer.all("sec-websocket-extensions")
        lab.check(not taken, f"offer {wrong!r} is answered {taken}", "RFC6455-9.1-a")


@case(
    "ws-handshake-oversized",
    "A handshake on {0} of 400 kB is refused or cut off",
    requirements=("RFC6455-10.4-a", "RFC9112-3-a"),
    legs=WEB,
)
async def test_oversized(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0]).put("X-Large", "x" * 400_000)
    head = await offer.refused()
    lab.check(head is None or head.status >= 400, f"answered with {status(head)}")
    await Offer(lab, legs[0]).accepted()


@case(
    "ws-handshake-garbage",
    "A request line on {0} that is none is refused with 400 or the end of the connection",
    requirements=("RFC6455-10.7-a", "RFC9112-2.2-a"),
    legs=WEB,
)
async def test_garbage(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0])
    offer.start = "\x16\x03\x01 what is this?"
    await offer.refused(400)
    await Offer(lab, legs[0]).accepted()


@case(
    "ws-handshake-frame-behind",
    "A frame on {0} in the same segment as the handshake is not lost",
    requirements=("RFC6455-6.2-a",),
    legs=WEB,
)
async def test_frame_behind(lab: Lab, legs: tuple[str]) -> None:
    offer = Offer(lab, legs[0])
    socket = await lab.socket("alice", legs[0])
    await socket.request_with(offer.head(), Frame(PING, b"at once"))
    head = await lab.soon(socket.response(), "the answer to the handshake")
    lab.require(head is not None and head.status == 101, f"answered with {status(head)}")
    frames = await lab.soon(socket.frames(), "the Pong")
    lab.require(bool(frames) and frames[0].payload == b"at once", f"what came is {frames[:1]}")
