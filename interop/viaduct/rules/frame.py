"""WebSocket frames (RFC 6455 section 5) and what SIP puts into them (RFC 7118 sections 4.2 and
5)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from viaduct.rules.rule import Breach, rule
from viaduct.rules.scene.scene import Scene
from viaduct.trace.model import Event
from viaduct.wsframe.frame import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

WEB = ("ws", "wss")
PATIENCE = 1.0  # seconds that an answer may take before its absence counts
FORBIDDEN_CODES = frozenset((1005, 1006, 1015))


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame with who sent it, and whether that is the client of the connection."""

    event: Event
    party: str
    client: bool
    opcode: int
    fin: bool
    rsv: int
    masked: bool | None
    length: int

    def breach(self, text: str, requirement: str | None = None) -> Breach:
        return Breach(self.event, self.party, text, None, None, requirement)


def connections(scene: Scene) -> list[list[Sent]]:
    """The frames of each connection, in order, as one vantage saw them."""
    return scene.once(_connections)


def _connections(scene: Scene) -> list[list[Sent]]:
    clients = _clients(scene)
    found: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    for event in scene.events("frame"):
        inside = scene.sightings.is_inside(event)
        if event.dir is None or not (inside or scene.sightings.is_border(event)):
            continue
        if inside and _seen_outside(scene, event):
            continue
        key = (event.at, event.flow)
        agent = event.remote or event.flow if inside else event.at
        by_target = (event.dir == "out") is inside
        masked = event.info.get("masked")
        found[key].append(
            Sent(
                event,
                "target" if by_target else agent,
                (event.dir == "out") is clients.get(key, not inside),
                _number(event.info.get("opcode")),
                event.info.get("fin") is not False,
                _number(event.info.get("rsv")),
                masked if isinstance(masked, bool) else None,
                _number(event.info.get("length"), len(event.data)),
            )
        )
    return list(found.values())


