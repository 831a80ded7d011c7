"""Which obligations are checked, and which checks are proven: requirement -> checks -> proofs.

A proof is a mutant (an edit of a good trace that turns a rule red) or a fault (a deviation of the
bundled server that turns a case red). A proof that names the requirement it breaks counts for that
one alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from viaduct.catalogue import Requirement

STATUSES = ("proven", "unproven", "missing", "excluded")


@dataclass(frozen=True, slots=True)
class Check:
    """A rule or a case."""

    id: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    id: str
    check: str  # id of the rule or case that it turns red
    requirement: str | None = None  # the one it breaks; None: whatever the check stands for


@dataclass(frozen=True, slots=True)
class Coverage:
    requirement: Requirement
    checks: tuple[str, ...]
    proofs: tuple[str, ...]

    @property
    def status(self) -> str:
        if self.checks:
            return "proven" if self.proofs else "unproven"
        return "missing" if self.requirement.excluded is None else "excluded"


def coverage(
    requirements: Mapping[str, Requirement], checks: Iterable[Check], proofs: Iterable[Proof]
) -> list[Coverage]:
    """One entry per requirement, in the order of the catalogue. KeyError names an unknown id."""
    by_requirement: dict[str, list[str]] = {identifier: [] for identifier in requirements}
    for check in checks:
        for identifier in check.requirements:
            by_requirement[identifier].append(check.id)
    by_check: dict[str, list[Proof]] = {}
    for proof in proofs:
        by_check.setdefault(proof.check, []).append(proof)
    return [
        Coverage(
            requirement,
            tuple(dict.fromkeys(by_requirement[identifier])),
            tuple(
                dict.fromkeys(
                    proof.id
                    for check in by_requirement[identifier]
                    for proof in by_check.get(check, ())
                    if proof.requirement in (None, identifier)
                )
            ),
        )
        for identifier, requirement in requirements.items()
    ]


def to_json(entries: Iterable[Coverage]) -> dict[str, Any]:
    return {
        "requirements": [
            {
                "id": entry.requirement.id,
                "level": entry.requirement.level,
                "checks": list(entry.checks),
                "proofs": list(entry.proofs),
                "status": entry.status,
                "reason": entry.requirement.excluded,
            }
            for entry in entries
        ]
    }
