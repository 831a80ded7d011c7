"""A SIP message: start line, header rows with their byte ranges, body (RFC 3261 section 7).

`parse` is strict about what frames a message: the start line, the rows and the empty line. Values
of headers are parsed when asked for, each by its own grammar, so that one bad value spoils only
itself.
"""

import re
from typing import Any

from viaduct.sip.address import Address
from viaduct.sip.cursor import Cursor, ParseError, text
from viaduct.sip.header import COMPACT, GRAMMAR, CSeq, Header, Number, Word
from viaduct.sip.uri import Uri, parse_uri
from viaduct.sip.via import Via

__all__ = ["Message", "ParseError", "is_keepalive", "parse"]

_REQUEST = re.compile(rb"([A-Za-z0-9\-.!%*_+`'~]+) ([^ \r\n]+) [Ss][Ii][Pp]/([0-9]+\.[0-9]+)\r\n")
_STATUS = re.compile(rb"[Ss][Ii][Pp]/([0-9]+\.[0-9]+) ([0-9]{3}) ([^\r\n]*)\r\n")
_ROW = re.compile(rb"([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)\r\n")
_FOLD = re.compile(rb"[ \t]*\r\n[ \t]+")
_BLANK = b" \t\r\n"


def is_keepalive(data: bytes) -> bool:
    """Nothing but line ends: the ping or pong of RFC 5626 section 4.4.1, or what RFC 3261 7.5 lets
    a receiver skip in front of a start line."""
    return bool(data) and not data.strip(b"\r\n")


class Message:
    """One parsed message. Spans are [from, to) in `raw`."""

    __slots__ = (
        "raw",
        "start_span",
        "version",
        "method",
        "uri_span",
        "status",
        "reason",
        "headers",
        "body_at",
        "_rows",
        "_values",
        "_uri",
    )

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.start_span = (0, 0)
        self.version = ""
        self.method = ""
        self.uri_span = (0, 0)
        self.status = 0
        self.reason = ""
        self.headers: tuple[Header, ...] = ()
        self.body_at = 0
        self._rows: dict[str, list[Header]] = {}
        self._values: dict[str, tuple[Any, ...] | ParseError] = {}
        self._uri: Uri | ParseError | None = None

    @property
    def is_request(self) -> bool:
        return self.status == 0

    @property
    def start_line(self) -> str:
        return text(self.raw[self.start_span[0] : self.start_span[1]])

    def rows(self, key: str) -> list[Header]:
        """The rows of a header in order; `key` is its full name in lower case."""
        return self._rows.get(key, [])

    def has(self, key: str) -> bool:
        return key in self._rows

    def values(self, key: str) -> tuple[Any, ...]:
        """The values of all rows of a header, parsed; ParseError if one of them is bad."""
        known = self._values.get(key)
        if known is None:
            known = self._parse(key)
            self._values[key] = known
        if isinstance(known, ParseError):
            raise known
        return known

    def _parse(self, key: str) -> tuple[Any, ...] | ParseError:
        rows = self._rows.get(key)
        if rows is None:
            return ()
        grammar = GRAMMAR[key]
        found: list[Any] = []
        try:
            for row in rows:
                found.extend(grammar(Cursor(self.raw, row.span[0], row.span[1])))
        except ParseError as error:
            return error
        return tuple(found)

    @property
    def request_uri(self) -> Uri:
        known = self._uri
        if known is None:
            known = self._parse_uri()
            self._uri = known
        if isinstance(known, ParseError):
            raise known
        return known

    def _parse_uri(self) -> Uri | ParseError:
        cursor = Cursor(self.raw, self.uri_span[0], self.uri_span[1])
        try:
            uri = parse_uri(cursor)
        except ParseError as error:
            return error
        if cursor.at != cursor.end:
            return ParseError(cursor.at, "text left over after the Request-URI")
        return uri

    @property
    def vias(self) -> tuple[Via, ...]:
        return self.values("via")

    @property
    def cseq(self) -> CSeq | None:
        found: tuple[CSeq, ...] = self.values("cseq")
        return found[0] if found else None

    @property
    def call_id(self) -> str:
        rows = self._rows.get("call-id")
        return rows[0].value if rows else ""

    def address(self, key: str) -> Address | None:
        found: tuple[Address, ...] = self.values(key)
        return found[0] if found else None

    def addresses(self, key: str) -> tuple[Address, ...]:
        return self.values(key)

    def number(self, key: str) -> Number | None:
        found: tuple[Number, ...] = self.values(key)
        return found[0] if found else None

    def words(self, key: str) -> tuple[Word, ...]:
        return self.values(key)

    def lists(self, key: str, word: str) -> bool:
        """Whether a list header such as Supported names the option tag (case does not matter)."""
        return any(found.value.lower() == word for found in self.words(key))

    @property
    def rest(self) -> bytes:
        """All octets behind the empty line, whatever Content-Length says."""
        return self.raw[self.body_at :]

    @property
    def body(self) -> bytes:
        """The octets behind the empty line, cut to Content-Length where that is smaller."""
        try:
            length = self.number("content-length")
        except ParseError:
            length = None
        rest = self.rest
        return rest if length is None else rest[: length.value]

    def problems(self) -> list[tuple[str, ParseError]]:
        """Every bad value: the header's key (or request-uri) and what is wrong."""
        found: list[tuple[str, ParseError]] = []
        if self.is_request:
            try:
                self.request_uri
            except ParseError as error:
                found.append(("request-uri", error))
        for key in self._rows:
            if key in GRAMMAR:
                try:
                    self.values(key)
                except ParseError as error:
                    found.append((key, error))
        return found


