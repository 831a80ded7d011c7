"""The message as a whole: syntax, mandatory headers, length, and what a proxy carries unchanged."""

import re
from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.place import SECURE
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address
from viaduct.sip.header import SINGLE
from viaduct.sip.message import Message
from viaduct.sip.param import Param

TITLES = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
MANDATORY = ("to", "from", "cseq", "call-id", "max-forwards", "via")
CHALLENGES = ("www-authenticate", "proxy-authenticate", "authorization", "proxy-authorization")
# Which obligation a malformed value breaks; for the rest the one to have the header.
SYNTAX = {
    "request-uri": "RFC3261-19.1.2-a",
    "via": "RFC3261-8.1.1.7-a",
    "from": "RFC3261-8.1.1.3-a",
    "cseq": "RFC3261-8.1.1.5-a",
    "contact": "RFC3261-20.10-a",
    "route": "RFC3261-19.1.2-a",
    "record-route": "RFC3261-16.6-f",
    "path": "RFC3327-4-b",
    "service-route": "RFC3608-5-a",
    "content-length": "RFC3261-20.14-a",
    "flow-timer": "RFC5626-10-b",
}
# What a proxy may change in a request (RFC 3261 16.6, 16.12, RFC 3325, RFC 3327, RFC 5393), and
# Contact, Route, Record-Route and Path, which have rules of their own.
CHANGEABLE = frozenset(
    "via route record-route path contact max-forwards max-breadth proxy-authorization"
    " content-length p-asserted-identity p-preferred-identity privacy".split()
)
RESPONSE_CHANGEABLE = frozenset(
    "via record-route path service-route contact to content-length flow-timer"
    " p-asserted-identity p-preferred-identity privacy".split()
)


def title(key: str) -> str:
    """The usual spelling of a header's name."""
    return TITLES.get(key) or "-".join(part.capitalize() for part in key.split("-"))


def origin(packet: Packet) -> Message | None:
    """The message that the sender only passed on or answered, if it did."""
    if packet.hop is not None:
        return packet.hop.inn.message
    if packet.request is not None:
        return packet.request.message
    return None


def is_copied(packet: Packet, key: str, raw: bytes) -> bool:
    """Whether the sender only repeats the bytes of a value, so that another is to blame for it."""
    before = origin(packet)
    if before is None:
        return False
    if key == "request-uri":
        return before.is_request and raw in before.start_line.encode()
    return any(raw in before.raw[row.row[0] : row.row[1]] for row in before.rows(key))


@rule(
    "message-syntax",
    "What is sent is a SIP message",
    "RFC3261-8.1.1-a",
    "RFC7118-4.1-d",
)
def syntax(scene: Scene) -> Iterator[Breach]:
    """A message has a start line, header rows that end in CRLF and an empty line. On a WebSocket
    connection nothing but SIP messages and keep-alives is sent."""
    for packet in scene.fresh:
        error = packet.error
        if error is not None:
            what = "Not a SIP message" if packet.message is None else "Malformed rows"
            at = max(0, min(error.offset, len(packet.event.data) - 1))
            yield breach(
                packet,
                f"{what} at byte {error.offset}: {error.reason}.",
                None,
                (at, at + 1),
                requirement="RFC7118-4.1-d" if packet.link.is_websocket else None,
            )


@rule("header-syntax", "Header values follow their grammar", *sorted(set(SYNTAX.values())))
def header_syntax(scene: Scene) -> Iterator[Breach]:
    """The values that a sender puts in a message follow the grammar of their header."""
    for packet in scene.fresh:
        if packet.message is None:
            continue
        for key, error in packet.message.problems():
            if key in CHALLENGES or _is_inherited(packet, key):
                continue
            rows = packet.message.rows(key)
            row = next((r for r in rows if r.span[0] <= error.offset <= r.span[1]), None)
            span = packet.message.uri_span if row is None else row.span
            yield breach(
                packet,
                f"{title(key)} is malformed at byte {error.offset}: {error.reason}.",
                title(key),
                span,
                requirement=SYNTAX.get(key, "RFC3261-8.1.1.7-a"),
            )


