"""The result of one case."""

from dataclasses import dataclass

from viaduct.results.verdict import Verdict
from viaduct.rules.finding import Finding


@dataclass(frozen=True, slots=True)
class Known:
    """A reviewed expectation that covers a case: it explains the failure, it excuses nothing."""

    reason: str
    link: str
    met: bool  # False: the failure that was expected did not happen, and the file is out of date


@dataclass(frozen=True, slots=True)
class CaseResult:
    id: str  # OPERATION-LEG-LEG, e.g. "call-wss-udp"
    title: str
    verdict: Verdict
    legs: tuple[str, ...] = ()  # caller's leg first
    agents: tuple[str, ...] = ()  # in the order of the legs
    seconds: float = 0.0
    requirements: tuple[str, ...] = ()  # what the case is about; rules judge the rest all the same
    findings: tuple[Finding, ...] = ()  # against what is being tested; these make the verdict
    observations: tuple[Finding, ...] = ()  # against the other ends; these do not
    trace: str | None = None  # path of the merged trace, relative to results.json
    reason: str = ""  # why it was skipped, unsupported, inconclusive or in error
    messages: int = 0  # SIP messages that the oracle judged
    known: Known | None = None

    def __post_init__(self) -> None:
        if self.verdict in NEEDS_REASON and not self.reason and not self.findings:
            raise ValueError(f"case {self.id}: verdict {self.verdict} without a reason")

    @property
    def operation(self) -> str:
        """The id without its legs: "call-wss-udp" -> "call"."""
        suffix = "".join(f"-{leg}" for leg in self.legs)
        return self.id.removesuffix(suffix) or self.id

    def speaker(self, finding: Finding) -> str:
        """The rule that speaks, or the operation if the case does: on all legs it is one duty."""
        return self.operation if finding.rule == self.id else finding.rule

    @property
    def red(self) -> bool:
        """Whether this case alone keeps the run from exit code 0."""
        if self.known is not None:
            return not self.known.met
        return self.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)


NEEDS_REASON = (Verdict.SKIP, Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE, Verdict.ERROR)
