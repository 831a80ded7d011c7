"""A program that the harness runs for the time of a run: started, watched, stopped by its own id.
"""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from viaduct.targets.description import TargetError

STOP_SECONDS = 5.0


def guarded(command: Sequence[str]) -> list[str]:
    """The command, as a process that ends when the one that started it has been killed.

    A program that is not there stays as it is, so that starting it says so.
    """
    guard = shutil.which("setpriv")
    if guard is None or shutil.which(command[0]) is None:
        return list(command)
    return [guard, "--pdeathsig", "TERM", "--", *command]


class Process:
    """Standard error goes to `log`; standard output to `log` too, or to a pipe when `ready` is
    waited for.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        ready_on_stdout: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        with log.open("ab") as sink:
            try:
                self._process = subprocess.Popen(
                    guarded(self.command),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if ready_on_stdout else sink,
                    stderr=sink,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise TargetError(f"cannot start {self.command[0]}: {error.strerror}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def first_line(self, seconds: float) -> str:
        """The first line on its standard output, within so many seconds."""
        pipe = self._process.stdout
        if pipe is None:
            raise ValueError("standard output of this process goes to its log")
        deadline = time.monotonic() + seconds
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise TargetError(f"{self._what()} said nothing for {seconds:g} s{self.tail()}")
            piece = os.read(pipe.fileno(), 1)
            if not piece:
                status = self._process.wait()
                raise TargetError(f"{self._what()} ended with status {status}{self.tail()}")
            line += piece
        return line.decode("utf-8", "replace").rstrip("\n")

    def tail(self, lines: int = 12) -> str:
        """The end of its log, for an error message."""
        text = self.log.read_text(encoding="utf-8", errors="replace").strip()
        if not text:
            return f" (nothing in {self.log})"
        return f"; the end of {self.log}:\n" + "\n".join(text.splitlines()[-lines:])

    def stop(self) -> int:
        """SIGTERM, and SIGKILL for one that does not obey; returns the exit status."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self._process.wait()

    def _what(self) -> str:
        return f"`{' '.join(self.command)}`"
