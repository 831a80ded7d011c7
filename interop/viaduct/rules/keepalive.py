"""Keep-alives between SIP messages (RFC 5626 section 4.4)."""

from collections import defaultdict
from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.scene import Scene
from viaduct.trace.model import Event

PING = b"\r\n\r\n"
PONG = b"\r\n"
PATIENCE = 10.0  # RFC 5626 4.4.1: a client takes the flow for dead after 10 s without pong


@rule(
    "keepalive-form",
    "A ping is two line ends, a pong is one",
    "RFC5626-4.4.1-b",
    legs=("ws", "wss", "tls", "tcp"),
)
def form(scene: Scene) -> Iterator[Breach]:
    """Between messages a client sends a double CRLF and gets a single CRLF, nothing else."""
    for event, link, enters in scene.sightings.keepalives:
        if link.is_stream and event.data not in (PING, PONG):
            party = link.agent if enters else "target"
            yield Breach(event, party, f"A keep-alive of {len(event.data)} octets.", None, None)


@rule(
    "keepalive-answered",
    "A ping gets its pong",
    "RFC5626-5.4-b",
    "RFC5626-6-u",
    "RFC7118-6-b",
    role="target",
    legs=("ws", "wss", "tls", "tcp"),
)
def answered(scene: Scene) -> Iterator[Breach]:
    """A server that gets a double CRLF answers with a single one. Judged where the client had the
    time to see it: something else came back later on the connection."""
    asked: dict[int, list[Event]] = defaultdict(list)
    told: dict[int, int] = defaultdict(int)
    for event, link, enters in scene.sightings.keepalives:
        if enters and event.data == PING:
            asked[id(link)].append(event)
        elif not enters:
            told[id(link)] += 1
    for link in scene.links:
        pings = asked.get(id(link), [])
        if not link.is_stream or told[id(link)] >= len(pings):
            continue
        missing = pings[told[id(link)]]
        if any(not p.enters and p.t > missing.t + PATIENCE for p in link.packets):
            yield Breach(missing, "target", "The ping drew no pong.", None, None)


@rule(
    "keepalive-not-udp",
    "No CRLF keep-alive on UDP",
    "RFC5626-4.4.1-a",
    level="MUST NOT",
    legs=("udp",),
)
def not_udp(scene: Scene) -> Iterator[Breach]:
    """CRLF keep-alives are for connections and not used on UDP by who uses outbound."""
    outbound = {
        packet.agent
        for packet in scene.requests
        if packet.enters and packet.method == "REGISTER" and packet.lists("supported", "outbound")
    }
    for event, link, enters in scene.sightings.keepalives:
        if not link.is_stream and event.data == PING and enters and link.agent in outbound:
            yield Breach(event, link.agent, "A double CRLF in a datagram.", None, None)


@rule(
    "keepalive-no-stun",
    "No STUN on connections",
    "RFC5626-4.4.2-a",
    level="MUST NOT",
    role="agent",
    legs=("ws", "wss", "tls", "tcp"),
)
def no_stun(scene: Scene) -> Iterator[Breach]:
    """STUN keep-alives are not used on TCP, TLS and WebSocket flows."""
    for event in scene.events("stun"):
        if event.transport in ("tcp", "tls", "ws", "wss") and event.dir == "out":
            if scene.sightings.is_border(event) and not scene.sightings.is_inside(event):
                yield Breach(event, event.at, f"STUN on {event.transport}.", None, None)


@rule(
    "keep-constant",
    "keep has one value in all responses to a request",
    "RFC6223-4.4-b",
    level="MUST NOT",
)
def keep_constant(scene: Scene) -> Iterator[Breach]:
    """The responses to one request do not differ in the value of keep."""
    for request in scene.requests:
        first: str | None = None
        for answer in request.answers:
            param = None if answer.top is None else answer.top.param("keep")
            if param is None or param.value is None:
                continue
            if first is not None and param.value != first:
                yield breach(answer, f"keep was {first} and is {param.value}.", "Via", param.span)
            first = first or param.value


@rule("keep-flow-timer", "Flow-Timer and keep agree", "RFC6223-5-a")
def keep_flow_timer(scene: Scene) -> Iterator[Breach]:
    """Flow-Timer and the value of keep in one message are equal."""
    for packet in scene.responses:
        timer = packet.number("flow-timer")
        param = None if packet.top is None else packet.top.param("keep")
        if timer is None or param is None or param.value is None:
            continue
        if param.value != str(timer):
            yield breach(
                packet, f"Flow-Timer is {timer}, keep is {param.value}.", "Via", param.span
            )
