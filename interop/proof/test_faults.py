"""Each fault of the bundled server turns its cases red; without a fault they are all green.

Needs a server built with faults: ci/proof builds it.
"""

from pathlib import Path

import pytest

from viaduct.agents.page import PAGE
from viaduct.results import Verdict
from viaduct.run.engine import run
from viaduct.run.faults import LENIENT, FaultProof, read_faults
from viaduct.run.lenient import LenientTarget
from viaduct.targets import Target, ViaductTarget

FAULTS = read_faults()
RED = (Verdict.FAIL, Verdict.WARN)


def target_with(fault: str) -> Target:
    return LenientTarget() if fault == LENIENT else ViaductTarget(faults=(fault,), www=PAGE)


@pytest.mark.parametrize("proof", FAULTS.proofs, ids=lambda proof: str(proof.fault))
def test_fault_turns_its_cases_red(proof: FaultProof, tmp_path: Path) -> None:
    result = run("all", target_with(proof.fault), proof.cases, tmp_path, workers=1)
    verdicts = {case.id: case.verdict for case in result.cases}
    assert {id: verdicts.get(id) for id in proof.cases if verdicts.get(id) not in RED} == {}


def test_without_a_fault_they_are_green(tmp_path: Path) -> None:
    ids = sorted({id for proof in FAULTS.proofs for id in proof.cases})
    result = run("all", ViaductTarget(www=PAGE), ids, tmp_path, workers=1)
    # A word of the selection may mean more cases than the one of that id.
    wrong = [case for case in result.cases if case.id in ids and case.verdict is not Verdict.PASS]
    assert [(c.id, c.verdict.value, c.reason, [f.text for f in c.findings]) for c in wrong] == []
    assert {case.id for case in result.cases} >= set(ids)
