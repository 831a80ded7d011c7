"""SIPp as an independent user agent: it plays a scenario, its message log becomes a trace.

What SIPp says of itself is evidence and never a verdict: cases look at the messages.
"""

import asyncio
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path

from viaduct.agents.bridge import Bridge
from viaduct.targets.description import Address, Description
from viaduct.targets.port import free_ports
from viaduct.trace import jsonl, sipplog

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
HOST = "127.0.0.1"
# Upper bounds: of a scenario's single steps, and of all of it.
STEP_MS = 8000
END_SECONDS = 15.0
START_SECONDS = 10.0
# SIPp's status when it cannot bind a port (-2 as a byte); another port is tried then.
BIND_FAILED = 254
ATTEMPTS = 3
# A SIPp that waits for calls ends itself by stop_now, which is this status.
STOPPED_ITSELF = 97


class SippError(Exception):
    """SIPp cannot be run: the harness's trouble."""


class SippFailure(AssertionError):
    """The scenario did not come to its end. The text holds what SIPp saw and said."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who SIPp is on its leg: the values that the scenarios leave open."""

    user: str
    domain: str
    leg: str
    outbound: bool

    def keys(self, port: int) -> dict[str, str]:
        """RFC 7118 section 5: Via names the transport, host names are .invalid ones, and a Contact
        has transport=ws on both WS and WSS. A TLS Contact says transport=tcp (RFC 3261 26.2.2)."""
        web = self.leg in ("ws", "wss")
        host = f"{uuid.uuid4().hex[:12]}.invalid" if web else f"{HOST}:{port}"
        parameters = {"udp": "", "tcp": ";transport=tcp", "tls": ";transport=tcp"}
        uri = f"sip:{self.user}@{host}{parameters.get(self.leg, ';transport=ws')}"
        flow = f';reg-id=1;+sip.instance="<urn:uuid:{uuid.uuid4()}>"'
        return {
            "user": self.user,
            "domain": self.domain,
            "via": self.leg.upper(),
            "sentby": host,
            "contact": f"{uri};ob" if self.outbound else uri,
            "binding": uri,
            "outbound": flow if self.outbound else "",
        }