def parse(data: bytes, transport: str = "", faults: list[ParseError] | None = None) -> Message:
    """The message in `data`, which one datagram, WebSocket message or stream frame held.

    Line ends in front of the start line are skipped, but not on UDP: RFC 3261 7.5 allows them on
    streams. Raises ParseError and nothing else. With `faults` given, a bad header row that has an
    end is noted there and passed over, so that the rest of the message can be looked at.
    """
    message = Message(data)
    at = 0
    if transport != "udp":
        while data.startswith(b"\r\n", at):
            at += 2
    at = _start(message, data, at)
    headers: list[Header] = []
    rows = message._rows
    while True:
        if data.startswith(b"\r\n", at):
            break
        match = _ROW.match(data, at)
        if match is None:
            error = _bad_row(data, at)
            end = data.find(b"\r\n", at)
            if faults is None or end < 0:
                raise error
            faults.append(error)
            at = end + 2
            continue
        name = match.group(1).decode("ascii")
        low = name.lower()
        key = COMPACT.get(low, low)
        begin, end = match.span(2)
        raw = match.group(2)
        begin += len(raw) - len(raw.lstrip(_BLANK))
        end = max(begin, end - (len(raw) - len(raw.rstrip(_BLANK))))
        value = data[begin:end]
        if b"\r\n" in value:
            value = _FOLD.sub(b" ", value)
        header = Header(name, key, text(value), (begin, end), (match.start(), match.end()))
        headers.append(header)
        if key in rows:
            rows[key].append(header)
        else:
            rows[key] = [header]
        at = match.end()
    message.headers = tuple(headers)
    message.body_at = at + 2
    return message


def _start(message: Message, data: bytes, at: int) -> int:
    match = _STATUS.match(data, at)
    if match is not None:
        message.version = match.group(1).decode("ascii")
        message.status = int(match.group(2))
        if not 100 <= message.status <= 699:
            raise ParseError(match.start(2), "a status code from 100 to 699 expected")
        message.reason = text(match.group(3))
        message.start_span = (at, match.end() - 2)
        return match.end()
    match = _REQUEST.match(data, at)
    if match is None:
        if not data:
            raise ParseError(0, "no bytes")
        if b"\n" not in data[at:]:
            raise ParseError(len(data), "the start line has no end")
        raise ParseError(at, "neither a request line nor a status line of SIP")
    message.version = match.group(3).decode("ascii")
    message.method = match.group(1).decode("ascii")
    message.uri_span = match.span(2)
    message.start_span = (at, match.end() - 2)
    return match.end()


def _bad_row(data: bytes, at: int) -> ParseError:
    end = data.find(b"\n", at)
    if at == len(data):
        return ParseError(at, "the empty line after the headers is missing")
    if end < 0:
        return ParseError(len(data), "a header row without its line end")
    if end > 0 and data[end - 1 : end] != b"\r":
        return ParseError(end, "a line feed without its carriage return")
    stray = data.find(b"\r", at, len(data) if end < 0 else end)
    if 0 <= stray != end - 1:
        what = _shown(data, stray + 1)
        return ParseError(stray, f"a carriage return followed by {what} and not by a line feed")
    if data[at : at + 1] in (b" ", b"\t"):
        return ParseError(at, "a folded line with no header before it")
    return ParseError(at, f"a header name and a colon expected, not {_shown(data, at)}")


def _shown(data: bytes, at: int) -> str:
    """One byte for a text: its number, and the character where that can be shown."""
    if at >= len(data):
        return "the end"
    byte = data[at]
    return f"0x{byte:02x} ({chr(byte)})" if 0x21 <= byte < 0x7F else f"0x{byte:02x}"
