"""The browser of a whole run, started when the first case wants a phone."""

import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from viaduct.agents.browser import BrowserFarm, Phone
from viaduct.agents.page import PAGE, PageServer
from viaduct.targets.description import Account, Address, Description
from viaduct.targets.pki import make_pki
from viaduct.trace.jsonl import Recorder

FETCH_SECONDS = 5.0
TITLE = b"<title>Viaduct phone</title>"


class Casebook(Protocol):
    """What a phone needs of the case it plays in."""

    def recorder(self, at: str) -> Recorder:
        ...

    def account(self, name: str) -> Account:
        ...


class OpenPhone(Protocol):
    """Opens a phone as a vantage; registers it for the user of that name unless told otherwise."""

    def __call__(
        self,
        at: str,
        user: str,
        *,
        register: bool = True,
        answers_at_once: bool = False,
        front_door: bool = False,  # WSS to the port that also serves pages, not to the WSS one
    ) -> Awaitable[Phone]:
        ...


class BrowserStage:
    """Phones for the cases of one process, one case after the other."""

    def __init__(self, target: Description, directory: Path, page: Path = PAGE) -> None:
        self._target = target
        self._directory = directory
        self._page = page
        self._server: PageServer | None = None
        self._farm: BrowserFarm | None = None
        self._url = ""

    @property
    def from_target(self) -> bool:
        """Whether the page comes from the target itself; known once a phone has been opened."""
        return self._farm is not None and self._server is None

    def _ready(self) -> BrowserFarm:
        if self._farm is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            pki = make_pki(self._directory / "pki")
            authorities = (pki.ca,) if self._target.ca is None else (pki.ca, self._target.ca)
            url = page_of(self._target)
            if url is None:
                self._server = PageServer(pki, self._page)
                url = self._server.url
            self._url = url
            self._farm = BrowserFarm(self._directory, authorities, flags=name_flags(self._target))
        return self._farm

    @asynccontextmanager
    async def phones(self, case: Casebook) -> AsyncIterator[OpenPhone]:
        """Within it, phones can be opened; at its end their pages are closed."""
        farm = self._ready()
        opened: list[Phone] = []

        async def open_phone(
            at: str,
            user: str,
            *,
            register: bool = True,
            answers_at_once: bool = False,
            front_door: bool = False,
        ) -> Phone:
            account = case.account(user)
            phone = await farm.phone(self._url, case.recorder(at))
            opened.append(phone)
            await phone.start(
                f"sip:{account.user}@{self._target.domain}",
                websocket_url(self._target, front_door),
                password=account.password or None,
                register=register,
                answers_at_once=answers_at_once,
            )
            return phone

        try:
            yield open_phone
        finally:
            for phone in opened:
                await phone.close()

    def close(self) -> None:
        if self._farm is not None:
            self._farm.close()
        if self._server is not None:
            self._server.close()


def _authority(target: Description, address: Address) -> str:
    if target.server_name is None:
        return address.hostport
    return f"{target.server_name}:{address.port}"


def websocket_url(target: Description, front_door: bool = False) -> str:
    address = target.front_door("secure") if front_door else target.address("wss")
    return f"wss://{_authority(target, address)}{target.ws_path}"


def name_flags(target: Description) -> tuple[str, ...]:
    """Lets the browser find the name in the certificate at the address of the target."""
    if target.server_name is None:
        return ()
    host = target.address("wss").host
    return (f"--host-resolver-rules=MAP {target.server_name} {host}",)


def page_of(target: Description) -> str | None:
    """Where the target itself serves the client page: at its front door, if it has one."""
    try:
        door = target.front_door("secure")
    except LookupError:
        return None
    url = f"https://{_authority(target, door)}/"
    context = ssl.create_default_context(cafile=target.ca)
    # Whether the certificate fits is for the browser to say.
    context.check_hostname = False
    try:
        with urllib.request.urlopen(
            f"https://{door.hostport}/", timeout=FETCH_SECONDS, context=context
        ) as answer:
            return url if TITLE in answer.read() else None
    except (OSError, urllib.error.URLError):
        return None
