"""A target of the user's own, told by a YAML file: the harness starts nothing and only connects.

    name: my-proxy
    version: "2.1"                      # optional
    domain: example.test
    addresses:                          # TRANSPORT:HOST:PORT, transports ws wss tls tcp udp
      - wss:127.0.0.1:443
      - udp:127.0.0.1:5060
    ca: ca.pem                          # optional, relative to this file
    server-name: sip.example.test       # optional: the name in its certificate
    ws-path: /ws                        # optional
    front:                              # optional: plain:HOST:PORT, secure:HOST:PORT
      - secure:127.0.0.1:443
    accounts:                           # optional: who may register; without it anybody may
      - {user: alice, password: secret}
    unsupported:                        # optional: feature: reason
      ipv6: not compiled in
"""

import os
from pathlib import Path
from typing import Any

import yaml

from viaduct.targets.description import LEGS, Account, Address, Description, TargetError
from viaduct.targets.port import wait_listening
from viaduct.targets.target import Target

CONNECT_SECONDS = 5.0
KEYS = {
    "name",
    "version",
    "domain",
    "addresses",
    "ca",
    "server-name",
    "ws-path",
    "front",
    "accounts",
    "unsupported",
}


class TargetFileError(TargetError):
    """The file itself is wrong: the user's mistake."""


class FileTarget(Target):
    def __init__(self, path: Path) -> None:
        self._description = read_target(path)

    def start(self, directory: Path) -> Description:
        found = self._description
        # UDP cannot be probed: a server may rightly stay silent. Its cases will tell.
        streams = tuple(a for a in (*found.addresses, *found.front) if a.transport != "udp")
        wait_listening(streams, CONNECT_SECONDS)
        return found

    def stop(self) -> str | None:
        return None

    def exited(self) -> str | None:
        return None


def read_target(path: Path) -> Description:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TargetFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TargetFileError(f"{path}: not UTF-8 text: {error.reason}") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TargetFileError(f"{path}: not YAML: {error}") from error
    if not isinstance(data, dict):
        raise TargetFileError(f"{path}: names with values wanted, such as `domain: example.test`")
    unknown = sorted(str(key) for key in data if key not in KEYS)
    if unknown:
        raise TargetFileError(
            f"{path}: unknown {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}"
        )
    try:
        return _description(data, path.parent)
    except ValueError as error:
        raise TargetFileError(f"{path}: {error}") from error


def _description(data: dict[str, Any], here: Path) -> Description:
    addresses = tuple(Address.parse(item) for item in _texts(data, "addresses"))
    if not addresses:
        raise ValueError("`addresses` is missing or empty")
    for address in addresses:
        if address.transport not in LEGS:
            raise ValueError(f"{address}: the transport is none of {', '.join(LEGS)}")
    front = tuple(Address.parse(item) for item in _texts(data, "front"))
    for address in front:
        if address.transport not in ("plain", "secure"):
            raise ValueError(f"front {address}: `plain` or `secure` wanted")
    ca = _text(data, "ca")
    if ca is not None and not (here / ca).is_file():
        raise ValueError(f"ca: there is no file {os.path.normpath(here / ca)}")
    unsupported = data.get("unsupported") or {}
    if not isinstance(unsupported, dict):
        raise ValueError("unsupported: `feature: reason` lines wanted")
    domain = _text(data, "domain")
    if domain is None:
        raise ValueError("`domain` is missing")
    return Description(
        name=_text(data, "name") or "target",
        version=_text(data, "version") or "unknown",
        domain=domain,
        addresses=addresses,
        front=front,
        ca=None if ca is None else (here / ca).resolve(),
        server_name=_text(data, "server-name"),
        ws_path=_text(data, "ws-path") or "/",
        unsupported={str(feature): str(reason) for feature, reason in unsupported.items()},
        accounts=_accounts(data.get("accounts") or []),
    )


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise ValueError(f"{key}: text wanted")
    return str(value)


def _texts(data: dict[str, Any], key: str) -> list[str]:
    value = data.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key}: a list of texts wanted")
    return value


def _accounts(value: Any) -> tuple[Account, ...]:
    if not isinstance(value, list):
        raise ValueError("accounts: a list wanted")
    accounts = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {"user", "password"}:
            raise ValueError("accounts: each has `user` and `password`, and nothing else")
        accounts.append(Account(str(item["user"]), str(item["password"])))
    if len({account.user for account in accounts}) != len(accounts):
        raise ValueError("accounts: a user is named twice")
    if len(accounts) == 1:
        raise ValueError("accounts: a call needs two of them")
    return tuple(accounts)
