"""The browser driver's process: JSON lines to it are commands, from it answers and events.

A thread reads, so that one driver serves any number of event loops, one after the other.
"""

import asyncio
import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from viaduct.targets.process import guarded

END_SECONDS = 10.0


class BrowserError(Exception):
    """The driver, the browser or the page says that something did not work."""


class PhoneFailure(AssertionError):
    """A phone was refused or waited in vain: what it asked for did not come about."""


class Driver:
    """clients/driver/driver.js, or whatever `command` starts and speaks its language.

    `listen` gets every event that is no answer, in the reader's thread and in order.
    """

    def __init__(
        self, command: list[str], log: Path, listen: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self.log = log
        self._listen = listen
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._last = 0
        self._ended: str | None = None
        with log.open("ab") as sink:
            try:
                self._process = subprocess.Popen(
                    guarded(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=sink,
                    start_new_session=True,
                )
            except OSError as error:
                raise BrowserError(f"cannot start {command[0]}: {error.strerror}") from error
        self._reader = threading.Thread(target=self._read, name="browser driver", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, do: str, **fields: Any) -> Future[Any]:
        """Sends a command; the future ends with its result, a BrowserError or a PhoneFailure."""
        future: Future[Any] = Future()
        with self._lock:
            if self._ended is not None:
                raise BrowserError(f"the browser driver has ended: {self._ended}")
            self._last += 1
            number = self._last
            self._waiting[number] = future
            line = json.dumps({"id": number, "do": do, **fields}) + "\n"
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
            except OSError as error:
                del self._waiting[number]
                raise BrowserError(f"the browser driver does not listen: {error}") from error
        return future

    async def ask(self, do: str, seconds: float, **fields: Any) -> Any:
        """Sends a command and awaits its result, so long as an upper bound."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self.send(do, **fields)), seconds)
        except asyncio.TimeoutError as error:
            raise BrowserError(f"{_what(do, fields)}: no answer within {seconds:g} s") from error
        except (BrowserError, PhoneFailure) as error:
            raise type(error)(f"{_what(do, fields)}: {error}") from error

    def close(self) -> None:
        """Ends browser and driver: the end of its input tells the driver to close the browser."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it has gone already; wait() below collects it
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        why = "end of its output"
        for line in self._process.stdout:
            try:
                item = json.loads(line)
            except ValueError:
                why = f"it wrote a line that is no JSON: {line[:200]!r}"
                break
            if "event" in item:
                self._listen(item)
            else:
                self._answer(item)
        with self._lock:
            self._ended = why
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.set_running_or_notify_cancel():
                continue  # whoever asked has given up
            future.set_exception(BrowserError(f"the browser driver has ended: {why}"))

    def _answer(self, item: Mapping[str, Any]) -> None:
        with self._lock:
            future = self._waiting.pop(item.get("id", 0), None)
        if future is None or not future.set_running_or_notify_cancel():
            return  # whoever asked has given up
        if "failure" in item:
            future.set_exception(PhoneFailure(item["failure"]))
        elif "error" in item:
            future.set_exception(BrowserError(item["error"]))
        else:
            future.set_result(item.get("ok"))


def _what(do: str, fields: Mapping[str, Any]) -> str:
    return " ".join([do, *(str(fields[key]) for key in ("page", "method") if key in fields)])