def _is_inherited(packet: Packet, key: str) -> bool:
    """Whether the values came to the sender in this shape."""
    before, message = origin(packet), packet.message
    if before is None or message is None:
        return False
    if key == "request-uri":
        return before.is_request and before.start_line == message.start_line
    known = {row.value for row in before.rows(key)}
    return bool(known) and all(row.value in known for row in message.rows(key))


@rule(
    "mandatory-headers",
    "A request has To, From, CSeq, Call-ID, Max-Forwards and Via",
    "RFC3261-8.1.1-a",
)
def mandatory(scene: Scene) -> Iterator[Breach]:
    """Every request has the six headers To, From, CSeq, Call-ID, Max-Forwards and Via."""
    for packet in scene.requests:
        message = packet.message
        if message is None or packet.hop is not None:
            continue
        for key in MANDATORY:
            if not message.has(key):
                yield breach(packet, f"The {packet.method} lacks {title(key)}.", title(key))


@rule(
    "header-once",
    "A header that stands once is not repeated",
    "RFC4475-3.3.8-a",
)
def once(scene: Scene) -> Iterator[Breach]:
    """Headers that hold a single value, such as From or CSeq, occur once in a message."""
    for packet in scene.fresh:
        message = packet.message
        if message is None or (packet.hop is not None and packet.hop.inn.message is None):
            continue
        before = None if packet.hop is None else packet.hop.inn.message
        for key in SINGLE:
            rows = message.rows(key)
            if len(rows) > 1 and (before is None or len(before.rows(key)) < 2):
                yield breach(
                    packet,
                    f"{title(key)} occurs {len(rows)} times.",
                    title(key),
                    rows[1].span,
                )


@rule(
    "cseq-method",
    "CSeq has the method of the request",
    "RFC3261-8.1.1.5-a",
)
def cseq_method(scene: Scene) -> Iterator[Breach]:
    """The CSeq number is below 2^31 and its method is the request's."""
    for packet in scene.requests:
        cseq = packet.cseq
        if cseq is None or packet.hop is not None or packet.message is None:
            continue
        if cseq.method != packet.message.method or cseq.number >= 1 << 31:
            yield breach(
                packet,
                f"The {packet.message.method} has CSeq {cseq.number} {cseq.method}.",
                "CSeq",
                cseq.span,
            )


@rule("from-tag", "From has a tag", "RFC3261-8.1.1.3-a")
def from_tag(scene: Scene) -> Iterator[Breach]:
    """The From of every request has a tag."""
    for packet in scene.requests:
        values = packet.values("from")
        if values and packet.hop is None and not values[0].tag:
            yield breach(packet, "From has no tag.", "From", values[0].span)


@rule(
    "max-forwards-start",
    "A UAC starts Max-Forwards at 70",
    "RFC3261-8.1.1.6-a",
    level="SHOULD",
    role="agent",
)
def max_forwards_start(scene: Scene) -> Iterator[Breach]:
    """A request that comes straight from its UAC has Max-Forwards 70."""
    for packet in scene.requests:
        values = packet.values("max-forwards")
        if packet.enters and len(packet.vias) == 1 and values and values[0].value != 70:
            yield breach(
                packet, f"Max-Forwards is {values[0].value}.", "Max-Forwards", values[0].span
            )


@rule(
    "max-forwards-lowered",
    "A proxy lowers Max-Forwards by one",
    "RFC3261-16.6-d",
    "RFC7118-8.2-g",
    role="target",
)
def max_forwards_lowered(scene: Scene) -> Iterator[Breach]:
    """A proxy lowers Max-Forwards by one at each pass, and adds the header if there was none."""
    for hop in scene.request_hops:
        if hop.out.message is None or hop.inn.message is None or hop.pushed == 0:
            continue
        before, after = hop.inn.number("max-forwards"), hop.out.number("max-forwards")
        values = hop.out.values("max-forwards")
        span = values[0].span if values else None
        if not hop.out.message.has("max-forwards"):
            yield breach(hop.out, "The request left without Max-Forwards.", "Max-Forwards")
        elif before is not None and after is not None and after != before - hop.pushed:
            yield breach(
                hop.out,
                f"Max-Forwards came as {before} and left as {after}.",
                "Max-Forwards",
                span,
            )


