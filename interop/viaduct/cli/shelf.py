"""What the commands look things up in: rules, requirements, cases and faults."""

import difflib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from viaduct import catalogue
from viaduct.agents.page import PAGE
from viaduct.coverage import Proof
from viaduct.proof.run import mutants
from viaduct.report.book import Book
from viaduct.rules import RULES
from viaduct.run.case import Case
from viaduct.run.engine import list_cases
from viaduct.targets import TargetError
from viaduct.targets.viaduct import server_program

INTEROP = Path(__file__).resolve().parents[2]
EXPECT = INTEROP / "expect"
BUGS = INTEROP / "bugs"
FAULTS_BUILD = INTEROP.parent / "build" / "faults" / "bin" / "viaduct-server"


@dataclass(frozen=True, slots=True)
class Fault:
    """A named deviation that the bundled server can be started with."""

    name: str
    requirement: str
    text: str


def page() -> Path | None:
    """The client page for browsers, if it was built."""
    return PAGE if (PAGE / "index.html").is_file() else None


@cache
def book() -> Book:
    return Book(RULES.values(), catalogue.load())


@cache
def cases() -> Mapping[str, Case]:
    """All cases of all suites, none of them run."""
    return {case.id: case for case in list_cases()}


@cache
def faults() -> Mapping[str, Fault]:
    """The faults that the built server has; TargetError when none was built with them."""
    program = FAULTS_BUILD if FAULTS_BUILD.is_file() else server_program()
    done = subprocess.run(
        [program, "--list-faults"], capture_output=True, text=True, timeout=20, check=False
    )
    if done.returncode != 0:
        raise TargetError(
            f"{program} has no faults ({done.stderr.strip()}); build it with `ci/build faults`"
        )
    found = (Fault(*line.split("\t")) for line in done.stdout.splitlines() if line)
    return {fault.name: fault for fault in found}


def perhaps(word: str, known: Iterable[str]) -> str:
    """The end of an error message: what may have been meant."""
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"; perhaps {', '.join(near)}?" if near else "; `viaduct list` shows what there is"


def proofs() -> list[Proof]:
    """The mutants of the rules. That each does turn its rule red is for the tests to show."""
    return [Proof(mutant.id, mutant.rule) for mutant in mutants()]
