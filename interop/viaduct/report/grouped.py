"""Findings of a whole run, gathered by who speaks: many cases often share one cause."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from viaduct.results import CaseResult, Verdict, worst
from viaduct.rules.finding import Finding


@dataclass(slots=True)
class Group:
    rule: str  # or the operation of cases that speak for themselves
    level: str
    requirements: dict[str, None] = field(default_factory=dict)  # in the order they were met
    findings: list[tuple[CaseResult, Finding]] = field(default_factory=list)
    known: bool = True  # only cases whose failure was foretold have it

    @property
    def verdict(self) -> Verdict:
        return worst(Verdict(finding.verdict) for _, finding in self.findings)

    @property
    def cases(self) -> list[str]:
        return list(dict.fromkeys(case.id for case, _ in self.findings))


def by_rule(cases: Iterable[CaseResult]) -> list[Group]:
    """The gravest first, then the most widespread; observations are not counted."""
    groups: dict[str, Group] = {}
    for case in cases:
        for finding in case.findings:
            name = case.speaker(finding)
            group = groups.setdefault(name, Group(name, finding.level))
            group.requirements.setdefault(finding.requirement)
            group.findings.append((case, finding))
            group.known &= case.known is not None
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.WARN)
    return sorted(
        groups.values(),
        key=lambda group: (order.index(group.verdict), -len(group.cases), group.rule),
    )
