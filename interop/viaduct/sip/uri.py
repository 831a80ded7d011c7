"""URIs of RFC 3261 section 19.1: parsing with positions, and the comparison of section 19.1.4."""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from viaduct.sip.cursor import Cursor, ParseError, text
from viaduct.sip.param import Param, find

_USER = rb"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+"
_PASSWORD = rb"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*"
_PVALUE = rb"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})+"
_HVALUE = rb"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$]|%[0-9A-Fa-f]{2})"
SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+\-.]*:")
_USERINFO = re.compile(rb"(" + _USER + rb")(?::(" + _PASSWORD + rb"))?@")
HOST = re.compile(
    rb"\[[0-9A-Fa-f:.]+\]"
    rb"|[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![A-Za-z0-9\-.])"
    rb"|(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.?"
)
_PORT = re.compile(rb":([0-9]{1,5})")
_PARAM = re.compile(rb";(" + _PVALUE + rb")(?:=(" + _PVALUE + rb"))?")
_HEADERS = re.compile(
    rb"\?" + _HVALUE + rb"+=" + _HVALUE + rb"*(?:&" + _HVALUE + rb"+=" + _HVALUE + rb"*)*"
)
_URIC = re.compile(rb"(?:[A-Za-z0-9\-_.!~*'();/?:@&=+$,\[\]]|%[0-9A-Fa-f]{2})+")

# Parameters that do not match when only one of two URIs has them (RFC 3261 19.1.4).
_STRICT = ("user", "ttl", "method", "maddr", "transport")


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI as written. For schemes other than sip and sips only `opaque` is filled."""

    raw: str
    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    params: tuple[Param, ...]
    headers: str | None
    opaque: str
    span: tuple[int, int]

    def __str__(self) -> str:
        return self.raw

    @property
    def is_sip(self) -> bool:
        return self.scheme in ("sip", "sips")

    def param(self, name: str) -> Param | None:
        return find(self.params, name)

    def has(self, name: str) -> bool:
        return find(self.params, name) is not None

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case, None if there is none."""
        param = find(self.params, "transport")
        return None if param is None else (param.value or "").lower()


def parse_host(cursor: Cursor) -> str:
    """host of RFC 3261 25.1, in lower case."""
    start = cursor.at
    host = text(cursor.take(HOST, "a host")).lower()
    if host[0] == "[":
        from ipaddress import AddressValueError, IPv6Address

        try:
            IPv6Address(host[1:-1])
        except AddressValueError as error:
            raise ParseError(start, "not an IPv6 address") from error
    elif host[-1].isdigit() and any(
        int(part) > 255 for part in host.split(".") if host.count(".") == 3 and part.isdigit()
    ):
        if all(part.isdigit() for part in host.split(".")):
            raise ParseError(start, "not an IPv4 address")
    return host


def parse_port(cursor: Cursor) -> int | None:
    start = cursor.at
    found = cursor.maybe(_PORT)
    if found is None:
        return None
    port = int(found[1:])
    if port > 65535:
        raise ParseError(start + 1, "a port above 65535")
    return port


def parse_uri(cursor: Cursor, *, params: bool = True) -> Uri:
    """A URI at the cursor. Without `params` it ends at the first semicolon (addr-spec form)."""
    data, start = cursor.data, cursor.at
    scheme = text(cursor.take(SCHEME, "a URI scheme"))[:-1].lower()
    if scheme not in ("sip", "sips"):
        opaque = text(cursor.take(_URIC, "a URI"))
        raw = text(data[start : cursor.at])
        return Uri(raw, scheme, None, None, "", None, (), None, opaque, (start, cursor.at))
    user: str | None = None
    password: str | None = None
    info = _USERINFO.match(data, cursor.at, cursor.end)
    if info is not None:
        user = text(info.group(1))
        password = None if info.group(2) is None else text(info.group(2))
        cursor.at = info.end()
    host = parse_host(cursor)
    port = parse_port(cursor)
    found: list[Param] = []
    headers: str | None = None
    if params:
        while True:
            match = _PARAM.match(data, cursor.at, cursor.end)
            if match is None:
                break
            name, value = match.group(1), match.group(2)
            found.append(
                Param(
                    text(name).lower(),
                    None if value is None else text(value),
                    (match.start() + 1, match.end()),
                )
            )
            cursor.at = match.end()
        raw_headers = cursor.maybe(_HEADERS)
        if raw_headers is not None:
            headers = text(raw_headers[1:])
    raw = text(data[start : cursor.at])
    span = (start, cursor.at)
    return Uri(raw, scheme, user, password, host, port, tuple(found), headers, "", span)


def read_uri(raw: str | bytes) -> Uri:
    """A URI that stands alone."""
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    cursor = Cursor(data, 0, len(data))
    uri = parse_uri(cursor)
    if cursor.at != cursor.end:
        raise ParseError(cursor.at, "text left over after the URI")
    return uri


def same_uri(one: Uri, other: Uri) -> bool:
    """RFC 3261 19.1.4. For other schemes the text decides."""
    if not one.is_sip or not other.is_sip:
        return one.scheme == other.scheme and one.opaque == other.opaque
    if one.raw == other.raw:
        return True
    if one.scheme != other.scheme or one.host != other.host or one.port != other.port:
        return False
    if _plain(one.user) != _plain(other.user) or _plain(one.password) != _plain(other.password):
        return False
    ours = {param.name: _folded(param) for param in one.params}
    theirs = {param.name: _folded(param) for param in other.params}
    for name in ours.keys() | theirs.keys():
        both = name in ours and name in theirs
        if both and ours[name] != theirs[name]:
            return False
        if not both and name in _STRICT:
            return False
    return _headers(one) == _headers(other)


def bare(uri: Uri) -> Uri:
    """The URI without parameters and headers: an address of record (RFC 3261 10.3 step 5)."""
    return replace(uri, params=(), headers=None, password=None)


def aor(uri: Uri) -> str:
    """The canonical text of an address of record, to be used as a key."""
    if not uri.is_sip:
        return uri.raw
    at = f"{_plain(uri.user)}@" if uri.user is not None else ""
    port = f":{uri.port}" if uri.port is not None else ""
    return f"{at}{uri.host}{port}"


def _plain(part: str | None) -> str | None:
    return None if part is None else unquote(part)


def _folded(param: Param) -> str | None:
    return None if param.value is None else unquote(param.value).lower()


def _headers(uri: Uri) -> list[str]:
    return sorted(unquote(uri.headers).split("&")) if uri.headers else []
