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
from viaduct.targets.description import Description
from viaduct.targets.port import free_ports, local_host
from viaduct.targets.process import guarded
from viaduct.trace import jsonl, sipplog

LOOPBACK = "127.0.0.1"
SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
# Upper bounds: of a scenario's single steps, and of all of it.
STEP_MS = 5000
END_SECONDS = 8.0
START_SECONDS = 8.0
# SIPp's status when it cannot bind a port (-2 as a byte); another port is tried then.
BIND_FAILED = 254
ATTEMPTS = 3
# A SIPp that waits for calls ends itself by stop_now, which is this status.
STOPPED_ITSELF = 97


class SippError(Exception):
    """SIPp cannot be run: the harness's trouble."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who SIPp is on its leg: the values that the scenarios leave open."""

    user: str
    domain: str
    leg: str
    outbound: bool

    def keys(self, own: str, port: int) -> dict[str, str]:
        """RFC 7118 section 5: Via names the transport, host names are .invalid ones, and a Contact
        has transport=ws on both WS and WSS. A TLS Contact says transport=tcp (RFC 3261 26.2.2)."""
        web = self.leg in ("ws", "wss")
        host = f"{uuid.uuid4().hex[:12]}.invalid" if web else f"{own}:{port}"
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
    """One SIPp with one socket on one leg: play(), end(), close(), and then trace()."""

    def __init__(self, at: str, user: str, leg: str, target: Description, directory: Path) -> None:
        self.at = at
        self.leg = leg
        self.user = user
        self._identity = Identity(user, target.domain, leg, target.missing("outbound") is None)
        self._target = target
        self._address = target.address(leg)
        self._directory = directory
        self._bridge: Bridge | None = None
        # What SIPp binds: on the other legs it talks to its bridge, which is on loopback.
        self._host = local_host(self._address) if leg in ("udp", "tcp") else LOOPBACK
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._events = asyncio.StreamReader()
        self._transport: asyncio.ReadTransport | None = None

    @property
    def log(self) -> Path:
        return self._directory / "messages.log"

    async def play(
        self, scenario: str, *, callee: str = "nobody", answer: str | None = None
    ) -> str | None:
        """Starts a scenario; with `answer`, what comes in is played by that one (see register.xml).

        Returns when the scenario runs, and with `answer` when it has registered. A text tells why
        it came to nothing.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        if self.leg not in ("udp", "tcp"):
            self._bridge = await Bridge.start(self._address, self._target, self._directory, self.at)
        for _ in range(ATTEMPTS):
            await self._spawn(scenario, callee, answer)
            complaint = await self._until("started" if answer is None else "registered")
            if self._process is None or self._process.returncode != BIND_FAILED:
                return complaint
        raise SippError(f"SIPp found its ports taken {ATTEMPTS} times in a row")

    def _command(self, scenario: str, callee: str, answer: str | None, log: int) -> list[str]:
        remote = self._bridge.address if self._bridge is not None else self._address
        # SIPp looks for free media and control ports by itself, but in a short range.
        self._port, media, control = free_ports(3)
        keys: Mapping[str, str] = {**self._identity.keys(self._host, self._port), "target": callee}
        command = [
            *(
                "sipp",
                f"{remote.host}:{remote.port}",
                "-t",
                "u1" if remote.transport == "udp" else "t1",
            ),
            *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1", "-l", "1", "-nostdin"),
            *("-i", self._host, "-p", str(self._port), "-bind_local"),
            *("-mi", self._host, "-mp", str(media), "-ci", LOOPBACK, "-cp", str(control)),
            *("-recv_timeout", str(STEP_MS), "-default_behaviors", "all,-bye"),
            *("-cid_str", f"%u-%p-{uuid.uuid4().hex[:12]}@{self._host}"),
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
        self._drop_events()
        events = self._events = asyncio.StreamReader()
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(events), os.fdopen(reading, "rb", 0)
        )
        with (self._directory / "screen.log").open("wb") as screen:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *guarded(self._command(scenario, callee, answer, writing)),
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

    def _drop_events(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def _until(self, event: str) -> str | None:
        """Waits for the scenario's <log message="..."/>, which SIPp writes into a pipe of ours."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while line := await self._events.readline():
                    if line.decode("utf-8", "replace").strip() == event:
                        return None
                assert self._process is not None
                status = await self._process.wait()
        except TimeoutError:
            return f"not {event} within {START_SECONDS:g} s{self._evidence()}"
        return f"ended with status {status} before it was {event}{self._evidence()}"

    async def end(self, seconds: float = END_SECONDS) -> str | None:
        """Waits until the scenario is over; a text tells what SIPp says went wrong."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds):
                status = await self._process.wait()
        except TimeoutError:
            return f"no end within {seconds:g} s{self._evidence()}"
        if status in (0, STOPPED_ITSELF):
            return None
        return f"ended with status {status}{self._evidence()}"

    def _evidence(self) -> str:
        errors = self._directory / "errors.log"
        text = errors.read_text("utf-8", "replace").strip() if errors.exists() else ""
        lines = [line for line in text.splitlines()[1:] if "out-of-call" not in line]
        said = "\n".join(lines).strip()
        return f"; {said}" if said else ""

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
            transport=self.leg,
            local=f"{self._host}:{self._port}",
            remote=self._address.hostport,
        )
        path = self._directory / "trace.jsonl"
        jsonl.write(sipplog.read(self.log, place, timezone.utc), path)
        return path
