"""The heads of an opening handshake (RFC 6455 section 4), with the byte range of every value."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from viaduct.sip.cursor import ParseError, text

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_REQUEST = re.compile(rb"([A-Za-z0-9!#$%&'*+\-.^_`|~]+) ([^ \r\n]+) (HTTP/[0-9]\.[0-9])\r\n")
_STATUS = re.compile(rb"(HTTP/[0-9]\.[0-9]) ([0-9]{3})(?: ([^\r\n]*))?\r\n")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+\-.^_`|~]+):[ \t]*([^\r\n]*?)[ \t]*\r\n")


@dataclass(frozen=True, slots=True)
class Field:
    name: str  # in lower case
    value: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Head:
    """A request (status 0) or response head."""

    method: str
    target: str
    version: str
    status: int
    reason: str
    fields: tuple[Field, ...]
    length: int

    @property
    def is_request(self) -> bool:
        return self.status == 0

    def all(self, name: str) -> list[Field]:
        return [field for field in self.fields if field.name == name]

    def first(self, name: str) -> str | None:
        return next((field.value for field in self.fields if field.name == name), None)

    def span(self, name: str) -> tuple[int, int] | None:
        return next((field.span for field in self.fields if field.name == name), None)

    def items(self, name: str) -> list[str]:
        """The comma-separated items of all rows of a field; empty ones are kept."""
        found: list[str] = []
        for field in self.all(name):
            found += [item.strip() for item in field.value.split(",")]
        return found

    def lists(self, name: str, token: str) -> bool:
        return any(item.lower() == token for item in self.items(name))


def parse_head(data: bytes) -> Head:
    """The head at the start of `data`; ParseError for what is none."""
    status = 0
    method = target = reason = ""
    match = _STATUS.match(data)
    if match is not None:
        version, status = text(match.group(1)), int(match.group(2))
        reason = text(match.group(3) or b"")
    else:
        match = _REQUEST.match(data)
        if match is None:
            raise ParseError(0, "neither a request line nor a status line of HTTP")
        method, target = text(match.group(1)), text(match.group(2))
        version = text(match.group(3))
    fields: list[Field] = []
    at = match.end()
    while not data.startswith(b"\r\n", at):
        row = _FIELD.match(data, at)
        if row is None:
            raise ParseError(at, "a header field or the empty line expected")
        fields.append(Field(text(row.group(1)).lower(), text(row.group(2)), row.span(2)))
        at = row.end()
    return Head(method, target, version, status, reason, tuple(fields), at + 2)


def accept_for(key: str) -> str:
    """Sec-WebSocket-Accept that belongs to a key (RFC 6455 4.2.2)."""
    digest = hashlib.sha1(key.encode("utf-8", "backslashreplace") + GUID).digest()
    return base64.b64encode(digest).decode("ascii")


def key_length(key: str) -> int | None:
    """How many octets a key stands for; None if it is not base64."""
    try:
        return len(base64.b64decode(key.encode("ascii"), validate=True))
    except (binascii.Error, ValueError):
        return None
