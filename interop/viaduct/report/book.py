"""What a finding is about, in words: the rule, the obligation behind it and what hangs on it.

`viaduct explain`, the terminal and the HTML report all show what stands here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from viaduct.catalogue import Requirement, link, source
from viaduct.report.consequences import consequence


class RuleText(Protocol):
    """The part of a rule that people read."""

    @property
    def id(self) -> str:
        ...

    @property
    def title(self) -> str:
        ...

    @property
    def level(self) -> str:
        ...

    @property
    def requirements(self) -> tuple[str, ...]:
        ...

    @property
    def text(self) -> str:
        ...


@dataclass(frozen=True, slots=True)
class Obligation:
    id: str
    level: str
    source: str  # "RFC 7118, section 5.1"
    link: str | None
    text: str  # in own words; "" if the catalogue does not have it
    violation: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    id: str  # of the rule or case
    title: str
    text: str
    obligations: tuple[Obligation, ...]

    @property
    def consequence(self) -> str:
        return next((duty.consequence for duty in self.obligations if duty.consequence), "")


class Book:
    def __init__(
        self, rules: Iterable[RuleText] = (), requirements: Mapping[str, Requirement] | None = None
    ) -> None:
        self._rules = {rule.id: rule for rule in rules}
        self._requirements = requirements or {}

    def explain(self, speaker: str, requirements: Iterable[str] = ()) -> Explanation:
        """Explains a rule; for a case that speaks for itself, what its findings cite."""
        rule = self._rules.get(speaker)
        if rule is None:
            return Explanation(speaker, "", "", tuple(map(self.obligation, unique(requirements))))
        ids = unique((*requirements, *rule.requirements))
        return Explanation(rule.id, rule.title, rule.text, tuple(map(self.obligation, ids)))

    def obligation(self, identifier: str) -> Obligation:
        entry = self._requirements.get(identifier)
        return Obligation(
            id=identifier,
            level=entry.level if entry else "",
            source=source(identifier),
            link=link(identifier),
            text=entry.text if entry else "",
            violation=entry.violation if entry else "",
            consequence=consequence(entry) if entry else "",
        )


def unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
