"""Via values (RFC 3261 sections 20.42 and 25.1)."""

import re
from dataclasses import dataclass

from viaduct.sip.cursor import LWS, TOKEN, Cursor, text
from viaduct.sip.param import Param, find, parse_params
from viaduct.sip.uri import parse_host

_COLON = re.compile(rb":")
_PORT = re.compile(rb"[0-9]{1,5}")
MAGIC = "z9hG4bK"


@dataclass(frozen=True, slots=True)
class Via:
    """One value; `transport` and `host` as written in upper and lower case respectively."""

    raw: str
    protocol: str
    version: str
    transport: str
    host: str
    port: int | None
    params: tuple[Param, ...]
    span: tuple[int, int]
    transport_span: tuple[int, int]
    sent_by_span: tuple[int, int]

    def param(self, name: str) -> Param | None:
        return find(self.params, name)

    def has(self, name: str) -> bool:
        return find(self.params, name) is not None

    def value(self, name: str) -> str | None:
        param = find(self.params, name)
        return None if param is None else param.value

    @property
    def branch(self) -> str | None:
        return self.value("branch")

    @property
    def sent_by(self) -> tuple[str, int | None]:
        return self.host, self.port

    def without(self, *names: str) -> tuple[object, ...]:
        """All that must survive a hop: everything but the named parameters."""
        kept = tuple((p.name, p.value) for p in self.params if p.name not in names)
        return (self.protocol, self.version, self.transport, self.host, self.port, kept)


def parse_via(cursor: Cursor) -> Via:
    cursor.space()
    start = cursor.at
    protocol = text(cursor.take(TOKEN, "the protocol name")).upper()
    _slash(cursor)
    version = text(cursor.take(TOKEN, "the protocol version"))
    _slash(cursor)
    token_at = cursor.at
    transport = text(cursor.take(TOKEN, "the transport")).upper()
    token_span = (token_at, cursor.at)
    cursor.take(LWS, "white space after the transport")
    host_at = cursor.at
    host = parse_host(cursor)
    host_end = cursor.at
    port: int | None = None
    if cursor.skip(b":"):
        port = int(cursor.take(_PORT, "a port"))
        host_end = cursor.at
    params = parse_params(cursor)
    return Via(
        raw=text(cursor.data[start : cursor.at]),
        protocol=protocol,
        version=version,
        transport=transport,
        host=host,
        port=port,
        params=params,
        span=(start, cursor.at),
        transport_span=token_span,
        sent_by_span=(host_at, host_end),
    )


def parse_vias(cursor: Cursor) -> tuple[Via, ...]:
    """The comma-separated values of one header row."""
    found = [parse_via(cursor)]
    while cursor.skip(b","):
        found.append(parse_via(cursor))
    cursor.done()
    return tuple(found)


def _slash(cursor: Cursor) -> None:
    if not cursor.skip(b"/"):
        cursor.take(_SLASH, "a slash")


_SLASH = re.compile(rb"/")