@rule(
    "body-kept",
    "A proxy does not change the body",
    "RFC3261-16.6-b",
    "RFC3261-16.7-j",
    level="MUST NOT",
    role="target",
)
def body_kept(scene: Scene) -> Iterator[Breach]:
    """The body of a forwarded request or response is the one that came in."""
    for hop in (*scene.request_hops, *scene.response_hops):
        before, after = hop.inn.message, hop.out.message
        if before is not None and after is not None and before.body != after.body:
            yield breach(
                hop.out,
                f"The body had {len(before.body)} octets and left with {len(after.body)}, or with"
                " others.",
                None,
                (after.body_at, len(after.raw)),
                requirement="RFC3261-16.7-j" if hop.out.is_response else None,
            )


_BLANKS = re.compile(r"\s+")


def _gathered(message: Message, skip: frozenset[str]) -> dict[str, str]:
    """Each header's values in one text, so that joining and splitting rows makes no difference."""
    found: dict[str, str] = {}
    for row in message.headers:
        if row.key not in skip:
            value = _BLANKS.sub(" ", row.value)
            found[row.key] = f"{found[row.key]}, {value}" if row.key in found else value
    return found


def _changed(before: Message, after: Message, skip: frozenset[str]) -> Iterator[tuple[str, str]]:
    ours, theirs = _gathered(before, skip), _gathered(after, skip)
    if ours == theirs:
        return
    for key, value in ours.items():
        left = theirs.get(key)
        if left is None:
            yield key, f"{title(key)} was removed."
        elif left != value and left.replace(", ", ",") != value.replace(", ", ","):
            if not left.startswith(f"{value}, ") and not left.endswith(f", {value}"):
                yield key, f"{title(key)} came as “{value}” and left as “{left}”."


@rule(
    "headers-kept",
    "A proxy keeps the headers of a request",
    "RFC3261-16.6-a",
    level="MUST NOT",
    role="target",
)
def headers_kept(scene: Scene) -> Iterator[Breach]:
    """A proxy removes or changes no header of a request but those that it has to, and keeps the
    order of values of one name."""
    for hop in scene.request_hops:
        before, after = hop.inn.message, hop.out.message
        if before is None or after is None:
            continue
        for key, text in _changed(before, after, CHANGEABLE):
            rows = after.rows(key)
            yield breach(hop.out, text, title(key), rows[0].span if rows else None)


@rule(
    "response-headers-kept",
    "A proxy keeps the headers of a response",
    "RFC3261-16.7-j",
    level="MUST NOT",
    role="target",
)
def response_headers_kept(scene: Scene) -> Iterator[Breach]:
    """A proxy passes a response on with all headers but Via as they came."""
    for hop in scene.response_hops:
        before, after = hop.inn.message, hop.out.message
        if before is None or after is None:
            continue
        for key, text in _changed(before, after, RESPONSE_CHANGEABLE):
            rows = after.rows(key)
            yield breach(hop.out, text, title(key), rows[0].span if rows else None)


@rule(
    "to-kept",
    "A proxy keeps To of a response",
    "RFC3261-16.7-g",
    level="MUST NOT",
    role="target",
)
def to_kept(scene: Scene) -> Iterator[Breach]:
    """A proxy neither adds nor changes the To tag of a response that it passes on."""
    for hop in scene.response_hops:
        if hop.inn.message is None or hop.out.message is None:
            continue
        before = [row.value for row in hop.inn.message.rows("to")]
        rows = hop.out.message.rows("to")
        if before and before != [row.value for row in rows]:
            yield breach(
                hop.out,
                f"To came as {before[0]} and left as {rows[0].value if rows else 'nothing'}.",
                "To",
                rows[0].span if rows else None,
            )


