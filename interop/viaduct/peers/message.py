"""SIP messages as the peers see them: written freely, right or wrong, and read with tolerance.

A peer must be able to send what no RFC allows and to go on after receiving it; judging what was
received is the oracle's work, with a parser of its own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

COMPACT = {
    "i": "call-id",
    "m": "contact",
    "e": "content-encoding",
    "l": "content-length",
    "c": "content-type",
    "f": "from",
    "s": "subject",
    "k": "supported",
    "t": "to",
    "v": "via",
}
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    404: "Not Found",
    405: "Method Not Allowed",
    430: "Flow Failed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}


class Unreadable(ValueError):
    """Not even the outline of a SIP message."""


@dataclass(frozen=True, slots=True)
class Via:
    transport: str  # upper case, e.g. "WSS"
    sent_by: str
    params: dict[str, str | None]  # names in lower case

    @classmethod
    def read(cls, value: str) -> "Via":
        head, *rest = value.split(";")
        match = re.fullmatch(r"\s*SIP\s*/\s*2\.0\s*/\s*([\w.!%*+`'~-]+)\s+(.*?)\s*", head, re.I)
        if match is None:
            raise Unreadable(f"no Via value: {value!r}")
        return cls(match[1].upper(), match[2], parameters(";".join(rest)))


@dataclass(frozen=True, slots=True)
class Message:
    start: str
    headers: tuple[tuple[str, str], ...]  # as written, folds undone
    body: bytes
    raw: bytes

    @classmethod
    def read(cls, data: bytes) -> "Message":
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        if not re.fullmatch(r"SIP/2\.0 \d{3}( .*)?|\S+ \S+ SIP/2\.0", lines[0]):
            raise Unreadable(f"no start line: {lines[0][:80]!r}")
        headers: list[tuple[str, str]] = []
        for line in lines[1:]:
            if line[:1] in (" ", "\t") and headers:
                name, value = headers[-1]
                headers[-1] = (name, f"{value} {line.strip()}")
                continue
            name, colon, value = line.partition(":")
            if not colon:
                raise Unreadable(f"no header: {line[:80]!r}")
            headers.append((name.strip(), value.strip()))
        return cls(lines[0], tuple(headers), body, data)

    @property
    def is_request(self) -> bool:
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """Of a request its method, of a response the one in CSeq."""
        if self.is_request:
            return self.start.split(" ", 1)[0]
        return self.cseq[1]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1] if self.is_request else ""

    @property
    def status(self) -> int:
        return 0 if self.is_request else int(self.start[8:11])

    @property
    def cseq(self) -> tuple[int, str]:
        match = re.fullmatch(r"(\d{1,40})\s+(\S+)", self.first("cseq") or "")
        if match is None:
            raise Unreadable(f"no usable CSeq in {self.start!r}")
        return int(match[1]), match[2]

    def all(self, name: str) -> list[str]:
        """The values of all header lines of this name or its compact form, one item a line."""
        name = name.lower()
        return [v for n, v in self.headers if COMPACT.get(n.lower(), n.lower()) == name]

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def values(self, name: str) -> list[str]:
        """As all(), with comma-separated lists taken apart."""
        return [value for line in self.all(name) for value in split_list(line)]

    @property
    def via(self) -> Via:
        values = self.values("via")
        if not values:
            raise Unreadable(f"no Via in {self.start!r}")
        return Via.read(values[0])

    @property
    def call_id(self) -> str:
        return self.first("call-id") or ""

    def tag(self, name: str) -> str | None:
        """The tag of From or To."""
        return header_parameters(self.first(name) or "").get("tag")

    def __str__(self) -> str:
        return self.start


def split_list(line: str) -> list[str]:
    """Values separated by commas outside of quotes and angle brackets."""
    values: list[str] = []
    depth, quoted, start, at = 0, False, 0, 0
    while at < len(line):
        char = line[at]
        if quoted and char == "\\":
            at += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted and char == "<":
            depth += 1
        elif not quoted and char == ">":
            depth -= 1
        elif not quoted and depth == 0 and char == ",":
            values.append(line[start:at].strip())
            start = at + 1
        at += 1
    values.append(line[start:].strip())
    return [value for value in values if value]


def parameters(text: str) -> dict[str, str | None]:
    """ ";a=b;c" as names in lower case with values, quotes removed; text may lack the first
    semicolon.
    """
    found: dict[str, str | None] = {}
    for match in re.finditer(r';?\s*([^\s;=]+)(?:\s*=\s*("(?:\\.|[^"\\])*"|[^;]*))?\s*', text):
        value = match[2]
        if value is not None and value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found[match[1].lower()] = value.strip() if value is not None else None
    return found


def uri_of(value: str) -> str:
    """The URI in a name-addr or addr-spec."""
    match = re.match(r'\s*(?:"(?:\\.|[^"\\])*"|[^"<;])*<([^>]*)>', value)
    return match[1] if match else value.split(";")[0].strip()


def header_parameters(value: str) -> dict[str, str | None]:
    """The header parameters (not the URI's) of a name-addr or addr-spec value."""
    match = re.match(r'\s*(?:"(?:\\.|[^"\\])*"|[^"<;])*<[^>]*>', value)
    return parameters(value[match.end() :] if match else value.partition(";")[2])


def uri_parameters(uri: str) -> dict[str, str | None]:
    return parameters(uri.partition("?")[0].partition(";")[2])


def compose(
    start: str, headers: Iterable[tuple[str, str]], body: bytes = b"", *, length: bool = True
) -> bytes:
    """The bytes of a message; Content-Length is added unless given or unwanted."""
    lines = [start]
    names = set()
    for name, value in headers:
        lines.append(f"{name}: {value}")
        names.add(name.lower())
    if length and not names & {"content-length", "l"}:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + body


def reason(status: int) -> str:
    return REASONS.get(status, "Unspecified")
