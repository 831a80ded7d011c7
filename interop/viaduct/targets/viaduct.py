"""The bundled server as a target: any free ports, all transports, both families, and a front
door.
"""

import difflib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from viaduct.targets.description import Address, Description, TargetError
from viaduct.targets.names import NameSink
from viaduct.targets.pki import make_pki
from viaduct.targets.port import ipv6_loopback
from viaduct.targets.process import Process
from viaduct.targets.target import Target

READY_SECONDS = 20.0
LISTENERS = ("udp", "tcp", "tls", "ws", "wss", "plain", "secure")
WS_PATH = "/ws"  # apart from the page, which is at /
READY = "viaduct-server ready "


def build_directory() -> Path:
    """Where the programs were built: $VIADUCT_BUILD, or build/release of the checkout."""
    named = os.environ.get("VIADUCT_BUILD")
    return Path(named) if named else Path(__file__).resolve().parents[3] / "build" / "release"


def server_program() -> Path:
    program = build_directory() / "bin" / "viaduct-server"
    if not program.is_file():
        raise TargetError(
            f"{program} does not exist; build it with `ci/build`, or set VIADUCT_BUILD"
        )
    return program


class FaultError(TargetError):
    """A fault that the built server does not have: the user's mistake."""


class ViaductTarget(Target):
    def __init__(
        self,
        *,
        faults: Sequence[str] = (),
        options: Sequence[str] = (),
        domain: str = "sip.test",
        www: Path | None = None,
    ) -> None:
        self._faults = tuple(faults)
        self._options = tuple(options)
        self._domain = domain
        self._www = www
        self._process: Process | None = None
        self._directory: Path | None = None
        self._names: NameSink | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        return self._faults

    @property
    def logs(self) -> tuple[Path, ...]:
        return () if self._process is None else (self._process.log,)

    @property
    def server_trace(self) -> Path | None:
        """The server's own view of the run."""
        return None if self._directory is None else self._directory / "server.jsonl"

    def start(self, directory: Path) -> Description:
        directory.mkdir(parents=True, exist_ok=True)
        program = server_program()
        if self._faults:
            _check_faults(program, self._faults)
        pki = make_pki(directory / "pki")
        hosts = ["127.0.0.1"] + (["[::1]"] if ipv6_loopback() else [])
        listeners = [f"{kind}:{host}:0" for host in hosts for kind in LISTENERS]
        command = [str(program)]
        for listener in listeners:
            command += ["--listen", listener]
        command += ["--domain", self._domain, "--cert", str(pki.certificate), "--key", str(pki.key)]
        command += [
            "--ws-path",
            WS_PATH,
            "--ca",
            str(pki.ca),
            "--trace",
            str(directory / "server.jsonl"),
        ]
        if self._www is not None:
            command += ["--www", str(self._www)]
        for fault in self._faults:
            command += ["--fault", fault]
        command += ["--log", "info", *self._options]
        self._directory = directory
        self._names = NameSink.open(directory)
        if self._names is not None:
            command = self._names.enter(command)
        self._process = Process(command, directory / "server.log", ready_on_stdout=True)
        line = self._process.first_line(READY_SECONDS)
        if not line.startswith(READY):
            raise TargetError(f"viaduct-server said {line!r} where its ready line was due")
        try:
            ready = [Address.parse(word) for word in line.removeprefix(READY).split()]
        except ValueError as error:
            raise TargetError(f"viaduct-server's ready line: {error}") from error
        if [address.transport for address in ready] != [
            listener.partition(":")[0] for listener in listeners
        ]:
            raise TargetError(f"viaduct-server's ready line names other listeners: {line!r}")
        return Description(
            name="viaduct",
            version=_version(program),
            domain=self._domain,
            addresses=tuple(a for a in ready if a.transport not in ("plain", "secure")),
            front=tuple(a for a in ready if a.transport in ("plain", "secure")),
            ca=pki.ca,
            ws_path=WS_PATH,
            dns=None if self._names is None else self._names.trace,
        )

    def exited(self) -> str | None:
        if self._process is None:
            return None
        status = self._process.exit_status()
        if status is None:
            return None
        return f"viaduct-server ended with status {status}{self._process.tail(40)}"

    def stop(self) -> str | None:
        if self._names is not None:
            self._names.close()
        if self._process is None:
            return None
        early = self.exited()
        status = self._process.stop()
        if early is not None:
            return early
        if status != 0:
            return f"viaduct-server ended with status {status} when stopped{self._process.tail(40)}"
        return None


def _check_faults(program: Path, wanted: Sequence[str]) -> None:
    done = subprocess.run(
        [program, "--list-faults"], capture_output=True, text=True, timeout=10, check=False
    )
    if done.returncode != 0:
        raise FaultError(
            f"--fault: {program} was built without faults; build with `ci/build faults` and set "
            "VIADUCT_BUILD to build/faults"
        )
    known = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"perhaps {', '.join(near)}?" if near else "`viaduct list` shows what there is"
            raise FaultError(f"--fault: nothing is called {name!r}; {hint}")


def _version(program: Path) -> str:
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    words = done.stdout.split()
    return words[-1] if done.returncode == 0 and words else "unknown"