@rule(
    "service-route-kept",
    "A proxy does not alter Service-Route",
    "RFC3608-6.2-a",
    level="SHOULD NOT",
    role="target",
)
def service_route_kept(scene: Scene) -> Iterator[Breach]:
    """The Service-Route of a response to REGISTER passes proxies unchanged."""
    for hop in scene.response_hops:
        before = [value.raw for value in hop.inn.values("service-route")]
        values = hop.out.values("service-route")
        if before != [value.raw for value in values]:
            yield breach(
                hop.out,
                f"Service-Route came as {', '.join(before) or 'none'}.",
                "Service-Route",
                values[0].span if values else None,
            )


@rule(
    "service-route-place",
    "Service-Route occurs in a 2xx to REGISTER only",
    "RFC3608-5-b",
    level="MUST NOT",
)
def service_route_place(scene: Scene) -> Iterator[Breach]:
    """No message but a 2xx response to REGISTER has Service-Route."""
    for packet in scene.fresh:
        message = packet.message
        if message is None or not message.has("service-route") or packet.hop is not None:
            continue
        if packet.method != "REGISTER" or not 200 <= packet.status < 300:
            span = message.rows("service-route")[0].span
            yield breach(packet, f"The {packet.name} has Service-Route.", "Service-Route", span)


@rule("service-route-lr", "A Service-Route URI has lr", "RFC3608-5-a")
def service_route_lr(scene: Scene) -> Iterator[Breach]:
    """Each Service-Route value is a URI in angle brackets with the parameter lr."""
    for packet in scene.fresh:
        for value in scene.authored(packet, "service-route"):
            if value.uri is not None and not value.uri.has("lr"):
                yield breach(packet, f"{value.raw} lacks lr.", "Service-Route", value.span)


@rule(
    "content-length-stream",
    "On TCP and TLS a message has Content-Length",
    "RFC3261-20.14-a",
    "RFC3261-16.6-r",
    "RFC7118-5-f",
    legs=("tcp", "tls"),
)
def content_length_stream(scene: Scene) -> Iterator[Breach]:
    """On a stream every message has a Content-Length; a proxy adds it where it came without."""
    for packet in scene.fresh:
        message = packet.message
        if message is None or packet.transport not in ("tcp", "tls"):
            continue
        if not message.has("content-length"):
            yield breach(
                packet,
                f"The {packet.name} on {packet.transport} has no Content-Length.",
                "Content-Length",
                requirement="RFC3261-16.6-r" if packet.hop is not None else None,
            )


@rule(
    "content-length-value",
    "Content-Length is the length of the body",
    "RFC3261-20.14-a",
    "RFC7118-5-c",
    "RFC7118-5-d",
)
def content_length_value(scene: Scene) -> Iterator[Breach]:
    """Content-Length equals the octets behind the empty line, so that a WebSocket message or
    datagram holds one whole SIP message and nothing else."""
    for packet in scene.fresh:
        message = packet.message
        values = packet.values("content-length")
        if message is None or not values or len(message.rows("content-length")) > 1:
            continue
        told, there = values[0].value, len(message.rest)
        if told == there:
            continue
        requirement = None
        if packet.link.is_websocket:
            requirement = "RFC7118-5-d" if told < there else "RFC7118-5-c"
        yield breach(
            packet,
            f"Content-Length is {told}; {there} octets follow the headers.",
            "Content-Length",
            values[0].span,
            requirement=requirement,
        )


def _lists(packet: Packet) -> Iterator[tuple[str, tuple[Param, ...], bool]]:
    """Every list of parameters: of header values (False) and of URIs (True)."""
    for via in packet.vias:
        yield "via", via.params, False
    uri = packet.uri
    if uri is not None:
        yield "request-uri", uri.params, True
    for key in ("contact", "route", "record-route", "path", "from", "to", "service-route"):
        values: tuple[Address, ...] = packet.values(key)
        for value in values:
            yield key, value.params, False
            if value.uri is not None:
                yield key, value.uri.params, True


