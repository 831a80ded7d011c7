"""viaduct-bridge: carries SIPp's TCP connection to a TLS, WS or WSS listener, and records it."""

import asyncio
from pathlib import Path

from viaduct.targets.description import Address, Description
from viaduct.targets.process import guarded
from viaduct.targets.viaduct import build_directory

READY = "viaduct-bridge ready "
READY_SECONDS = 10.0
STOP_SECONDS = 10.0


class BridgeError(Exception):
    """The bridge cannot be run: the harness's trouble."""


def bridge_program() -> Path:
    program = build_directory() / "bin" / "viaduct-bridge"
    if not program.is_file():
        raise BridgeError(f"{program} does not exist; build it with `ci/build`")
    return program


class Bridge:
    """One bridge to one listener; `address` is where a TCP tool connects to."""

    def __init__(self, process: asyncio.subprocess.Process, record: Path, log: Path) -> None:
        self.record = record
        self.address = Address("tcp", "127.0.0.1", 1)
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, address: Address, target: Description, folder: Path, at: str) -> "Bridge":
        path = target.ws_path if address.transport in ("ws", "wss") else ""
        host = target.server_name or address.host
        place = Address(address.transport, host, address.port)
        record, log = folder / "bridge.jsonl", folder / "bridge.log"
        command = [
            *(str(bridge_program()), "--listen", "tcp:127.0.0.1:0"),
            *("--connect", f"{address.transport}://{place.hostport}{path}"),
            *("--record", str(record), "--at", at),
        ]
        if target.ca is not None:
            command += ["--ca", str(target.ca)]
        with log.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                *guarded(command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=sink,
            )
        bridge = cls(process, record, log)
        try:
            await bridge._ready()
        except BaseException:
            await bridge.close()
            raise
        return bridge

    async def _ready(self) -> None:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = (await self._process.stdout.readline()).decode("utf-8", "replace").strip()
        except TimeoutError:
            raise BridgeError(f"viaduct-bridge is not ready after {READY_SECONDS:g} s") from None
        if not line.startswith(READY):
            said = self._log.read_text("utf-8", "replace").strip()
            raise BridgeError(f"viaduct-bridge said {line!r}; {said}")
        self.address = Address.parse(line.removeprefix(READY).split()[0])

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
