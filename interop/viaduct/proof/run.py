"""Runs the proof: every good trace is silent, every mutant turns red what it says and nothing
else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from viaduct.proof.mutant import Mutant, apply, read_mutants
from viaduct.proof.repertoire import SCRIPTS, all_played, played
from viaduct.rules import RULES, judge
from viaduct.trace.jsonl import read
from viaduct.trace.model import Trace

FOLDER = Path(__file__).resolve().parents[2] / "proof"


@cache
def kept() -> dict[str, Path]:
    """Good traces that are kept as files: flows printed in RFCs, and recorded calls."""
    return {path.stem: path for path in sorted((FOLDER / "traces").glob("*.jsonl"))}


@cache
def good(name: str) -> Trace:
    return played(name) if name in SCRIPTS else read(kept()[name])


def good_traces() -> Iterator[tuple[str, Trace]]:
    yield from all_played()
    for name in kept():
        yield name, good(name)


@cache
def mutants() -> tuple[Mutant, ...]:
    return tuple(read_mutants(FOLDER / "mutants"))


def reds(mutant: Mutant) -> set[str]:
    """The rules that speak about the mutated trace."""
    return {finding.rule for finding in judge(apply(mutant, good(mutant.trace)))}


@dataclass(slots=True)
class Proven:
    """What is known of one rule."""

    rule: str
    good: int = 0  # good traces on which it is silent
    alarms: list[str] = field(default_factory=list)  # good traces on which it speaks
    red: list[str] = field(default_factory=list)  # mutants that it catches, and only it
    missed: list[str] = field(default_factory=list)  # mutants with any other result

    @property
    def proven(self) -> bool:
        return bool(self.good and self.red) and not self.alarms and not self.missed


def run_proof() -> dict[str, Proven]:
    """Rule by rule, what its proof gives."""
    table = {rule: Proven(rule) for rule in RULES}
    for name, trace in good_traces():
        speaking = {finding.rule for finding in judge(trace)}
        for rule, row in table.items():
            if rule in speaking:
                row.alarms.append(name)
            else:
                row.good += 1
    for mutant in mutants():
        row = table[mutant.rule]
        right = reds(mutant) == {mutant.rule, *mutant.also}
        (row.red if right else row.missed).append(mutant.id)
    return table
