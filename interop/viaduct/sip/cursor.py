"""A position in the bytes of one header value, and the lexical rules of RFC 3261 section 25.1."""

import re

TOKEN = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]+")
# LWS = [*WSP CRLF] 1*WSP, SWS = [LWS]: a folded line counts as white space.
LWS = re.compile(rb"(?:[ \t]*\r\n)?[ \t]+")
SWS = re.compile(rb"(?:(?:[ \t]*\r\n)?[ \t]+)?")
QUOTED = re.compile(
    rb'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x00-\x09\x0b\x0c\x0e-\x7f]|\r\n[ \t]+)*"'
)
DIGITS = re.compile(rb"[0-9]+")


_BLANKS = b" \t\r"


class ParseError(Exception):
    """Bytes that the grammar does not allow: where in the message and why."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


def text(raw: bytes) -> str:
    """Bytes as text that any output can carry: what is not UTF-8 shows as \\xNN."""
    return raw.decode("utf-8", "backslashreplace")


class Cursor:
    """Walks from `at` to `end` in `data`; every miss is a ParseError at the place reached."""

    __slots__ = ("data", "at", "end")

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data = data
        self.at = at
        self.end = end

    def take(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        match = pattern.match(self.data, self.at, self.end)
        if match is None:
            raise ParseError(self.at, f"{what} expected")
        self.at = match.end()
        return match.group()

    def maybe(self, pattern: re.Pattern[bytes]) -> bytes | None:
        match = pattern.match(self.data, self.at, self.end)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def space(self) -> None:
        if self.at < self.end and self.data[self.at] not in _BLANKS:
            return
        match = SWS.match(self.data, self.at, self.end)
        if match is not None:
            self.at = match.end()

    def sees(self, byte: bytes) -> bool:
        return self.data.startswith(byte, self.at, self.end)

    def skip(self, byte: bytes) -> bool:
        """Takes the byte with white space around it, or nothing at all."""
        start = self.at
        self.space()
        if not self.data.startswith(byte, self.at, self.end):
            self.at = start
            return False
        self.at += len(byte)
        self.space()
        return True

    def done(self) -> None:
        self.space()
        if self.at != self.end:
            raise ParseError(self.at, "text left over after the value")
