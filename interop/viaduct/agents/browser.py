"""Phones in a real browser: a page with a SIP library in a browser context of its own."""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from viaduct.agents.driver import BrowserError, Driver
from viaduct.agents.sockets import SocketRecorder
from viaduct.trace.jsonl import Recorder

CLIENTS = Path(__file__).resolve().parents[3] / "clients"
# Upper bounds, for machines that are busy with other things; nothing waits so long on purpose.
LAUNCH_SECONDS = 60.0
ANSWER_SECONDS = 45.0


def trust(home: Path, authorities: tuple[Path, ...]) -> None:
    """Makes `home` the home of a browser that trusts these authorities, and really verifies."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    _certutil("-d", database, "-N", "--empty-password")
    for number, authority in enumerate(authorities, start=1):
        name = f"test authority {number}"
        _certutil("-d", database, "-A", "-t", "C,,", "-n", name, "-i", str(authority))


def _certutil(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["certutil", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError as error:
        raise BrowserError("certutil is missing (Debian package libnss3-tools)") from error
    if done.returncode != 0:
        raise BrowserError(f"certutil {' '.join(arguments)}: {done.stderr.strip()}")


class BrowserFarm:
    """One browser for many phones, started once and used by as many event loops as come."""

    def __init__(
        self,
        directory: Path,
        authorities: tuple[Path, ...] = (),
        *,
        flags: tuple[str, ...] = (),
        clients: Path = CLIENTS,
        executable: str | None = None,
    ) -> None:
        if not (clients / "node_modules" / "puppeteer-core").is_dir():
            raise BrowserError(f"no browser driver: run `npm ci` in {clients} first")
        home = directory / "home"
        trust(home, authorities)
        self._phones: dict[str, "Phone"] = {}
        self._lock = threading.Lock()
        self._opened = 0
        self.driver = Driver(
            ["node", str(clients / "driver" / "driver.js")], directory / "driver.log", self._hear
        )
        launch: dict[str, Any] = {"home": str(home), "flags": list(flags)}
        if executable is not None:
            launch["executable"] = executable
        try:
            about = self.driver.send("launch", **launch).result(LAUNCH_SECONDS)
        except BaseException:
            self.driver.close()
            raise
        self.version: str = about["version"]
        self.executable: str = about["executable"]

    async def phone(self, page: str, recorder: Recorder) -> "Phone":
        """Opens the page (an URL); what its WebSockets do goes to the recorder."""
        with self._lock:
            self._opened += 1
            name = f"{recorder.at} #{self._opened}"
            phone = Phone(self.driver, name, recorder)
            self._phones[name] = phone
        try:
            await self.driver.ask("open", LAUNCH_SECONDS, page=name, url=page)
        except BaseException:
            self._forget(name)
            raise
        phone.on_close = lambda: self._forget(name)
        return phone

    def _forget(self, name: str) -> None:
        with self._lock:
            self._phones.pop(name, None)

    def _hear(self, item: Mapping[str, Any]) -> None:
        with self._lock:
            phone = self._phones.get(item.get("page", ""))
        if phone is not None:
            phone.hear_of(item)

    def close(self) -> None:
        self.driver.close()

    def __enter__(self) -> "BrowserFarm":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Phone:
    """One page. A method ends when what it asks for has happened, or raises BrowserError."""

    def __init__(self, driver: Driver, name: str, recorder: Recorder) -> None:
        self.recorder = recorder
        self.sockets = SocketRecorder(recorder)
        self.complaints: list[str] = []  # what the page wrote to its console as an error, or threw
        self.on_close = _nothing
        self._driver = driver
        self._name = name
        self._settings: dict[str, Any] | None = None

    @property
    def uri(self) -> str:
        """Its address of record; empty before start()."""
        return str(self._settings["uri"]) if self._settings is not None else ""

    @property
    def at(self) -> str:
        return self.recorder.at

    @property
    def user(self) -> str:
        return self.uri.removeprefix("sip:").partition("@")[0]

    def hear_of(self, item: Mapping[str, Any]) -> None:
        """Takes an event of the driver about this page; called by the farm."""
        if item["event"] == "socket":
            self.sockets.hear(item)
        elif item["event"] == "page-error" or item.get("level") == "error":
            self.complaints.append(item["text"])

    async def _call(self, method: str, *arguments: Any) -> Any:
        return await self._driver.ask(
            "call", ANSWER_SECONDS, page=self._name, method=method, args=list(arguments)
        )

    async def start(
        self,
        uri: str,
        server: str,
        *,
        library: str = "jssip",
        password: str | None = None,
        register: bool = True,
        answers_at_once: bool = False,
    ) -> dict[str, Any]:
        """Connects to the WebSocket URL and registers; returns the journal entry about it."""
        self._settings = {
            "uri": uri,
            "server": server,
            "library": library,
            "password": password,
            "register": register,
            "answersAtOnce": answers_at_once,
        }
        return await self._journal("start", self._settings)

    async def _journal(self, method: str, *arguments: Any) -> dict[str, Any]:
        entry: dict[str, Any] = await self._call(method, *arguments)
        return entry

    async def register(self) -> dict[str, Any]:
        return await self._journal("register")

    async def unregister(self) -> dict[str, Any]:
        return await self._journal("unregister")

    async def call(self, target: str, reach: str = "confirmed") -> dict[str, Any]:
        """Calls; ends when the call is "outgoing", or in "progress" (it rings), or "confirmed"."""
        return await self._journal("call", target, reach)

    async def answer(self) -> dict[str, Any]:
        return await self._journal("answer")

    async def reject(self, status: int = 486) -> dict[str, Any]:
        return await self._journal("reject", status)

    async def hangup(self) -> dict[str, Any]:
        return await self._journal("hangup")

    async def hold(self) -> dict[str, Any]:
        """Puts the call on hold, by a re-INVITE."""
        return await self._journal("hold")

    async def resume(self) -> dict[str, Any]:
        return await self._journal("resume")

    async def message(self, target: str, text: str) -> dict[str, Any]:
        return await self._journal("message", target, text)

    async def until(
        self, *kinds: str, after: int = 0, fatal: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The page's first journal entry of one of these kinds after entry number `after`."""
        return await self._journal("until", list(kinds), {"after": after, "fatal": list(fatal)})

    async def state(self) -> dict[str, Any]:
        """{connected, registered, call, seq}; seq is the number of the last journal entry."""
        state: dict[str, Any] = await self._call("state")
        return state

    async def hear(self) -> dict[str, Any]:
        """Waits until the other side is heard; the figures also become a media event."""
        figures: dict[str, Any] = await self._call("hear")
        self.recorder.event("media", **figures)
        return figures

    async def shot(self, path: Path) -> None:
        """A picture of the page as PNG."""
        await self._driver.ask("shot", ANSWER_SECONDS, page=self._name, path=os.fspath(path))

    async def reload(self) -> dict[str, Any]:
        """Reloads the page, as its user would, and starts the phone again with the same account."""
        if self._settings is None:
            raise BrowserError(f"{self.at}: the phone has not been started")
        await self._driver.ask("reload", LAUNCH_SECONDS, page=self._name)
        self.sockets.leave()
        return await self._journal("start", self._settings)

    async def close(self) -> None:
        """Closes the page; what its WebSockets did last is in the trace then."""
        await self._driver.ask("close", ANSWER_SECONDS, page=self._name)
        self.sockets.leave()
        self.on_close()


def _nothing() -> None:
    pass
