"""The opening handshake of a WebSocket connection (RFC 6455 section 4, RFC 7118 section 4.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from viaduct.rules.rule import Breach, rule
from viaduct.rules.scene.scene import Scene
from viaduct.sip.cursor import ParseError
from viaduct.trace.model import Event
from viaduct.wsframe.handshake import TOKEN, Head, accept_for, key_length, parse_head

WEB = ("ws", "wss")
_VERSION = re.compile(r"HTTP/(1\.[1-9]|[2-9]\.[0-9])")


@dataclass(frozen=True, slots=True)
class Opening:
    """One handshake. `asker` and `answerer` are the parties of the two heads."""

    ask: Event
    asked: Head
    asker: str
    answer: Event | None
    answered: Head | None
    answerer: str

    @property
    def accepted(self) -> bool:
        return self.answered is not None and self.answered.status == 101

    def request(self, text: str, name: str, field: str, requirement: str | None = None) -> Breach:
        span = self.asked.span(field)
        return Breach(self.ask, self.asker, text, name, span, requirement)

    def response(self, text: str, name: str, field: str, requirement: str | None = None) -> Breach:
        span = None if self.answered is None else self.answered.span(field)
        return Breach(self.answer, self.answerer, text, name, span, requirement)


def openings(scene: Scene) -> list[Opening]:
    """The handshakes of the trace, request and response put together by flow."""
    return scene.once(_openings)


def _openings(scene: Scene) -> list[Opening]:
    waiting: dict[tuple[str, str], tuple[Event, Head]] = {}
    found: list[Opening] = []
    for event in scene.events("handshake"):
        if not (scene.sightings.is_inside(event) or scene.sightings.is_border(event)):
            continue
        try:
            head = parse_head(event.data)
        except ParseError:
            continue
        key = (event.at, event.flow)
        inside = scene.sightings.is_inside(event)
        if head.is_request:
            waiting[key] = (event, head)
            continue
        asked = waiting.pop(key, None)
        if asked is not None:
            found.append(_opening(asked, event, head, inside))
    for asked in waiting.values():
        found.append(_opening(asked, None, None, scene.sightings.is_inside(asked[0])))
    return sorted(found, key=lambda one: one.ask.n)


def _opening(
    asked: tuple[Event, Head], answer: Event | None, head: Head | None, inside: bool
) -> Opening:
    event, ask = asked
    agent = event.remote or event.flow if inside else event.at
    target_asks = (event.dir == "out") is inside
    asker, answerer = ("target", agent) if target_asks else (agent, "target")
    return Opening(event, ask, asker, answer, head, answerer)


def sip_openings(scene: Scene) -> Iterator[Opening]:
    """Handshakes that offer or agree on SIP, or were accepted on a flow that carried SIP."""
    for one in openings(scene):
        if one.accepted or one.asked.lists("upgrade", "websocket"):
            yield one


@rule(
    "handshake-offers-sip",
    "The client offers the sip subprotocol",
    "RFC7118-4.1-a",
    legs=WEB,
)
def offers_sip(scene: Scene) -> Iterator[Breach]:
    """The GET of a SIP WebSocket client lists sip in Sec-WebSocket-Protocol."""
    for one in sip_openings(scene):
        if "sip" not in one.asked.items("sec-websocket-protocol"):
            seen = ", ".join(one.asked.items("sec-websocket-protocol")) or "nothing"
            yield one.request(
                f"The client offers {seen}.", "Sec-WebSocket-Protocol", "sec-websocket-protocol"
            )


@rule(
    "handshake-selects-sip",
    "The server selects the sip subprotocol",
    "RFC7118-4.1-b",
    "RFC7118-8.1-b",
    legs=WEB,
)
def selects_sip(scene: Scene) -> Iterator[Breach]:
    """The 101 to a client that offers sip names sip, and only that, in Sec-WebSocket-Protocol."""
    for one in sip_openings(scene):
        if one.answered is None or not one.accepted:
            continue
        if "sip" not in one.asked.items("sec-websocket-protocol"):
            continue
        chosen = one.answered.items("sec-websocket-protocol")
        if chosen != ["sip"]:
            yield one.response(
                f"The server answers {', '.join(chosen) or 'without a subprotocol'}.",
                "Sec-WebSocket-Protocol",
                "sec-websocket-protocol",
            )


@rule(
    "handshake-selects-offered",
    "The subprotocol selected was offered",
    "RFC6455-4.2.2-e",
    legs=WEB,
)
def selects_offered(scene: Scene) -> Iterator[Breach]:
    """The subprotocol in the answer is one that the client offered; without an offer there is
    none."""
    for one in openings(scene):
        if one.answered is None or not one.accepted:
            continue
        offered = one.asked.items("sec-websocket-protocol")
        chosen = one.answered.items("sec-websocket-protocol")
        if "sip" not in offered and any(item not in offered for item in chosen):
            yield one.response(
                f"The client offered {', '.join(offered) or 'none'}, the server chose"
                f" {', '.join(chosen)}.",
                "Sec-WebSocket-Protocol",
                "sec-websocket-protocol",
            )


@rule(
    "handshake-get",
    "The handshake is a GET of HTTP/1.1",
    "RFC6455-4.1-a",
    "RFC7118-8.1-a",
    legs=WEB,
)
def get(scene: Scene) -> Iterator[Breach]:
    """The opening request is GET with HTTP/1.1 or later."""
    for one in sip_openings(scene):
        if one.asked.method != "GET" or not _VERSION.fullmatch(one.asked.version):
            yield one.request(f"It is {one.asked.method} {one.asked.version}.", "", "")


@rule(
    "handshake-host",
    "The handshake has one Host",
    "RFC6455-4.1-b",
    "RFC9112-3.2-b",
    "RFC7118-8.1-a",
    legs=WEB,
)
def host(scene: Scene) -> Iterator[Breach]:
    """The opening request has exactly one Host, without a user part."""
    for one in sip_openings(scene):
        hosts = one.asked.all("host")
        if len(hosts) != 1 or "@" in hosts[0].value or not hosts[0].value:
            seen = ", ".join(field.value for field in hosts) or "missing"
            yield one.request(f"Host is {seen}.", "Host", "host")


@rule(
    "handshake-upgrade",
    "The request has Upgrade: websocket and Connection: Upgrade",
    "RFC6455-4.1-c",
    "RFC9110-7.8-b",
    "RFC7118-8.1-a",
    legs=WEB,
)
def upgrade(scene: Scene) -> Iterator[Breach]:
    """The opening request has websocket in Upgrade and Upgrade in Connection."""
    for one in openings(scene):
        if not one.asked.all("sec-websocket-key"):
            continue
        for name, field, token in (
            ("Upgrade", "upgrade", "websocket"),
            ("Connection", "connection", "upgrade"),
        ):
            if not one.asked.lists(field, token):
                yield one.request(f"{name} lacks {token}.", name, field)


@rule(
    "handshake-key",
    "The key is 16 octets in base64",
    "RFC6455-4.1-d",
    legs=WEB,
)
def key(scene: Scene) -> Iterator[Breach]:
    """Sec-WebSocket-Key stands once, is base64 of 16 octets and new for each connection."""
    seen: dict[str, tuple[str, str]] = {}
    for one in sip_openings(scene):
        keys = one.asked.all("sec-websocket-key")
        if len(keys) != 1 or key_length(keys[0].value) != 16:
            told = ", ".join(field.value for field in keys) or "missing"
            yield one.request(f"The key is {told}.", "Sec-WebSocket-Key", "sec-websocket-key")
            continue
        where = (one.ask.at, one.ask.flow)
        first = seen.setdefault(keys[0].value, where)
        if first != where and first[0] == where[0]:
            yield one.request(
                f"The key had been used for flow {first[1]}.",
                "Sec-WebSocket-Key",
                "sec-websocket-key",
            )


@rule(
    "handshake-version",
    "The request says version 13",
    "RFC6455-4.1-f",
    "RFC7118-8.1-a",
    legs=WEB,
)
def version(scene: Scene) -> Iterator[Breach]:
    """The opening request has exactly one Sec-WebSocket-Version, 13."""
    for one in sip_openings(scene):
        told = [field.value for field in one.asked.all("sec-websocket-version")]
        if told != ["13"]:
            yield one.request(
                f"The version is {', '.join(told) or 'missing'}.",
                "Sec-WebSocket-Version",
                "sec-websocket-version",
            )


@rule(
    "handshake-offer-tokens",
    "Offered subprotocols are different tokens",
    "RFC6455-4.1-g",
    legs=WEB,
)
def offer_tokens(scene: Scene) -> Iterator[Breach]:
    """The subprotocols offered are tokens, none empty and none twice."""
    for one in sip_openings(scene):
        offered = one.asked.items("sec-websocket-protocol")
        good = all(TOKEN.fullmatch(item) for item in offered) and len(set(offered)) == len(offered)
        if not good:
            yield one.request(
                f"The client offers “{', '.join(offered)}”.",
                "Sec-WebSocket-Protocol",
                "sec-websocket-protocol",
            )


@rule(
    "handshake-101",
    "The 101 has Upgrade and Connection",
    "RFC6455-4.2.2-a",
    "RFC9110-7.8-a",
    "RFC7118-8.1-b",
    legs=WEB,
)
def switching(scene: Scene) -> Iterator[Breach]:
    """A 101 has websocket in Upgrade and Upgrade in Connection."""
    for one in openings(scene):
        if one.answered is None or not one.accepted:
            continue
        for name, field, token in (
            ("Upgrade", "upgrade", "websocket"),
            ("Connection", "connection", "upgrade"),
        ):
            if not one.answered.lists(field, token):
                yield one.response(f"The 101 lacks {name}: {token}.", name, field)


@rule(
    "handshake-accept",
    "Sec-WebSocket-Accept belongs to the key",
    "RFC6455-4.2.2-b",
    "RFC7118-8.1-b",
    legs=WEB,
)
def accept(scene: Scene) -> Iterator[Breach]:
    """Sec-WebSocket-Accept is the base64 of the SHA-1 of the key and the protocol's GUID."""
    for one in openings(scene):
        asked = one.asked.first("sec-websocket-key")
        if one.answered is None or not one.accepted or asked is None:
            continue
        told = [field.value for field in one.answered.all("sec-websocket-accept")]
        if told != [accept_for(asked)]:
            yield one.response(
                f"It is {', '.join(told) or 'missing'}; {accept_for(asked)} is due.",
                "Sec-WebSocket-Accept",
                "sec-websocket-accept",
            )