def _twice(packet: Packet, of_uri: bool) -> Iterator[Breach]:
    if packet.message is None:
        return
    for key, params, is_uri in _lists(packet):
        if is_uri is not of_uri:
            continue
        seen: set[str] = set()
        for param in params:
            if param.name in seen and not is_copied(
                packet, key, packet.message.raw[param.span[0] : param.span[1]]
            ):
                yield breach(packet, f"{param.name} occurs twice.", title(key), param.span)
            seen.add(param.name)


@rule(
    "header-param-once",
    "A parameter occurs once in a header value",
    "RFC3261-7.3.1-d",
    level="MUST NOT",
)
def header_param_once(scene: Scene) -> Iterator[Breach]:
    """No header value has two parameters of one name."""
    for packet in scene.fresh:
        yield from _twice(packet, False)


@rule(
    "uri-param-once",
    "A parameter occurs once in a URI",
    "RFC3261-19.1.1-b",
    level="MUST NOT",
)
def uri_param_once(scene: Scene) -> Iterator[Breach]:
    """No URI has two parameters of one name."""
    for packet in scene.fresh:
        yield from _twice(packet, True)


@rule(
    "sips-not-over-udp",
    "A sips request does not travel over UDP",
    "RFC3261-26.2.2-c",
    level="MUST NOT",
    legs=("udp",),
)
def sips_not_over_udp(scene: Scene) -> Iterator[Breach]:
    """A request for a sips URI is never sent over UDP."""
    for packet in scene.requests:
        uri = packet.uri
        if uri is not None and uri.scheme == "sips" and packet.transport not in SECURE:
            if packet.transport == "udp":
                yield breach(packet, f"{uri} went over UDP.", "Request-URI", uri.span)


@rule(
    "sips-not-over-ws",
    "A sips request travels over secure WebSocket only",
    "RFC7118-9.2-a",
    legs=("ws",),
)
def sips_not_over_ws(scene: Scene) -> Iterator[Breach]:
    """Where a request for a sips URI crosses a WebSocket hop, that hop is a secure one."""
    for packet in scene.requests:
        uri = packet.uri
        if uri is not None and uri.scheme == "sips" and packet.transport == "ws":
            yield breach(packet, f"{uri} went over plain WebSocket.", "Request-URI", uri.span)


@rule(
    "sips-routes",
    "The route of a sips request is sips",
    "RFC5630-5.1.1-b",
    role="agent",
    legs=("tls", "wss"),
)
def sips_routes(scene: Scene) -> Iterator[Breach]:
    """With a sips Request-URI all Route values of the UA's request are sips URIs."""
    for packet in scene.requests:
        uri = packet.uri
        if not packet.enters or uri is None or uri.scheme != "sips" or packet.to_tag is not None:
            continue
        for value in packet.routes:
            if value.uri is not None and value.uri.scheme == "sip":
                yield breach(
                    packet, f"Route {value.raw} in a request for {uri}.", "Route", value.span
                )


@rule(
    "request-uri-kept",
    "The Request-URI of an in-dialog request stays",
    "RFC3261-16.5-a",
    "RFC7118-8.2-m",
    role="target",
)
def request_uri_kept(scene: Scene) -> Iterator[Breach]:
    """A proxy that passes a request on within a dialog leaves the Request-URI, which is the remote
    target, as it came."""
    for hop in scene.request_hops:
        before, after = hop.inn.uri, hop.out.uri
        if hop.inn.to_tag is None or before is None or after is None or before.has("gr"):
            continue
        if before.raw == after.raw or scene.is_own(before) or after.raw in scene.announced:
            continue
        if scene.bindings.at(f"{before.user}@{before.host}", hop.inn.t):
            continue
        yield breach(
            hop.out,
            f"The Request-URI came as {before} and left as {after}.",
            "Request-URI",
            after.span,
        )