class Sipp:
    """One SIPp with one socket on one leg. Use start(), then end() or close()."""

    def __init__(
        self,
        at: str,
        identity: Identity,
        directory: Path,
        address: Address,
        bridge: Bridge | None,
    ) -> None:
        self.at = at
        self.identity = identity
        self._directory = directory
        self._address = address
        self._bridge = bridge
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._events: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None

    @classmethod
    async def start(
        cls,
        scenario: str,
        *,
        at: str,
        user: str,
        leg: str,
        target: Description,
        directory: Path,
        callee: str = "nobody",
        answer: str | None = None,
    ) -> "Sipp":
        """Starts a scenario; with `answer`, what comes in is played by that one: register.xml."""
        identity = Identity(user, target.domain, leg, target.missing("outbound") is None)
        folder = directory / at
        folder.mkdir(parents=True, exist_ok=True)
        address = target.address(leg)
        bridge = None
        if leg not in ("udp", "tcp"):
            bridge = await Bridge.start(address, target, folder, at)
        sipp = cls(at, identity, folder, address, bridge)
        try:
            await sipp._start(scenario, callee, answer)
        except BaseException:
            await sipp.close()
            raise
        return sipp

    async def _start(self, scenario: str, callee: str, answer: str | None) -> None:
        for _ in range(ATTEMPTS):
            await self._spawn(scenario, callee, answer)
            try:
                await self.until("started" if answer is None else "registered", START_SECONDS)
                return
            except SippFailure:
                if self._process is None or self._process.returncode != BIND_FAILED:
                    raise
        raise SippError(f"SIPp found its ports taken {ATTEMPTS} times in a row")

    def _command(self, scenario: str, callee: str, answer: str | None, log: int) -> list[str]:
        remote = self._bridge.address if self._bridge is not None else self._address
        # SIPp looks for free media and control ports by itself, but in a short range.
        self._port, media, control = free_ports(3)
        keys: Mapping[str, str] = {**self.identity.keys(self._port), "target": callee}
        command = [
            *(
                "sipp",
                f"{remote.host}:{remote.port}",
                "-t",
                "u1" if remote.transport == "udp" else "t1",
            ),
            *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1", "-l", "1", "-nostdin"),
            *("-i", HOST, "-p", str(self._port), "-bind_local"),
            *("-mi", HOST, "-mp", str(media), "-ci", HOST, "-cp", str(control)),
            *("-recv_timeout", str(STEP_MS), "-default_behaviors", "all,-bye"),
            *("-cid_str", f"%u-%p-{uuid.uuid4().hex[:12]}@{HOST}"),
            *("-trace_msg", "-message_file", str(self.log)),
            *("-trace_err", "-error_file", str(self._directory / "errors.log")),
            *("-trace_logs", "-log_file", f"/dev/fd/{log}"),
        ]
        if answer is not None:
            command += ["-oocsf", str(SCENARIOS / f"{answer}.xml")]
        for key, value in keys.items():
            command += ["-key", key, value]
        return command

    async def _spawn(self, scenario: str, callee: str, answer: str | None) -> None:
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        self._events = asyncio.StreamReader()
        self._drop_events()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader()), os.fdopen(reading, "rb", 0)
        )
        with (self._directory / "screen.log").open("wb") as screen:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command(scenario, callee, answer, writing),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=screen,
                    stderr=screen,
                    cwd=self._directory,
                    env={**os.environ, "TZ": "UTC", "TERM": "dumb"},
                    pass_fds=(writing,),
                )
            except OSError as error:
                raise SippError(f"cannot start sipp: {error.strerror}") from error
            finally:
                os.close(writing)

    def _reader(self) -> asyncio.StreamReader:
        assert self._events is not None
        return self._events

    def _drop_events(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @property
    def log(self) -> Path:
        return self._directory / "messages.log"

    async def until(self, event: str, seconds: float) -> None:
        """Waits for the scenario's <log message="..."/>; SippFailure when SIPp ends without it."""
        try:
            async with asyncio.timeout(seconds):
                while line := await self._reader().readline():
                    if line.decode("utf-8", "replace").strip() == event:
                        return
                await self._ended()
        except TimeoutError:
            raise SippFailure(
                f"{self.at} (SIPp) waited {seconds:g} s for {event!r}{self.evidence()}"
            ) from None
        raise SippFailure(f"{self.at} (SIPp) ended before {event!r}{self.evidence()}")

    async def _ended(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def end(self, seconds: float = END_SECONDS) -> None:
        """Waits until the scenario is over; SippFailure when SIPp says that it went wrong."""
        try:
            async with asyncio.timeout(seconds):
                status = await self._ended()
        except TimeoutError:
            raise SippFailure(
                f"{self.at} (SIPp) did not come to an end within {seconds:g} s{self.evidence()}"
            ) from None
        if status not in (0, STOPPED_ITSELF):
            raise SippFailure(f"{self.at} (SIPp) ended with status {status}{self.evidence()}")

    def evidence(self) -> str:
        """What SIPp wrote about what went wrong."""
        errors = self._directory / "errors.log"
        text = errors.read_text("utf-8", "replace").strip() if errors.exists() else ""
        lines = [line for line in text.splitlines() if "out-of-call" not in line]
        said = "\n".join(lines[1:]).strip()
        return f"; it says:\n{said}" if said else ""

    async def close(self) -> None:
        """Ends SIPp, whatever it is doing, and its bridge."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._drop_events()
        if self._bridge is not None:
            await self._bridge.close()

    def trace(self) -> Path | None:
        """The vantage as a file, after close(); None when no message came or went."""
        if self._bridge is not None:
            return self._bridge.record
        if not self.log.exists() or not sipplog.looks_like(self.log.read_bytes()):
            return None
        place = sipplog.Place(
            at=self.at,
            transport=self.identity.leg,
            local=f"{HOST}:{self._port}",
            remote=self._address.hostport,
        )
        path = self._directory / "trace.jsonl"
        jsonl.write(sipplog.read(self.log, place, timezone.utc), path)
        return path
