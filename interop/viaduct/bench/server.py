"""The servers that are compared, each at its best: quiet, optimised, one worker per listener."""

import re
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from viaduct.targets.description import LEGS, Address, TargetError
from viaduct.targets.kamailio import MODULE_PLACES
from viaduct.targets.pki import make_pki
from viaduct.targets.port import free_ports, wait_listening
from viaduct.targets.process import Process
from viaduct.targets.viaduct import READY, READY_SECONDS, server_program

HOST = "127.0.0.1"
TEMPLATE = Path(__file__).with_name("kamailio.cfg")


class Server(ABC):
    name: str
    domain = "viaduct.test"

    def __init__(self, process: Process, ports: dict[str, int]) -> None:
        self._process = process
        self._ports = ports

    @property
    def pid(self) -> int:
        return self._process.pid

    def address(self, leg: str) -> str:
        return f"{leg}:{HOST}:{self._ports[leg]}"

    def stop(self) -> None:
        self._process.stop()

    @classmethod
    @abstractmethod
    def start(cls, directory: Path) -> "Server":
        """A running server with its files in `directory`; TargetError when it cannot be had."""


class Viaduct(Server):
    name = "viaduct"

    @classmethod
    def start(cls, directory: Path) -> "Viaduct":
        pki = make_pki(directory / "pki")
        command = [str(server_program()), "--domain", cls.domain, "--max-connections", "200000"]
        command += ["--cert", str(pki.certificate), "--key", str(pki.key)]
        for leg in LEGS:
            command += ["--listen", f"{leg}:{HOST}:0"]
        process = Process(command, directory / "viaduct.log", ready_on_stdout=True)
        words = process.first_line(READY_SECONDS).removeprefix(READY).split()
        return cls(process, {a.transport: a.port for a in map(Address.parse, words)})


class Kamailio(Server):
    """With its fast allocator (-x tlsf -X tlsf); Debian's default is a slow debugging one."""

    name = "kamailio"

    @classmethod
    def start(cls, directory: Path) -> "Kamailio":
        program = shutil.which("kamailio") or shutil.which("/usr/sbin/kamailio")
        modules = next((place for place in MODULE_PLACES if Path(place).is_dir()), None)
        if program is None or modules is None:
            raise TargetError("kamailio is not installed; `ci/setup kamailio` installs it")
        pki = make_pki(directory / "pki")
        ports = dict(zip(LEGS, free_ports(len(LEGS)), strict=True))
        values = {leg.upper(): str(port) for leg, port in ports.items()}
        values |= {"HOST": HOST, "MODULES": modules, "DOMAIN": cls.domain}
        values |= {"CERTIFICATE": str(pki.certificate), "KEY": str(pki.key)}
        config = directory / "kamailio.cfg"
        config.write_text(re.sub(r"@([A-Z_]+)@", lambda m: values[m[1]], TEMPLATE.read_text()))
        process = Process(
            [program, "-DD", "-E", "-f", str(config), "-x", "tlsf", "-X", "tlsf"]
            + ["-m", "2048", "-M", "16", "-Y", str(directory), "-w", str(directory)]
            + ["-P", str(directory / "pid")],
            directory / "kamailio.log",
        )
        addresses = tuple(Address(leg, HOST, port) for leg, port in ports.items())

        def ended() -> str | None:
            return None if process.exit_status() is None else f"kamailio ended{process.tail(20)}"

        try:
            wait_listening(addresses, READY_SECONDS, ended)
        except TargetError:
            process.stop()
            raise
        return cls(process, ports)
