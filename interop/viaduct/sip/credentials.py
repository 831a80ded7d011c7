"""Challenges and credentials (RFC 3261 sections 20.7, 20.27, 20.28 and 20.44)."""

from dataclasses import dataclass

from viaduct.sip.cursor import LWS, QUOTED, TOKEN, Cursor, ParseError, text
from viaduct.sip.param import Param, find


@dataclass(frozen=True, slots=True)
class Credentials:
    """A scheme and its auth-params; for schemes other than Digest nothing else is checked."""

    scheme: str
    params: tuple[Param, ...]
    span: tuple[int, int]

    def param(self, name: str) -> Param | None:
        return find(self.params, name)

    def value(self, name: str) -> str | None:
        param = find(self.params, name)
        return None if param is None else param.unquoted


def parse_credentials(cursor: Cursor) -> Credentials:
    cursor.space()
    start = cursor.at
    scheme = text(cursor.take(TOKEN, "an authentication scheme"))
    cursor.take(LWS, "white space after the scheme")
    if scheme.lower() != "digest":
        return Credentials(scheme, (), (start, cursor.end))
    found: list[Param] = []
    while True:
        at = cursor.at
        name = text(cursor.take(TOKEN, "a parameter name")).lower()
        if not cursor.skip(b"="):
            # RFC 3261 7.3.1: a second scheme in one row is what a missing "=" most often is.
            raise ParseError(cursor.at, "an equals sign expected after the parameter name")
        if cursor.sees(b'"'):
            value = cursor.take(QUOTED, "a closed quoted string")
        else:
            value = cursor.take(TOKEN, "a parameter value")
        found.append(Param(name, text(value), (at, cursor.at)))
        if not cursor.skip(b","):
            break
    cursor.done()
    return Credentials(scheme, tuple(found), (start, cursor.at))
