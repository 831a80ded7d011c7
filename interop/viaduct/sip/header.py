"""Header rows: names, compact forms, and which grammar the value of each follows."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from viaduct.sip.address import parse_address, parse_addresses
from viaduct.sip.credentials import parse_credentials
from viaduct.sip.cursor import DIGITS, LWS, TOKEN, Cursor, ParseError, text
from viaduct.sip.param import Param, parse_params
from viaduct.sip.via import parse_vias

COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

# Headers that stand once in a message (RFC 3261 7.3.1 with the grammar of section 25).
SINGLE = frozenset(
    "call-id content-length content-type cseq date expires flow-timer from max-breadth max-forwards"
    " mime-version min-expires organization priority referred-by refer-to reply-to retry-after"
    " server session-expires subject timestamp to user-agent event".split()
)


@dataclass(frozen=True, slots=True)
class Header:
    """One row. `key` is the full name in lower case; `span` covers the value without its blanks."""

    name: str
    key: str
    value: str
    span: tuple[int, int]
    row: tuple[int, int]


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Number:
    value: int
    params: tuple[Param, ...]
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Word:
    """One token of a list such as Supported; option tags and methods keep their case."""

    value: str
    params: tuple[Param, ...]
    span: tuple[int, int]


_WORD = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]+")
_AT = re.compile(rb"@")
_MEDIA = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]+[ \t]*/[ \t]*[A-Za-z0-9\-.!%*_+`'~]+")


def _number(cursor: Cursor) -> tuple[Number, ...]:
    cursor.space()
    start = cursor.at
    value = cursor.take(DIGITS, "a number")
    if len(value) > 20:
        raise ParseError(start, "a number of more than 20 digits")
    end = cursor.at
    cursor.done()
    return (Number(int(value), (), (start, end)),)


def _number_params(cursor: Cursor) -> tuple[Number, ...]:
    cursor.space()
    start = cursor.at
    value = cursor.take(DIGITS, "a number")
    if len(value) > 20:
        raise ParseError(start, "a number of more than 20 digits")
    params = parse_params(cursor)
    end = cursor.at
    cursor.done()
    return (Number(int(value), params, (start, end)),)


def _cseq(cursor: Cursor) -> tuple[CSeq, ...]:
    cursor.space()
    start = cursor.at
    number = cursor.take(DIGITS, "a sequence number")
    if len(number) > 20:
        raise ParseError(start, "a number of more than 20 digits")
    cursor.take(LWS, "white space after the sequence number")
    method = text(cursor.take(TOKEN, "a method"))
    end = cursor.at
    cursor.done()
    return (CSeq(int(number), method, (start, end)),)


def _call_id(cursor: Cursor) -> tuple[str, ...]:
    cursor.space()
    start = cursor.at
    cursor.take(_WORD, "a word")
    if cursor.maybe(_AT):
        cursor.take(_WORD, "a word after the at sign")
    end = cursor.at
    cursor.done()
    return (text(cursor.data[start:end]),)


def _words(cursor: Cursor) -> tuple[Word, ...]:
    """[ token *(COMMA token) ]: Supported and Allow may be empty."""
    cursor.space()
    found: list[Word] = []
    if cursor.at == cursor.end:
        return ()
    while True:
        start = cursor.at
        value = text(cursor.take(TOKEN, "a token"))
        found.append(Word(value, (), (start, cursor.at)))
        if not cursor.skip(b","):
            break
    cursor.done()
    return tuple(found)


def _some_words(cursor: Cursor) -> tuple[Word, ...]:
    start = cursor.at
    found = _words(cursor)
    if not found:
        raise ParseError(start, "a token expected")
    return found


def _media(cursor: Cursor) -> tuple[Word, ...]:
    cursor.space()
    start = cursor.at
    value = re.sub(r"\s", "", text(cursor.take(_MEDIA, "type/subtype"))).lower()
    params = parse_params(cursor)
    end = cursor.at
    cursor.done()
    return (Word(value, params, (start, end)),)


def _event(cursor: Cursor) -> tuple[Word, ...]:
    cursor.space()
    start = cursor.at
    value = text(cursor.take(TOKEN, "a token"))
    params = parse_params(cursor)
    end = cursor.at
    cursor.done()
    return (Word(value, params, (start, end)),)


def _one_address(cursor: Cursor) -> tuple[Any, ...]:
    found = parse_address(cursor)
    cursor.done()
    return (found,)


def _contacts(cursor: Cursor) -> tuple[Any, ...]:
    return parse_addresses(cursor, star=True)


def _routes(cursor: Cursor) -> tuple[Any, ...]:
    return parse_addresses(cursor, brackets=True)


def _credentials(cursor: Cursor) -> tuple[Any, ...]:
    return (parse_credentials(cursor),)


GRAMMAR: dict[str, Callable[[Cursor], tuple[Any, ...]]] = {
    "via": parse_vias,
    "from": _one_address,
    "to": _one_address,
    "contact": _contacts,
    "route": _routes,
    "record-route": _routes,
    "path": _routes,
    "service-route": _routes,
    "refer-to": _one_address,
    "referred-by": _one_address,
    "reply-to": _one_address,
    "call-id": _call_id,
    "cseq": _cseq,
    "max-forwards": _number,
    "max-breadth": _number,
    "content-length": _number,
    "expires": _number,
    "min-expires": _number,
    "flow-timer": _number,
    "session-expires": _number_params,
    "supported": _words,
    "allow": _words,
    "require": _some_words,
    "proxy-require": _some_words,
    "unsupported": _some_words,
    "content-type": _media,
    "event": _event,
    "www-authenticate": _credentials,
    "proxy-authenticate": _credentials,
    "authorization": _credentials,
    "proxy-authorization": _credentials,
}
