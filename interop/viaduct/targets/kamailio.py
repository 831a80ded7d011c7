"""Kamailio as a target: Debian's package, started on free ports with a configuration made for
conformance.
"""

import re
import shutil
import subprocess
from pathlib import Path

from viaduct.targets.description import LEGS, Address, Description, TargetError
from viaduct.targets.names import NameSink
from viaduct.targets.pki import Pki, make_pki
from viaduct.targets.port import free_ports, ipv6_loopback, wait_listening
from viaduct.targets.process import Process
from viaduct.targets.target import Target

READY_SECONDS = 20.0
START_ATTEMPTS = 3
TEMPLATE = Path(__file__).with_name("kamailio.cfg")
PROGRAM_PLACES = ("/usr/sbin", "/usr/local/sbin")
MODULE_PLACES = (
    "/usr/lib/x86_64-linux-gnu/kamailio/modules",
    "/usr/lib/aarch64-linux-gnu/kamailio/modules",
    "/usr/lib64/kamailio/modules",
    "/usr/local/lib/kamailio/modules",
    "/usr/local/lib64/kamailio/modules",
)


class KamailioTarget(Target):
    def __init__(self, *, domain: str = "sip.test") -> None:
        self._domain = domain
        self._process: Process | None = None
        self._names: NameSink | None = None

    @property
    def logs(self) -> tuple[Path, ...]:
        return () if self._process is None else (self._process.log,)

    def start(self, directory: Path) -> Description:
        directory.mkdir(parents=True, exist_ok=True)
        program = _program()
        pki = make_pki(directory / "pki")
        self._names = NameSink.open(directory)
        for attempt in range(1, START_ATTEMPTS + 1):
            addresses = _addresses()
            config = directory / "kamailio.cfg"
            config.write_text(_render(addresses, pki, self._domain), encoding="utf-8")
            state = directory / f"state-{attempt}"
            state.mkdir(exist_ok=True)
            # Foreground and log on standard error; its own directory for everything it writes.
            command = [program, "-DD", "-E", "-f", str(config), "-m", "64", "-M", "8"] + [
                "-Y",
                str(state),
                "-w",
                str(state),
                "-P",
                str(state / "pid"),
            ]
            if self._names is not None:
                command = self._names.enter(command)
            self._process = Process(command, directory / f"kamailio-{attempt}.log")
            try:
                wait_listening(addresses, READY_SECONDS, self.exited)
            except TargetError as error:
                self._process.stop()
                if "Address already in use" in str(error) and attempt < START_ATTEMPTS:
                    continue
                raise
            return Description(
                name="kamailio",
                version=_version(program),
                domain=self._domain,
                addresses=addresses,
                ca=pki.ca,
                dns=None if self._names is None else self._names.trace,
                unsupported={
                    "front-door": "configured with one protocol per port",
                },
            )
        raise TargetError(f"kamailio found its ports taken {START_ATTEMPTS} times in a row")

    def exited(self) -> str | None:
        if self._process is None:
            return None
        status = self._process.exit_status()
        return None if status is None else f"kamailio ended: {status}{self._process.tail(40)}"

    def stop(self) -> str | None:
        if self._names is not None:
            self._names.close()
        if self._process is None:
            return None
        early = self.exited()
        self._process.stop()
        return early


def _program() -> str:
    found = shutil.which("kamailio") or next(
        (f"{place}/kamailio" for place in PROGRAM_PLACES if Path(place, "kamailio").is_file()), None
    )
    if found is None:
        raise TargetError(
            "kamailio is not installed; `ci/setup kamailio` installs Debian's packages"
        )
    return found


def _version(program: str) -> str:
    done = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=10, check=False)
    match = re.search(r"kamailio (\S+)", done.stdout)
    return match[1] if match else "unknown"


def _addresses() -> tuple[Address, ...]:
    ports = dict(zip(LEGS, free_ports(len(LEGS)), strict=True))
    hosts = ["127.0.0.1"] + (["::1"] if ipv6_loopback() else [])
    return tuple(Address(leg, host, ports[leg]) for host in hosts for leg in LEGS)


def _render(addresses: tuple[Address, ...], pki: Pki, domain: str) -> str:
    modules = next((place for place in MODULE_PLACES if Path(place).is_dir()), None)
    if modules is None:
        raise TargetError(f"kamailio's modules are in none of {', '.join(MODULE_PLACES)}")
    # WebSocket listens on the transport below it; Kamailio tells the two by the upgrade.
    below = {"ws": "tcp", "wss": "tls"}
    values = {
        "LISTEN": "\n".join(
            f"listen={below.get(a.transport, a.transport)}:{a.hostport}" for a in addresses
        ),
        "MODULES": modules,
        "DOMAIN": domain,
        "CERTIFICATE": str(pki.certificate),
        "KEY": str(pki.key),
        "WS_PORT": str(next(a.port for a in addresses if a.transport == "ws")),
        "WSS_PORT": str(next(a.port for a in addresses if a.transport == "wss")),
    }
    return re.sub(r"@([A-Z_]+)@", lambda m: values[m[1]], TEMPLATE.read_text(encoding="utf-8"))
