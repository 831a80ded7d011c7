"""The run engine: selection, the catalogue of cases, verdicts, and targets that misbehave."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from viaduct import catalogue
from viaduct.peers.duty import Inconclusive, Skip, Unreachable, Unsupported, Violation
from viaduct.results import CaseResult, ExitCode, Verdict
from viaduct.run import engine
from viaduct.run.case import Case, case
from viaduct.run.engine import EngineError, list_cases, run
from viaduct.run.judgement import run_case
from viaduct.run.lab import Lab
from viaduct.run.selection import selected
from viaduct.targets import Address, Description, Target, TargetError, ViaductTarget
from viaduct.targets.viaduct import build_directory
from viaduct.trace import jsonl

BUILT = (build_directory() / "bin" / "viaduct-server").is_file()
needs_server = pytest.mark.skipif(not BUILT, reason="viaduct-server is not built")


def make_case(id: str = "call-wss-udp", **more: object) -> Case:
    facts = {
        "title": "a call",
        "requirements": ("RFC3261-16.6-a",),
        "legs": ("wss", "udp"),
        "agents": ("scripted", "scripted"),
        "needs": (),
    }
    return Case(id, **(facts | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], True),
        (["call-wss-udp"], True),
        (["call"], True),
        (["call-wss"], True),
        (["call-ws"], False),
        (["cal"], False),
        (["*-udp"], True),
        (["call-*-tcp"], False),
        (["RFC3261-16.6-a"], True),
        (["RFC3261-16.6"], False),
        (["register", "call"], True),
    ],
)
def test_selection(words: list[str], meant: bool) -> None:
    assert selected(make_case(), words) is meant


@pytest.mark.parametrize("id", ["", "Call", "call_wss", "-call", "call-", "1call"])
def test_case_ids_are_kebab_case(id: str) -> None:
    with pytest.raises(ValueError, match="lower-case words"):
        case(id, "x", requirements=("RFC3261-16.6-a",))


def test_case_needs_a_requirement() -> None:
    with pytest.raises(ValueError, match="names no requirement"):
        case("call", "x", requirements=())


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return list_cases()


def test_cases_have_ids_of_their_own_and_known_requirements(cases: tuple[Case, ...]) -> None:
    known = catalogue.load()
    unknown = {r for one in cases for r in one.requirements if r not in known}
    assert not unknown
    assert len({one.id for one in cases}) == len(cases)
    assert all("{" not in one.title for one in cases)


def test_every_ordered_pair_of_legs_has_its_cases(cases: tuple[Case, ...]) -> None:
    ids = {one.id for one in cases}
    legs = ("ws", "wss", "tls", "tcp", "udp")
    for operation in (
        "message",
        "options",
        "call",
        "call-callee-bye",
        "call-cancel",
        "call-reject",
    ):
        assert {f"{operation}-{a}-{b}" for a in legs for b in legs} <= ids
    assert {f"register-{leg}" for leg in legs} <= ids


def test_unknown_suite() -> None:
    with pytest.raises(EngineError, match="no suite named 'none'"):
        list_cases("none")


NOWHERE = Description("none", "0", "sip.test", (Address("udp", "127.0.0.1", 9),))


def judged(tmp_path: Path, happening: Callable[[Lab], None], **more: object) -> CaseResult:
    lab = Lab(NOWHERE, make_case(**more), tmp_path / "scratch")

    async def function(lab: Lab) -> None:
        happening(lab)

    return run_case(lab, function, {"lab": lab}, tmp_path)


def fail_with(error: Exception) -> Callable[[Lab], None]:
    def happening(_: Lab) -> None:
        raise error

    return happening


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Violation("no"), Verdict.FAIL),
        (Violation("no", level="SHOULD"), Verdict.WARN),
        (AssertionError("no"), Verdict.FAIL),
        (Unsupported("no"), Verdict.UNSUPPORTED),
        (Skip("no"), Verdict.SKIP),
        (Inconclusive("no"), Verdict.INCONCLUSIVE),
        (Unreachable("no"), Verdict.ERROR),
        (KeyError("no"), Verdict.ERROR),
    ],
)
def test_verdicts(tmp_path: Path, error: Exception, verdict: Verdict) -> None:
    result = judged(tmp_path, fail_with(error))
    assert result.verdict is verdict
    if isinstance(error, AssertionError):
        assert [(f.rule, f.text, f.party) for f in result.findings] == [
            ("call-wss-udp", "no", "target")
        ]
    else:
        assert "no" in result.reason


def test_violation_names_its_requirement(tmp_path: Path) -> None:
    result = judged(tmp_path, fail_with(Violation("no", "RFC3581-4-a", "MUST NOT")))
    assert (result.findings[0].requirement, result.findings[0].level) == ("RFC3581-4-a", "MUST NOT")
    result = judged(tmp_path, fail_with(Violation("no")))
    assert result.findings[0].requirement == "RFC3261-16.6-a"


def test_checks_go_on(tmp_path: Path) -> None:
    def happening(lab: Lab) -> None:
        lab.check(True, "fine")
        lab.check(False, "first", level="SHOULD")
        lab.require(False, "second")

    result = judged(tmp_path, happening)
    assert [finding.text for finding in result.findings] == ["first", "second"]
    assert result.verdict is Verdict.FAIL


def test_trace_is_written_with_the_target_in_its_header(tmp_path: Path) -> None:
    result = judged(tmp_path, lambda lab: lab.recorder("alice").event("note", mark="x") and None)
    assert result.verdict is Verdict.PASS
    assert result.trace == "traces/call-wss-udp.jsonl"
    trace = jsonl.read(tmp_path / result.trace)
    assert trace.header.sut == ("udp:127.0.0.1:9",)
    assert [event.at for event in trace.events] == ["alice"]


def test_missing_feature(tmp_path: Path) -> None:
    result = judged(tmp_path, fail_with(KeyError("never reached")), needs=("tls",))
    assert (result.verdict, result.reason) == (
        Verdict.UNSUPPORTED,
        "tls: the target has no tls address",
    )
    result = judged(tmp_path, fail_with(KeyError("never reached")), needs=("dns-sink",))
    assert result.verdict is Verdict.SKIP


class Garbage(Target):
    """Accepts anything and answers nonsense, on UDP, TCP and WS; on TLS too, without TLS."""

    def __init__(self, dies: bool = False) -> None:
        self.dies = dies
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self, directory: Path) -> Description:
        self._thread.start()
        addresses = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return Description("garbage", "0", "sip.test", addresses)

    async def _listen(self) -> tuple[Address, ...]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                writer.write(b"\0\xff\r\n\r\nSIP/2.0 200\r\n\r\nHTTP/1.1 101\r\n\r\n\x83\x01")
            writer.close()

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                self.transport.sendto(b"\0\xff" + data[::-1], addr)  # type: ignore[attr-defined]

        addresses = []
        for leg in ("ws", "wss", "tls", "tcp"):
            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            addresses.append(Address(leg, "127.0.0.1", server.sockets[0].getsockname()[1]))
        transport, _ = await self._loop.create_datagram_endpoint(
            Datagrams, local_addr=("127.0.0.1", 0)
        )
        addresses.append(Address("udp", *transport.get_extra_info("sockname")[:2]))
        return tuple(addresses)

    def stop(self) -> str | None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        return "it fell over" if self.dies else None

    def exited(self) -> str | None:
        return None


def test_garbage_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viaduct.peers.transaction.PATIENCE", 0.2)
    for module in ("transaction", "link", "websocket", "agent"):
        monkeypatch.setattr(f"viaduct.peers.{module}.PATIENCE", 0.2)
    result = run(
        "all",
        Garbage(),
        [f"register-{leg}" for leg in ("ws", "wss", "tls", "tcp", "udp")]
        + ["ws-handshake-ws", "call-udp-tcp"],
        tmp_path,
        workers=1,
    )
    verdicts = {one.id: one.verdict for one in result.cases}
    assert set(verdicts.values()) == {Verdict.FAIL}, [
        (one.id, one.reason) for one in result.cases if one.verdict is not Verdict.FAIL
    ]
    assert result.exit_code is ExitCode.FINDINGS


def test_target_that_falls_over_is_a_finding(tmp_path: Path) -> None:
    result = run("proxy", Garbage(dies=True), ["front-door-page"], tmp_path, workers=1)
    ended = {one.id: one for one in result.cases}[engine.ENDED]
    assert ended.verdict is Verdict.FAIL
    assert "it fell over" in ended.findings[0].text


def test_nothing_ran(tmp_path: Path) -> None:
    assert run("proxy", Garbage(), ["no-such-case"], tmp_path).exit_code is ExitCode.NOTHING_RAN
    unsupported = run("proxy", Garbage(), ["front-door-page"], tmp_path, workers=1)
    assert unsupported.totals[Verdict.UNSUPPORTED] == 2
    assert unsupported.exit_code is ExitCode.NOTHING_RAN


class Dead(Garbage):
    def start(self, directory: Path) -> Description:
        raise TargetError("no answer at udp:127.0.0.1:5060 (tried 3 times)")

    def stop(self) -> str | None:
        return None


def test_dead_target(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="tried 3 times"):
        run("proxy", Dead(), ["register"], tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Description]:
    target = ViaductTarget()
    yield target.start(tmp_path / "target")
    assert target.stop() is None


@needs_server
def test_viaduct_target(server: Description) -> None:
    assert {(a.transport, a.family) for a in server.addresses} >= {("wss", 4), ("udp", 4)}
    address = server.address("tcp")
    with socket.create_connection((address.host, address.port), 5):
        pass


@needs_server
def test_run_with_and_without_workers(tmp_path: Path) -> None:
    wanted = ["register", "message-wss-udp", "ws-ping"]
    one = run("all", ViaductTarget(), wanted, tmp_path / "one", workers=1)
    two = run("all", ViaductTarget(), wanted, tmp_path / "two", workers=2)
    assert [case.id for case in one.cases] == [case.id for case in two.cases]
    for result, out in ((one, "one"), (two, "two")):
        assert result.exit_code is ExitCode.OK, [c for c in result.cases if c.findings]
        for case_result in result.cases:
            assert case_result.trace is not None
            assert jsonl.read(tmp_path / out / case_result.trace).header.sut
        assert (tmp_path / out / "logs" / "server.log").is_file()


SIDE_BY_SIDE = """
import sys
from pathlib import Path
from viaduct.run.engine import run
from viaduct.targets import ViaductTarget
result = run("proxy", ViaductTarget(), ["message"], Path(sys.argv[1]), workers=2)
sys.exit(result.exit_code)
"""


@needs_server
def test_runs_side_by_side(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SIDE_BY_SIDE, str(tmp_path / str(number))],
            env={**os.environ, "PYTHONPATH": str(Path(engine.__file__).parents[2])},
        )
        for number in range(2)
    ]
    assert [process.wait(120) for process in runs] == [0, 0]