@rule(
    "handshake-extensions",
    "No extension is accepted that was not offered",
    "RFC6455-4.2.2-f",
    "RFC7692-5-a",
    level="MUST NOT",
    legs=WEB,
)
def extensions(scene: Scene) -> Iterator[Breach]:
    """The answer lists only extensions that the request offered."""
    for one in openings(scene):
        if one.answered is None or not one.accepted:
            continue
        offered = {_name(item) for item in one.asked.items("sec-websocket-extensions")}
        for item in one.answered.items("sec-websocket-extensions"):
            if _name(item) not in offered:
                yield one.response(
                    f"{_name(item) or 'nothing'} was accepted and not offered.",
                    "Sec-WebSocket-Extensions",
                    "sec-websocket-extensions",
                )


def _name(item: str) -> str:
    return item.split(";")[0].strip().lower()


@rule(
    "handshake-no-body",
    "A 101 has no Transfer-Encoding",
    "RFC9112-6.1-a",
    level="MUST NOT",
    legs=WEB,
)
def no_body(scene: Scene) -> Iterator[Breach]:
    """A 101 has no Transfer-Encoding; frames follow its empty line."""
    for one in openings(scene):
        if one.answered is not None and one.accepted and one.answered.all("transfer-encoding"):
            yield one.response(
                "The 101 has Transfer-Encoding.", "Transfer-Encoding", "transfer-encoding"
            )


