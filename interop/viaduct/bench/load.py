"""Drives the load generator: one measured run of one operation on one pair of transports."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from viaduct.bench.accounting import cpu_seconds, family, memory_bytes
from viaduct.bench.server import Server

LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Load:
    operation: str
    caller: str
    callee: str
    users: int
    rate: float
    count: int

    @property
    def name(self) -> str:
        legs = self.caller if self.caller == self.callee else f"{self.caller} to {self.callee}"
        return f"{self.operation} {legs}"


@dataclass(frozen=True)
class Cost:
    cpu_us: float
    """CPU time of the server per operation, microseconds."""
    memory: float
    """Growth of the server's memory per registered connection, bytes; needs many users."""
    failed: int
    late: int
    p50_us: int
    p99_us: int


class LoadError(Exception):
    """The generator could not do its work."""


def measure(generator: Path, server: Server, load: Load) -> Cost:
    before = memory_bytes(family(server.pid))
    command = [str(generator), "--op", load.operation, "--domain", server.domain]
    command += ["--from", server.address(load.caller), "--to", server.address(load.callee)]
    command += ["--users", str(load.users), "--rate", str(load.rate), "--count", str(load.count)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin and process.stdout and process.stderr
            if not process.stdout.readline().startswith("registered"):
                raise LoadError(f"{server.name}, {load.name}: {process.stderr.read().strip()}")
            pids = family(server.pid)
            memory = memory_bytes(pids)
            started = cpu_seconds(pids)
            process.stdin.write("go\n")
            process.stdin.flush()
            line = process.stdout.readline()
            spent = cpu_seconds(pids) - started
            if not line:
                raise LoadError(f"{server.name}, {load.name}: {process.stderr.read().strip()}")
            result = json.loads(line)
            process.stdin.close()
            process.wait(LIMIT_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
    finished = result["finished"]
    if not finished:
        raise LoadError(f"{server.name}, {load.name}: no operation finished")
    return Cost(
        cpu_us=spent / finished * 1e6,
        memory=(memory - before) / load.users,
        failed=result["failed"],
        late=result["late"],
        p50_us=result["p50_us"],
        p99_us=result["p99_us"],
    )
