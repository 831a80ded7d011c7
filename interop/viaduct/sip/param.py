"""Parameters behind a semicolon, of a header value or of a URI."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from viaduct.sip.cursor import QUOTED, TOKEN, Cursor, ParseError, text

# gen-value = token / host / quoted-string; of a host only what no token can hold: IPv6, with or
# without brackets (RFC 3261 writes received without, RFC 5118 4.5 asks to read both).
_BRACKETED = re.compile(rb"\[[0-9A-Fa-f:.]+\]")
_BARE_IPV6 = re.compile(rb"[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Param:
    """`name` in lower case; `value` as written, quotes included, or None without an equals sign."""

    name: str
    value: str | None
    span: tuple[int, int]

    @property
    def unquoted(self) -> str | None:
        if self.value is None or len(self.value) < 2 or self.value[0] != '"':
            return self.value
        return re.sub(r"\\(.)", r"\1", self.value[1:-1], flags=re.DOTALL)


def find(params: Sequence[Param], name: str) -> Param | None:
    for param in params:
        if param.name == name:
            return param
    return None


def parse_params(cursor: Cursor) -> tuple[Param, ...]:
    """*( SEMI generic-param ), as far as it goes."""
    found: list[Param] = []
    while cursor.skip(b";"):
        start = cursor.at
        name = text(cursor.take(TOKEN, "a parameter name")).lower()
        end = cursor.at
        value: str | None = None
        if cursor.skip(b"="):
            value = text(_value(cursor))
            end = cursor.at
        found.append(Param(name, value, (start, end)))
    return tuple(found)


def _value(cursor: Cursor) -> bytes:
    if cursor.sees(b'"'):
        return cursor.take(QUOTED, "a closed quoted string")
    for pattern in (_BRACKETED, _BARE_IPV6, TOKEN):
        value = cursor.maybe(pattern)
        if value is not None:
            return value
    raise ParseError(cursor.at, "a parameter value expected")