@rule(
    "handshake-426",
    "A 426 says what to upgrade to",
    "RFC9110-15.5.22-a",
    "RFC9110-7.8-b",
    legs=WEB,
)
def upgrade_required(scene: Scene) -> Iterator[Breach]:
    """A 426 answer has Upgrade, and Connection with upgrade."""
    for one in openings(scene):
        if one.answered is None or one.answered.status != 426:
            continue
        for name, field in (("Upgrade", "upgrade"), ("Connection", "connection")):
            if not one.answered.all(field):
                yield one.response(f"The 426 lacks {name}.", name, field)


def _deflate(head: Head) -> list[dict[str, str | None]]:
    """The permessage-deflate elements of a head, each as its parameters."""
    found: list[dict[str, str | None]] = []
    for item in head.items("sec-websocket-extensions"):
        name, *params = [part.strip() for part in item.split(";")]
        if name.lower() == "permessage-deflate":
            pairs = [param.partition("=") for param in params]
            found.append({k.strip().lower(): v.strip(' "') if e else None for k, e, v in pairs})
    return found


@rule(
    "handshake-deflate-client-bits",
    "client_max_window_bits answers an offer only",
    "RFC7692-7.1.2.2-a",
    level="MUST NOT",
    legs=WEB,
)
def client_bits(scene: Scene) -> Iterator[Breach]:
    """client_max_window_bits is in the answer only if it was in the offer."""
    for one in openings(scene):
        told = _deflate(one.answered) if one.answered is not None else []
        if told and "client_max_window_bits" in told[0]:
            if not any("client_max_window_bits" in offer for offer in _deflate(one.asked)):
                yield one.response(
                    "client_max_window_bits was not offered.",
                    "Sec-WebSocket-Extensions",
                    "sec-websocket-extensions",
                )


