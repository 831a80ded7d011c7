"""Digest authentication as a trace shows it (RFC 3261 section 22, RFC 8760, RFC 7616)."""

from collections.abc import Iterator

from viaduct.rules.message import CHALLENGES, is_copied, title
from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene
from viaduct.sip.credentials import Credentials, parse_credentials
from viaduct.sip.cursor import Cursor, ParseError

ASKING = ("www-authenticate", "proxy-authenticate")
REPLYING = ("authorization", "proxy-authorization")
HEX_DIGITS = {"md5": 32, "md5-sess": 32, "sha-256": 64, "sha-256-sess": 64, "sha-512-256": 64}


def rows(
    scene: Scene, keys: tuple[str, ...]
) -> Iterator[tuple[Packet, str, tuple[int, int], Credentials | None]]:
    """Each row of these headers that its sender wrote itself, parsed if it can be."""
    for packet in scene.fresh:
        message = packet.message
        if message is None:
            continue
        for key in keys:
            for row in message.rows(key):
                if is_copied(packet, key, message.raw[row.span[0] : row.span[1]]):
                    continue
                try:
                    parsed = parse_credentials(Cursor(message.raw, row.span[0], row.span[1]))
                except ParseError:
                    parsed = None
                yield packet, key, row.span, parsed


@rule(
    "auth-one-per-row",
    "A row holds one challenge or one set of credentials",
    "RFC3261-7.3.1-e",
    level="MUST NOT",
)
def one_per_row(scene: Scene) -> Iterator[Breach]:
    """Challenges and credentials are well formed and not joined by commas in one row."""
    for packet, key, span, parsed in rows(scene, CHALLENGES):
        if parsed is None:
            yield breach(packet, f"{title(key)} is not one Digest.", title(key), span)


@rule(
    "auth-no-basic",
    "Basic is not used in SIP",
    "RFC8760-2.6-a",
    level="MUST NOT",
)
def no_basic(scene: Scene) -> Iterator[Breach]:
    """Neither challenges nor credentials have the scheme Basic."""
    for packet, key, span, parsed in rows(scene, CHALLENGES):
        if parsed is not None and parsed.scheme.lower() == "basic":
            yield breach(packet, f"{title(key)} is Basic.", title(key), span)


@rule(
    "auth-qop",
    "Challenges have qop, and so have credentials",
    "RFC8760-2.6-b",
)
def qop(scene: Scene) -> Iterator[Breach]:
    """A Digest challenge has qop, and credentials that answer one have qop, nc and cnonce."""
    for packet, key, span, parsed in rows(scene, CHALLENGES):
        if parsed is None or parsed.scheme.lower() != "digest":
            continue
        due = ("qop",) if key in ASKING else ("qop", "nc", "cnonce")
        missing = [name for name in due if parsed.param(name) is None]
        if missing:
            text = f"{title(key)} lacks {', '.join(missing)}."
            yield breach(packet, text, title(key), span)


@rule(
    "auth-uri",
    "The uri of credentials is the Request-URI, quoted",
    "RFC8760-2.6-c",
    role="agent",
)
def uri(scene: Scene) -> Iterator[Breach]:
    """The uri parameter of credentials is a quoted string with the Request-URI as it was sent."""
    for packet, key, span, parsed in rows(scene, REPLYING):
        param = None if parsed is None else parsed.param("uri")
        if param is None or packet.uri is None or not packet.enters or len(packet.vias) != 1:
            continue
        if param.unquoted != packet.uri.raw or (param.value or "")[:1] != '"':
            yield breach(
                packet,
                f"uri is {param.value}, the Request-URI {packet.uri}.",
                title(key),
                param.span,
            )


@rule(
    "auth-response-length",
    "The response of credentials has the length of its algorithm",
    "RFC8760-2.2-a",
    role="agent",
)
def response_length(scene: Scene) -> Iterator[Breach]:
    """The response has 32 hexadecimal digits for MD5, 64 for SHA-256 and SHA-512-256."""
    for packet, key, span, parsed in rows(scene, REPLYING):
        param = None if parsed is None else parsed.param("response")
        if parsed is None or param is None:
            continue
        algorithm = (parsed.value("algorithm") or "MD5").lower()
        value = param.unquoted or ""
        due = HEX_DIGITS.get(algorithm)
        good = len(value) == due and all(c in "0123456789abcdef" for c in value)
        if due is not None and not good:
            yield breach(packet, f"response={param.value} for {algorithm}.", title(key), param.span)


@rule(
    "auth-algorithms-differ",
    "Challenges of one realm differ in algorithm",
    "RFC8760-2.3-a",
)
def algorithms_differ(scene: Scene) -> Iterator[Breach]:
    """Several challenges for one realm in a response have different algorithms."""
    seen: set[tuple[int, str, str, str]] = set()
    for packet, key, span, parsed in rows(scene, ASKING):
        if parsed is None or parsed.value("realm") is None:
            continue
        algorithm = (parsed.value("algorithm") or "MD5").lower()
        mark = (packet.event.n, key, parsed.value("realm") or "", algorithm)
        if mark in seen:
            yield breach(
                packet, f"A second challenge of {mark[2]} for {algorithm}.", title(key), span
            )
        seen.add(mark)


@rule(
    "auth-nc",
    "nc is eight hexadecimal digits and counts",
    "RFC7616-3.4-a",
    role="agent",
)
def nonce_count(scene: Scene) -> Iterator[Breach]:
    """nc has eight hexadecimal digits, starts at 1 for each nonce and rises by one."""
    last: dict[tuple[str, str], int] = {}
    for packet, key, span, parsed in rows(scene, REPLYING):
        param = None if parsed is None else parsed.param("nc")
        nonce = None if parsed is None else parsed.value("nonce")
        if param is None or nonce is None or not packet.enters:
            continue
        value = param.unquoted or ""
        good = len(value) == 8 and all(c in "0123456789abcdefABCDEF" for c in value)
        due = last.get((packet.party, nonce), 0) + 1
        number = int(value, 16) if good else 0
        if not good or number < due:
            yield breach(packet, f"nc is {param.value}, {due:08x} is due.", title(key), param.span)
        last[packet.party, nonce] = max(number, due)


@rule(
    "auth-unquoted",
    "algorithm, qop and nc of credentials have no quotes",
    "RFC7616-3.4-b",
    level="MUST NOT",
    role="agent",
)
def unquoted(scene: Scene) -> Iterator[Breach]:
    """algorithm, qop and nc stand in credentials without quotes."""
    for packet, key, span, parsed in rows(scene, REPLYING):
        for name in ("algorithm", "qop", "nc"):
            param = None if parsed is None else parsed.param(name)
            if param is not None and (param.value or "").startswith('"'):
                yield breach(packet, f"{name} is {param.value}.", title(key), param.span)