def _number(value: object, default: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _clients(scene: Scene) -> dict[tuple[str, str], bool]:
    """Whether the vantage is the client of a flow: who sent the GET, else who connected."""
    found: dict[tuple[str, str], bool] = {}
    for event in scene.trace.events:
        if event.kind == "handshake" and event.data.startswith(b"GET ") and event.dir:
            found[event.at, event.flow] = event.dir == "out"
        elif event.kind in ("connect", "accept"):
            found.setdefault((event.at, event.flow), event.kind == "connect")
    return found


def _seen_outside(scene: Scene, event: Event) -> bool:
    """A frame of the system's own record counts only where no agent's vantage has the flow."""
    return scene.sightings.link_of(event).agent != f"{event.transport}:{event.remote}"


def frames(scene: Scene) -> Iterator[Sent]:
    for one in connections(scene):
        yield from one


@rule(
    "frame-client-masked",
    "A client masks its frames",
    "RFC6455-5.1-a",
    legs=WEB,
)
def client_masked(scene: Scene) -> Iterator[Breach]:
    """Every frame from the client of a connection is masked."""
    for frame in frames(scene):
        if frame.client and frame.masked is False:
            yield frame.breach("A frame from the client is not masked.")


@rule(
    "frame-server-unmasked",
    "A server does not mask its frames",
    "RFC6455-5.1-c",
    level="MUST NOT",
    legs=WEB,
)
def server_unmasked(scene: Scene) -> Iterator[Breach]:
    """No frame from the server of a connection is masked."""
    for frame in frames(scene):
        if not frame.client and frame.masked is True:
            yield frame.breach("A frame from the server is masked.")


@rule(
    "frame-reserved-bits",
    "Reserved bits are zero",
    "RFC6455-5.2-a",
    "RFC7692-6.1-a",
    legs=WEB,
)
def reserved(scene: Scene) -> Iterator[Breach]:
    """RSV1 to RSV3 are zero where no extension gives them a meaning."""
    compressed = _compressed(scene)
    for frame in frames(scene):
        allowed = 4 if (frame.event.at, frame.event.flow) in compressed else 0
        if frame.opcode not in (TEXT, BINARY):
            allowed = 0
        if frame.rsv & ~allowed:
            yield frame.breach(
                f"The reserved bits are {frame.rsv:03b}.",
                "RFC7692-6.1-a" if frame.rsv == 4 and compressed and not allowed else None,
            )


def _compressed(scene: Scene) -> set[tuple[str, str]]:
    return {
        (event.at, event.flow)
        for event in scene.events("handshake")
        if event.data.startswith(b"HTTP/1.1 101") and b"permessage-deflate" in event.data.lower()
    }


@rule(
    "frame-control-whole",
    "A control frame is not fragmented",
    "RFC6455-5.4-a",
    level="MUST NOT",
    legs=WEB,
)
def control_whole(scene: Scene) -> Iterator[Breach]:
    """Close, Ping and Pong frames have FIN set."""
    for frame in frames(scene):
        if frame.opcode >= 8 and not frame.fin:
            yield frame.breach("A control frame without FIN.")


@rule(
    "frame-control-short",
    "A control frame carries 125 octets at most",
    "RFC6455-5.5-a",
    legs=WEB,
)
def control_short(scene: Scene) -> Iterator[Breach]:
    """Close, Ping and Pong frames carry no more than 125 octets."""
    for frame in frames(scene):
        if frame.opcode >= 8 and frame.length > 125:
            yield frame.breach(f"A control frame of {frame.length} octets.")


@rule(
    "frame-fragments",
    "Messages are not mixed",
    "RFC6455-6.1-a",
    legs=WEB,
)
def fragments(scene: Scene) -> Iterator[Breach]:
    """A message ends with FIN before the next one starts, and a continuation has something to
    continue."""
    for one in connections(scene):
        open_message = {True: False, False: False}
        for frame in one:
            if frame.opcode >= 8:
                continue
            started = open_message[frame.client]
            if frame.opcode == CONTINUATION and not started:
                yield frame.breach("A continuation frame with nothing to continue.")
            elif frame.opcode != CONTINUATION and started:
                yield frame.breach("A new message before the last one had ended.")
            open_message[frame.client] = not frame.fin


@rule(
    "frame-none-after-close",
    "Nothing follows a Close",
    "RFC6455-5.5.1-b",
    level="MUST NOT",
    legs=WEB,
)
def none_after_close(scene: Scene) -> Iterator[Breach]:
    """After its Close an endpoint sends no data frame."""
    for one in connections(scene):
        closed: set[bool] = set()
        for frame in one:
            if frame.client in closed and frame.opcode < 8:
                yield frame.breach("A data frame after the sender's Close.")
            if frame.opcode == CLOSE:
                closed.add(frame.client)


@rule(
    "frame-close-code",
    "A Close carries a code made for it",
    "RFC6455-7.4.1-a",
    level="MUST NOT",
    legs=WEB,
)
def close_code(scene: Scene) -> Iterator[Breach]:
    """The codes 1005, 1006 and 1015 never appear in a Close frame."""
    for frame in frames(scene):
        code = _code(frame)
        if code in FORBIDDEN_CODES:
            yield frame.breach(f"Close with code {code}.")


def _code(frame: Sent) -> int | None:
    if frame.opcode != CLOSE or len(frame.event.data) < 2:
        return None
    return int.from_bytes(frame.event.data[:2], "big")


@rule(
    "frame-close-1010",
    "A server does not close with 1010",
    "RFC6455-7.4.1-b",
    level="SHOULD NOT",
    legs=WEB,
)
def close_1010(scene: Scene) -> Iterator[Breach]:
    """1010 is for clients that miss an extension; a server only echoes it."""
    for one in connections(scene):
        echoed = False
        for frame in one:
            code = _code(frame)
            if code == 1010:
                if not frame.client and not echoed:
                    yield frame.breach("The server closes with 1010.")
                echoed = echoed or frame.client


@rule(
    "frame-close-answered",
    "A Close is answered with a Close",
    "RFC6455-5.5.1-c",
    legs=WEB,
)
def close_answered(scene: Scene) -> Iterator[Breach]:
    """An endpoint that receives a Close sends one, unless it already had, before the connection
    ends."""
    ends = {
        (event.at, event.flow): event
        for event in scene.events("close")
        if event.info.get("why") == "eof"
    }
    for one in connections(scene):
        closes = [frame for frame in one if frame.opcode == CLOSE]
        if len(closes) != 1:
            continue
        frame = closes[0]
        end = ends.get((frame.event.at, frame.event.flow))
        # Only an end that the other side made, in order, after it had the Close, shows a refusal.
        if end is None or frame.event.dir != "out" or end.n < frame.event.n:
            continue
        code = _code(frame)
        if code is not None and code != 1000 and code != 1001:
            continue
        other = next((f.party for f in one if f.client is not frame.client), "target")
        yield Breach(end, other, "The connection ended without an answer to the Close.")


@rule(
    "frame-pong-echoes",
    "A Pong repeats the Ping",
    "RFC6455-5.5.3-a",
    legs=WEB,
)
def pong_echoes(scene: Scene) -> Iterator[Breach]:
    """A Pong that answers a Ping has its application data; a Pong that nobody asked for may say
    anything."""
    for one in connections(scene):
        pending: dict[bool, list[bytes]] = {True: [], False: []}
        for frame in one:
            if frame.opcode == PING:
                pending[frame.client].append(frame.event.data)
            elif frame.opcode == PONG:
                asked = pending[not frame.client]
                if asked and frame.event.data not in asked:
                    yield frame.breach(
                        f"A Pong of {len(frame.event.data)} octets repeats none of the"
                        f" {len(asked)} Pings before it."
                    )
                elif asked:
                    del asked[: asked.index(frame.event.data) + 1]


@rule(
    "frame-text-utf8",
    "What is not UTF-8 is sent as binary",
    "RFC7118-4.2-c",
    legs=WEB,
)
def text_utf8(scene: Scene) -> Iterator[Breach]:
    """A SIP message that is not valid UTF-8 travels in a binary message; a text message decodes."""
    for one in connections(scene):
        parts: dict[bool, list[bytes]] = {True: [], False: []}
        opcode: dict[bool, int] = {True: 0, False: 0}
        for frame in one:
            if frame.opcode >= 8 or frame.rsv:
                continue
            if frame.opcode != CONTINUATION:
                opcode[frame.client], parts[frame.client] = frame.opcode, []
            parts[frame.client].append(frame.event.data)
            if not frame.fin or opcode[frame.client] != TEXT:
                continue
            whole = b"".join(parts[frame.client])
            try:
                whole.decode("utf-8")
            except UnicodeDecodeError as error:
                yield frame.breach(f"A text message is not UTF-8 at byte {error.start}.")


@rule(
    "websocket-utf8",
    "Browser clients encode SIP in UTF-8",
    "RFC7118-4.2-d",
    level="SHOULD",
    role="agent",
    legs=WEB,
)
def client_utf8(scene: Scene) -> Iterator[Breach]:
    """The headers of what a SIP WebSocket client sends are UTF-8."""
    for packet in scene.fresh:
        if not packet.enters or not packet.link.is_websocket or packet.message is None:
            continue
        try:
            packet.message.raw[: packet.message.body_at].decode("utf-8")
        except UnicodeDecodeError as error:
            yield Breach(
                packet.event,
                packet.party,
                f"The headers are not UTF-8 at byte {error.start}.",
                None,
                (error.start, error.end),
            )


@rule("frame-ping-answered", "A Ping gets its Pong", "RFC6455-5.5.2-a", legs=WEB)
def ping_answered(scene: Scene) -> Iterator[Breach]:
    """A Ping is answered by a Pong, unless a Close came before. Judged where the other side sent
    something else a second or more later."""
    for one in connections(scene):
        for place, frame in enumerate(one):
            if frame.opcode != PING or any(f.opcode == CLOSE for f in one[:place]):
                continue
            later = [f for f in one[place + 1 :] if f.client is not frame.client]
            before = [f for f in one[place + 1 :] if f.opcode == CLOSE]
            late = [f for f in later if f.event.t > frame.event.t + PATIENCE]
            if late and not before and not any(f.opcode == PONG for f in later):
                yield Breach(frame.event, late[0].party, "The Ping drew no Pong.")
