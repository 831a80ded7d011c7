"""The result of a whole run."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from viaduct import __version__
from viaduct.results.case import CaseResult
from viaduct.results.verdict import ExitCode, Verdict


@dataclass(frozen=True, slots=True)
class TargetInfo:
    name: str
    version: str = "unknown"


@dataclass(frozen=True, slots=True)
class Totals:
    counts: dict[Verdict, int]
    messages_judged: int
    known: int  # cases whose failure an expectation file foretold
    unexpected: int  # cases for which it foretold a failure that did not come

    @classmethod
    def of(cls, cases: Iterable[CaseResult]) -> "Totals":
        cases = tuple(cases)
        counts = Counter(case.verdict for case in cases)
        covered = [case.known for case in cases if case.known is not None]
        return cls(
            counts={verdict: counts[verdict] for verdict in Verdict},
            messages_judged=sum(case.messages for case in cases),
            known=sum(known.met for known in covered),
            unexpected=sum(not known.met for known in covered),
        )

    @property
    def cases(self) -> int:
        return sum(self.counts.values())

    def __getitem__(self, verdict: Verdict) -> int:
        return self.counts[verdict]


@dataclass(frozen=True, slots=True)
class RunResult:
    suite: str  # "proxy", "client", "turn", "websocket" or, for captures, "judge"
    target: TargetInfo
    started: datetime  # with its time zone
    seconds: float
    cases: tuple[CaseResult, ...]
    faults: tuple[str, ...] = ()  # deviations that the bundled server was started with
    viaduct: str = field(default=__version__)

    def __post_init__(self) -> None:
        if self.started.tzinfo is None:
            raise ValueError("RunResult.started needs a time zone")

    @property
    def totals(self) -> Totals:
        return Totals.of(self.cases)

    @property
    def exit_code(self) -> ExitCode:
        """An error of the harness outweighs findings: with one, more findings may be hidden."""
        if any(case.verdict is Verdict.ERROR for case in self.cases):
            return ExitCode.HARNESS
        if any(case.red for case in self.cases):
            return ExitCode.FINDINGS
        if not any(case.verdict.ran for case in self.cases):
            return ExitCode.NOTHING_RAN
        return ExitCode.OK
