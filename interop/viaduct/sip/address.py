"""Name-addr and addr-spec with header parameters: From, To, Contact, Route, Record-Route, Path."""

import re
from dataclasses import dataclass

from viaduct.sip.cursor import LWS, QUOTED, TOKEN, Cursor, ParseError, text
from viaduct.sip.param import Param, find, parse_params
from viaduct.sip.uri import Uri, parse_uri

_ANGLE = re.compile(rb"<")
_CLOSE = re.compile(rb">")
_STAR = re.compile(rb"\*")


@dataclass(frozen=True, slots=True)
class Address:
    """One value. `uri` is None for the Contact value `*` only."""

    raw: str
    display: str | None
    uri: Uri | None
    params: tuple[Param, ...]
    bracketed: bool
    span: tuple[int, int]

    def param(self, name: str) -> Param | None:
        return find(self.params, name)

    def has(self, name: str) -> bool:
        return find(self.params, name) is not None

    @property
    def tag(self) -> str | None:
        param = find(self.params, "tag")
        return None if param is None else param.value


def parse_address(cursor: Cursor, *, brackets: bool = False, star: bool = False) -> Address:
    """One value at the cursor; `brackets` demands the name-addr form, `star` allows `*`."""
    cursor.space()
    start = cursor.at
    if star and cursor.maybe(_STAR):
        end = cursor.at
        params = parse_params(cursor)
        raw = text(cursor.data[start : cursor.at])
        return Address(raw, None, None, params, False, (start, end))
    display = _display(cursor)
    if cursor.maybe(_ANGLE):
        uri = parse_uri(cursor)
        cursor.take(_CLOSE, "the closing angle bracket of the URI")
        bracketed = True
    elif brackets or display is not None:
        raise ParseError(cursor.at, "a URI in angle brackets expected")
    else:
        uri = parse_uri(cursor, params=False)
        bracketed = False
        if cursor.sees(b"?"):
            raise ParseError(cursor.at, "a URI with a question mark needs angle brackets")
    params = parse_params(cursor)
    span = (start, cursor.at)
    return Address(text(cursor.data[start : cursor.at]), display, uri, params, bracketed, span)


def parse_addresses(
    cursor: Cursor, *, brackets: bool = False, star: bool = False
) -> tuple[Address, ...]:
    """The comma-separated values of one header row."""
    found = [parse_address(cursor, brackets=brackets, star=star)]
    while cursor.skip(b","):
        found.append(parse_address(cursor, brackets=brackets, star=star))
    cursor.done()
    return tuple(found)


def _display(cursor: Cursor) -> str | None:
    """The display name, if what stands here is one; tokens need the angle bracket behind them."""
    start = cursor.at
    if cursor.sees(b'"'):
        name = cursor.take(QUOTED, "a closed quoted string")
        cursor.space()
        return text(name)
    while cursor.maybe(TOKEN) is not None:
        if cursor.maybe(LWS) is None:
            break
    end = cursor.at
    cursor.space()
    if end > start and cursor.sees(b"<"):
        return text(cursor.data[start:end]).strip()
    cursor.at = start
    return None
