"""The seven verdicts, their order, and the exit codes that scripts rely on."""

from collections.abc import Iterable
from enum import Enum, IntEnum

from viaduct.rules.finding import Finding


class Verdict(str, Enum):
    PASS = "pass"
    FAIL = "fail"  # a MUST is broken
    WARN = "warn"  # a SHOULD is broken
    SKIP = "skip"  # not tried here, for a stated reason
    UNSUPPORTED = "unsupported"  # the target declares that it cannot do this
    INCONCLUSIVE = "inconclusive"  # the evidence to decide is missing
    ERROR = "error"  # the harness itself went wrong

    def __str__(self) -> str:
        return self.value

    @property
    def ran(self) -> bool:
        """Whether the target was really tried."""
        return self not in (Verdict.SKIP, Verdict.UNSUPPORTED)


class ExitCode(IntEnum):
    OK = 0
    FINDINGS = 1
    USAGE = 2
    HARNESS = 3
    NOTHING_RAN = 4


# From what needs attention first to what needs none.
SEVERITY = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.WARN,
    Verdict.PASS,
    Verdict.UNSUPPORTED,
    Verdict.SKIP,
)
_RANK = {verdict: rank for rank, verdict in enumerate(SEVERITY)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of the verdicts; SKIP when there are none, since then nothing was tried."""
    return min(verdicts, key=_RANK.__getitem__, default=Verdict.SKIP)


def of_findings(findings: Iterable[Finding]) -> Verdict:
    """The verdict of a case that ran to its end with these findings against its target."""
    return worst([Verdict.PASS, *(Verdict(finding.verdict) for finding in findings)])
