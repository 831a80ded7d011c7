"""Runs cases against a target and gathers their results: what `viaduct run` stands on."""

import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

from viaduct.results import CaseResult, RunResult, TargetInfo, Verdict
from viaduct.rules.finding import Finding
from viaduct.run.case import Case, case_of
from viaduct.run.plugin import OPTION, result_of
from viaduct.run.settings import Settings
from viaduct.targets import Description, Target

CASES = Path(__file__).resolve().parents[2] / "cases"
ALL = "all"
# Below this many cases the start of worker processes costs more than they save.
FEW = 12

Progress = Callable[[CaseResult, int, int], None]


class EngineError(Exception):
    """The harness could not run the cases; the message says what stood in the way."""


def suites() -> tuple[str, ...]:
    """The suites there are: the folders of cases."""
    return tuple(sorted(p.name for p in CASES.iterdir() if any(p.glob("test_*.py"))))


def list_cases(suite: str = ALL, selection: Sequence[str] = ()) -> tuple[Case, ...]:
    """The cases of a suite, without running any."""
    collector = _Collector()
    with tempfile.TemporaryDirectory(prefix="viaduct-") as name:
        scratch = Path(name)
        nowhere = Description("none", "", "invalid", ())
        settings = scratch / "settings.json"
        Settings(nowhere, scratch, scratch, tuple(selection)).write(settings)
        _pytest(suite, settings, ["--collect-only"], collector)
    return tuple(collector.cases)


def run(
    suite: str,
    target: Target,
    selection: Sequence[str],
    out: Path,
    *,
    progress: Progress | None = None,
    workers: int | None = None,  # None: as many as there are processors, but no more than four
) -> RunResult:
    """Starts the target, runs the cases that are meant, and stops it again.

    Each case's merged trace is written to out/traces/ID.jsonl. TargetError when the target cannot
    be used, EngineError when the cases cannot be run. No case meant: a result without cases.
    """
    started = datetime.now(timezone.utc)
    wanted = list_cases(suite, selection)
    out.mkdir(parents=True, exist_ok=True)
    if not wanted:
        return RunResult(suite, TargetInfo("none"), started, 0.0, (), target.faults)
    with tempfile.TemporaryDirectory(prefix="viaduct-") as name:
        scratch = Path(name)
        collector = _Collector(len(wanted), progress)
        try:
            description = target.start(scratch / "target")
            settings = scratch / "settings.json"
            Settings(description, out.resolve(), scratch / "cases", tuple(selection)).write(
                settings
            )
            count = min(4, os.cpu_count() or 1) if workers is None else workers
            parallel = ["-n", str(count)] if count > 1 and len(wanted) >= FEW else []
            _pytest(suite, settings, parallel, collector)
        finally:
            end = target.stop()
            _keep_logs(target, out)
    results = collector.results
    if end is not None:
        results[ENDED] = _ended(end)
    order = {case.id: place for place, case in enumerate(wanted)}
    missing = [case for case in wanted if case.id not in results]
    if missing:
        raise EngineError(
            f"{len(missing)} of {len(wanted)} cases gave no result, first {missing[0].id}"
            + collector.trouble()
        )
    return RunResult(
        suite=suite,
        target=TargetInfo(description.name, description.version),
        started=started,
        seconds=(datetime.now(timezone.utc) - started).total_seconds(),
        cases=tuple(sorted(results.values(), key=lambda r: order.get(r.id, len(order)))),
        faults=target.faults,
    )


ENDED = "target-end"


def _ended(text: str) -> CaseResult:
    finding = Finding(
        rule=ENDED, level="MUST", verdict="fail", requirement="RFC3261-16-a", text=text
    )
    return CaseResult(
        id=ENDED,
        title="The target runs to the end and stops cleanly",
        verdict=Verdict.FAIL,
        findings=(finding,),
    )


def _keep_logs(target: Target, out: Path) -> None:
    for log in target.logs:
        if log.is_file():
            folder = out / "logs"
            folder.mkdir(exist_ok=True)
            (folder / log.name).write_bytes(log.read_bytes())


def _pytest(suite: str, settings: Path, options: list[str], collector: "_Collector") -> None:
    if suite == ALL:
        folders = [CASES / name for name in suites()]
    elif suite in suites():
        folders = [CASES / suite]
    else:
        raise EngineError(f"no suite named {suite!r}: known are {', '.join((ALL, *suites()))}")
    status = pytest.main(
        [
            *("-p", "viaduct.run.plugin", OPTION, str(settings)),
            # Nothing but the plugin decides: no configuration of the checkout, no cache, no output.
            *("-c", os.devnull, "--rootdir", str(CASES), "-p", "no:cacheprovider"),
            *("-p", "no:terminal", "--import-mode", "importlib"),
            *options,
            *map(str, folders),
        ],
        plugins=[collector],
    )
    if status in (pytest.ExitCode.INTERRUPTED,) and not collector.errors:
        raise KeyboardInterrupt
    if collector.errors or status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        raise EngineError(f"the cases cannot be run (pytest: {status!r})" + collector.trouble())


class _Collector:
    """Gathers what pytest reports, from this process or from the workers."""

    def __init__(self, total: int = 0, progress: Progress | None = None) -> None:
        self.cases: list[Case] = []
        self.results: dict[str, CaseResult] = {}
        self.errors: list[str] = []
        self._total = total
        self._progress = progress

    def trouble(self) -> str:
        return "".join(f"\n{error}" for error in self.errors[:5])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.cases = [case for case in map(case_of, session.items) if case is not None]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.errors.append(f"{report.nodeid} ({report.when}):\n{report.longreprtext}")
        if report.when != "call":
            return
        result = result_of(report.user_properties)
        if result is None:
            return
        self.results[result.id] = result
        if self._progress is not None:
            self._progress(result, len(self.results), self._total)