def _narrower(bits: str, asked: str) -> bool:
    """Whether an answer is a window of 8 to 15 bits, no larger than the offer."""
    allowed = [str(number) for number in range(8, 16)]
    return bits in allowed and (asked not in allowed or int(bits) <= int(asked))


@rule(
    "handshake-deflate-server",
    "What limits the server's compression is confirmed",
    "RFC7692-7.1.1.1-a",
    "RFC7692-7.1.2.1-a",
    legs=WEB,
)
def server_deflate(scene: Scene) -> Iterator[Breach]:
    """An accepted offer with server_no_context_takeover or server_max_window_bits is answered
    with the same parameter, the latter with the same or a smaller number."""
    for one in openings(scene):
        offers = _deflate(one.asked)
        told = _deflate(one.answered) if one.answered is not None else []
        if len(offers) != 1 or not told:
            continue
        if "server_no_context_takeover" in offers[0]:
            if "server_no_context_takeover" not in told[0]:
                yield one.response(
                    "server_no_context_takeover was offered and is not in the answer.",
                    "Sec-WebSocket-Extensions",
                    "sec-websocket-extensions",
                )
        asked = offers[0].get("server_max_window_bits")
        if asked is not None:
            bits = told[0].get("server_max_window_bits") or ""
            if not _narrower(bits, asked):
                yield one.response(
                    f"server_max_window_bits={asked} was offered, the answer says"
                    f" {bits or 'nothing'}.",
                    "Sec-WebSocket-Extensions",
                    "sec-websocket-extensions",
                    "RFC7692-7.1.2.1-a",
                )


@rule("handshake-origin", "A browser sends one Origin", "RFC6455-4.1-e", "RFC7118-8.1-a", legs=WEB)
def origin(scene: Scene) -> Iterator[Breach]:
    """The opening request of a browser, which its User-Agent tells, has exactly one Origin."""
    for one in sip_openings(scene):
        agent = one.asked.first("user-agent") or ""
        if agent.startswith("Mozilla/") and len(one.asked.all("origin")) != 1:
            yield one.request(
                f"The browser sent {len(one.asked.all('origin'))} Origin fields.",
                "Origin",
                "origin",
            )


@rule(
    "handshake-no-sip-refused",
    "A client that does not offer sip is not let in",
    "RFC7118-4.1-f",
    level="MUST NOT",
    legs=WEB,
)
def no_sip_refused(scene: Scene) -> Iterator[Breach]:
    """A server does not complete the handshake as a SIP connection when the client did not offer
    sip."""
    for one in openings(scene):
        offered = one.asked.items("sec-websocket-protocol")
        chosen = [] if one.answered is None else one.answered.items("sec-websocket-protocol")
        if one.accepted and "sip" not in offered and "sip" in chosen:
            yield one.response(
                "A 101 for sip answers a client that did not offer it.",
                "Sec-WebSocket-Protocol",
                "sec-websocket-protocol",
            )
