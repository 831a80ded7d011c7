"""What the harness knows of a running target: its addresses, its name, and what it says it cannot
do.

A description is plain data: it travels as JSON to the processes that run the cases.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEGS = ("ws", "wss", "tls", "tcp", "udp")

# What a target may declare as unsupported. A case that needs one of these then does not run.
FEATURES: Mapping[str, str] = {
    **{leg: f"a {leg.upper()} listener" for leg in LEGS},
    "ipv6": "listeners on IPv6",
    "registrar": "a registrar for its domain",
    "outbound": "registration over flows (RFC 5626)",
    "path": "Path (RFC 3327)",
    "flow-token": "flow tokens in Record-Route, protected against forgery (RFC 5626 5.2)",
    "crlf-keepalive": "the CRLF keep-alive on connections (RFC 5626 4.4.1)",
    "max-breadth": "Max-Breadth (RFC 5393)",
    "message": "MESSAGE (RFC 3428)",
    "options": "an answer of its own to OPTIONS",
    "dns-sink": "name look-ups that the harness can watch",
    "front-door": "one port for HTTPS page, WebSocket and SIP",
}


class TargetError(Exception):
    """The target cannot be used:     the harness's trouble, not a verdict. The message names what
    was tried.
    """


@dataclass(frozen=True, slots=True)
class Address:
    """One listening address: the transport of the SIP hop, and where."""

    transport: str
    host: str
    port: int

    @property
    def family(self) -> int:
        return 6 if ":" in self.host else 4

    @property
    def hostport(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.transport}:{self.hostport}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads "wss:127.0.0.1:443" or "udp:[::1]:5060"."""
        transport, colon, rest = text.partition(":")
        host, last, port = rest.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r}: an IPv6 address needs brackets")
        if not (transport and colon and host and last and port.isascii() and port.isdigit()):
            raise ValueError(f"{text!r}: TRANSPORT:HOST:PORT wanted")
        if not 0 < int(port) < 65536:
            raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
        return cls(transport, host, int(port))


@dataclass(frozen=True, slots=True)
class Account:
    """Who may register at the target, when it does not take just anybody."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Description:
    name: str
    version: str
    domain: str
    addresses: tuple[Address, ...]
    front: tuple[Address, ...] = ()  # front doors: transport "plain" or "secure"
    ca: Path | None = None  # who signed the target's certificate; None: the system's authorities
    server_name: str | None = None  # name in the certificate; None: the address itself
    ws_path: str = "/"
    unsupported: Mapping[str, str] = field(default_factory=dict)  # feature -> reason
    accounts: tuple[Account, ...] = ()
    dns: Path | None = None  # where the look-ups that the target made are recorded

    def __post_init__(self) -> None:
        for feature in self.unsupported:
            if feature not in FEATURES:
                raise ValueError(f"unknown feature {feature!r}; known are {', '.join(FEATURES)}")

    def address(self, leg: str, family: int = 4) -> Address:
        for address in self.addresses:
            if address.transport == leg and address.family == family:
                return address
        raise LookupError(f"{self.name} has no {leg} address for IPv{family}")

    def front_door(self, kind: str, family: int = 4) -> Address:
        for address in self.front:
            if address.transport == kind and address.family == family:
                return address
        raise LookupError(f"{self.name} has no {kind} front door for IPv{family}")

    def missing(self, feature: str) -> str | None:
        """Why the target lacks this feature, or None when it has it."""
        if feature in self.unsupported:
            return self.unsupported[feature]
        if feature in LEGS and all(address.transport != feature for address in self.addresses):
            return f"the target has no {feature} address"
        if feature == "ipv6" and all(address.family != 6 for address in self.addresses):
            return "the target has no IPv6 address"
        if feature == "front-door" and not self.front:
            return "the target has no front door"
        if feature == "dns-sink" and self.dns is None:
            return "the harness cannot watch this target's name look-ups"
        return None

    @property
    def sut(self) -> tuple[str, ...]:
        """All addresses at which a message belongs to the system under test."""
        doors = [
            Address(leg, door.host, door.port)
            for door in self.front
            for leg in (("tcp", "ws") if door.transport == "plain" else ("tls", "wss"))
        ]
        return tuple(str(address) for address in (*self.addresses, *doors))

    def to_json(self) -> str:
        return json.dumps(
            {
                "name": self.name,
                "version": self.version,
                "domain": self.domain,
                "addresses": [str(address) for address in self.addresses],
                "front": [str(address) for address in self.front],
                "ca": None if self.ca is None else str(self.ca),
                "server_name": self.server_name,
                "ws_path": self.ws_path,
                "unsupported": dict(self.unsupported),
                "accounts": [[account.user, account.password] for account in self.accounts],
                "dns": None if self.dns is None else str(self.dns),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Description":
        data: dict[str, Any] = json.loads(text)
        return cls(
            name=data["name"],
            version=data["version"],
            domain=data["domain"],
            addresses=tuple(Address.parse(item) for item in data["addresses"]),
            front=tuple(Address.parse(item) for item in data["front"]),
            ca=None if data["ca"] is None else Path(data["ca"]),
            server_name=data["server_name"],
            ws_path=data["ws_path"],
            unsupported=data["unsupported"],
            accounts=tuple(Account(user, password) for user, password in data["accounts"]),
            dns=None if data["dns"] is None else Path(data["dns"]),
        )
