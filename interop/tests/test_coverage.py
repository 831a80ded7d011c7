"""Coverage: each of the four states, and what a proof counts for."""

from pathlib import Path

import pytest

from viaduct import catalogue
from viaduct.catalogue import CatalogueError, Requirement
from viaduct.cli import shelf
from viaduct.coverage import Check, Coverage, Proof, coverage, to_json
from viaduct.rules import RULES


def requirement(id: str, excluded: str | None = None) -> Requirement:
    return Requirement(id, "MUST", ("proxy",), ("all",), "Via", "t", "passive", "h", "v", excluded)


REQUIREMENTS = {
    entry.id: entry
    for entry in (
        requirement("A"),
        requirement("B"),
        requirement("C"),
        requirement("D", "needs hardware"),
        requirement("E", "thought to be out of reach"),
    )
}
CHECKS = [Check("rule-ab", ("A", "B")), Check("case-a", ("A",)), Check("rule-e", ("E",))]


def states(*proofs: Proof) -> dict[str, Coverage]:
    return {entry.requirement.id: entry for entry in coverage(REQUIREMENTS, CHECKS, proofs)}


def test_the_four_states() -> None:
    found = states(Proof("mutant-1", "rule-ab", "B"))
    status = {id: entry.status for id, entry in found.items()}
    assert status == {
        **{"A": "unproven", "B": "proven", "C": "missing", "D": "excluded", "E": "unproven"}
    }
    assert found["A"].checks == ("rule-ab", "case-a") and found["B"].proofs == ("mutant-1",)


def test_a_proof_without_a_requirement_counts_for_all_its_check_stands_for() -> None:
    found = states(Proof("m", "rule-ab"), Proof("m", "rule-ab"), Proof("n", "nothing"))
    assert found["A"].proofs == found["B"].proofs == ("m",)


def test_json() -> None:
    entries = to_json(states(Proof("m", "rule-ab")).values())["requirements"]
    assert entries[0] == {
        "id": "A",
        "level": "MUST",
        "checks": ["rule-ab", "case-a"],
        "proofs": ["m"],
        "status": "proven",
        "reason": None,
    }
    assert entries[3]["reason"] == "needs hardware"


def test_an_unknown_requirement_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        coverage(REQUIREMENTS, [Check("x", ("nowhere",))], [])


def test_every_rule_and_case_names_requirements_that_exist() -> None:
    known = catalogue.load()
    for check in (*RULES.values(), *shelf.cases().values()):
        assert check.requirements and not set(check.requirements) - set(known), check.id


def test_every_proof_is_of_a_check_that_exists() -> None:
    checks = {*RULES, *shelf.cases()}
    assert shelf.proofs() and {proof.check for proof in shelf.proofs()} <= checks


@pytest.mark.parametrize("text", ["", "[]", "faults: [a]", "faults: {a: b}"])
def test_a_bad_file_of_faults_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "faults.yaml").write_text(text, "utf-8")
    monkeypatch.setattr(shelf, "FAULTS", tmp_path / "faults.yaml")
    with pytest.raises(CatalogueError, match="faults.yaml"):
        shelf.faulted.__wrapped__()
