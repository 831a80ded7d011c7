"""What the commands look things up in: rules, requirements, cases and faults."""

import difflib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from viaduct import catalogue
from viaduct.agents.page import PAGE
from viaduct.coverage import Proof
from viaduct.proof.run import mutants
from viaduct.report.book import Book
from viaduct.rules import RULES
from viaduct.run.case import Case
from viaduct.run.engine import list_cases
from viaduct.run.faults import LENIENT
from viaduct.targets import TargetError
from viaduct.targets.viaduct import server_program

INTEROP = Path(__file__).resolve().parents[2]
EXPECT = INTEROP / "expect"
BUGS = INTEROP / "bugs"
FAULTS = INTEROP / "proof" / "faults.yaml"
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


def perhaps(word: str, known: Iterable[str], shown_by: str = "viaduct list") -> str:
    """The end of an error message: what may have been meant."""
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"; perhaps {', '.join(near)}?" if near else f"; `{shown_by}` shows what there is"


@cache
def faulted() -> Mapping[str, tuple[str, ...]]:
    """The cases that each fault turns red. CatalogueError when the file is wrong."""
    if not FAULTS.exists():
        return {}
    document = yaml.safe_load(FAULTS.read_bytes())
    faults = document.get("faults") if isinstance(document, dict) else None
    if not isinstance(faults, dict) or not all(isinstance(ids, list) for ids in faults.values()):
        raise catalogue.CatalogueError(f"{FAULTS}: `faults`, each with a list of cases, wanted")
    found = {name: tuple(map(str, ids)) for name, ids in faults.items()}
    # The server that refuses nothing, the proof of the cases about refusals, is no fault of ours.
    lenient = document.get("lenient")
    if isinstance(lenient, list):
        found[LENIENT] = tuple(map(str, lenient))
    return found


def proofs() -> list[Proof]:
    """Mutants of rules and faults for cases. That each does its work is for `ci/proof` to show."""
    return [
        *(Proof(mutant.id, mutant.rule) for mutant in mutants()),
        *(Proof(name, case) for name, cases in faulted().items() for case in cases),
    ]
