"""Addresses as traces write them, and which of them belong to the system under test."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from viaduct.sip.uri import Uri

DEFAULT_PORT = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
STREAMS = frozenset(("tcp", "tls", "ws", "wss"))
WEBSOCKETS = frozenset(("ws", "wss"))
SECURE = frozenset(("tls", "wss"))


@dataclass(frozen=True, slots=True)
class Address:
    """Host (normalised, IPv6 without brackets) and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def plain_host(host: str) -> str:
    """A host for comparison: lower case, no brackets, IPv6 compressed, a mapped IPv4 as IPv4."""
    host = host.strip().lower().removesuffix(".")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if ":" in host:
        try:
            six = IPv6Address(host.split("%")[0])
        except AddressValueError:
            return host
        return str(six.ipv4_mapped or six)
    return host


def is_ip(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return ":" in host
    return True


def is_any(host: str) -> bool:
    return host in ("0.0.0.0", "::")


@lru_cache(maxsize=1 << 16)
def read_address(text: str | None) -> Address | None:
    """`host:port` or `[v6]:port`; None for what is neither."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5:
        return None
    return Address(plain_host(host), int(port))


def uri_port(uri: Uri) -> int:
    """The port a SIP URI stands for when it names none and DNS is out of play."""
    if uri.port is not None:
        return uri.port
    if uri.transport == "ws":
        return 443 if uri.scheme == "sips" else 80
    return 5061 if uri.scheme == "sips" or uri.transport == "tls" else 5060


@dataclass(frozen=True, slots=True)
class Sut:
    """The addresses of the system under test: (transport, host, port)."""

    listeners: frozenset[tuple[str, str, int]] = frozenset()
    vantages: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    sockets: frozenset[tuple[str, int]] = field(default=frozenset())

    @property
    def known(self) -> bool:
        return bool(self.listeners or self.vantages)

    def owns(self, transport: str, address: Address | None) -> bool:
        """Whether an address seen on the wire is one the system listens on."""
        if address is None:
            return False
        if (transport, address.host, address.port) in self.listeners:
            return True
        return any((transport, host, address.port) in self.listeners for host in ("0.0.0.0", "::"))

    def listens(self, host: str, port: int, transports: Iterable[str]) -> bool:
        """Whether the system listens on host and port for one of the transports."""
        return any(self.owns(transport, Address(host, port)) for transport in transports)

    def names(self, uri: Uri) -> bool:
        """Whether host and port of a URI are a socket of the system, whatever the transport."""
        host = plain_host(uri.host)
        port = uri_port(uri)
        if (host, port) in self.sockets:
            return True
        if uri.port is None and not is_ip(host):
            return any(known == host for known, _ in self.sockets)
        return False


def read_sut(listeners: Iterable[str], vantages: Iterable[str]) -> Sut:
    """From the header of a trace; entries that are not transport:host:port are passed over."""
    found: set[tuple[str, str, int]] = set()
    for entry in listeners:
        transport, _, rest = entry.partition(":")
        address = read_address(rest)
        if address is not None and transport in DEFAULT_PORT:
            found.add((transport, address.host, address.port))
    return Sut(
        frozenset(found),
        frozenset(vantages),
        frozenset(host for _, host, _ in found),
        frozenset((host, port) for _, host, port in found),
    )
