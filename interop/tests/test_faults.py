"""The table of faults: complete, consistent, and a sample tried. ci/proof tries all of it."""

import os
import subprocess
from pathlib import Path

import pytest

from viaduct.results import Verdict
from viaduct.run.engine import list_cases, run
from viaduct.run.faults import LENIENT, FaultsError, proven_cases, read_faults
from viaduct.run.lenient import LenientTarget
from viaduct.targets import ViaductTarget
from viaduct.targets.viaduct import build_directory

FAULTS = read_faults()
SERVER = build_directory() / "bin" / "viaduct-server"
SAMPLE = (
    "drop-rport",
    "record-route-single",
    "ws-pong-missing",
    "cancel-swallowed",
    "flow-ignored",
)


def server_faults() -> list[str]:
    if not SERVER.is_file():
        return []
    done = subprocess.run(
        [SERVER, "--list-faults"], capture_output=True, text=True, timeout=20, check=False
    )
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


needs_faults = pytest.mark.skipif(not server_faults(), reason="no server built with faults")


def test_cases_of_the_table_exist() -> None:
    ids = {case.id for case in list_cases()}
    assert [id for proof in FAULTS.proofs for id in proof.cases if id not in ids] == []


def test_every_case_is_proven_or_has_a_reason_why_not() -> None:
    cases = list_cases()
    proven = proven_cases(FAULTS, cases)
    excused = tuple(f"{words}-" for words in FAULTS.unproven)
    open_ends = [
        case.id for case in cases if case.id not in proven and not f"{case.id}-".startswith(excused)
    ]
    assert open_ends == []
    assert [
        words for words in FAULTS.unproven if not any(c.id.startswith(words) for c in cases)
    ] == []


@needs_faults
def test_every_fault_is_in_the_table() -> None:
    known = set(server_faults())
    listed = {proof.fault for proof in FAULTS.proofs} - {LENIENT}
    assert listed - known == set()
    assert known - listed - set(FAULTS.unseen) == set()
    assert set(FAULTS.unseen) & listed == set()


@needs_faults
@pytest.mark.parametrize("fault", SAMPLE)
def test_sample(fault: str, tmp_path: Path) -> None:
    (cases,) = [proof.cases[:1] for proof in FAULTS.proofs if proof.fault == fault]
    result = run("all", ViaductTarget(faults=(fault,)), cases, tmp_path, workers=1)
    verdicts = {case.id: case.verdict for case in result.cases}
    assert [verdicts[id] for id in cases] in ([Verdict.FAIL], [Verdict.WARN])
    assert result.faults == (fault,)


def test_sample_of_the_lenient_server(tmp_path: Path) -> None:
    ids = ["ws-frame-unmasked-ws", "ws-handshake-key-ws", "response-unasked-tcp"]
    result = run("all", LenientTarget(), ids, tmp_path, workers=1)
    assert {case.id: case.verdict for case in result.cases} == dict.fromkeys(ids, Verdict.FAIL)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a", "wanted, and nothing else"),
        ("faults: {}\nlenient: []\nunproven: {}\nunseen: {}\nmore: {}", "nothing else"),
        ("faults: {a: b}\nlenient: [c]\nunproven: {}\nunseen: {}", "a: a list of case ids"),
        ("faults: {}\nlenient: [c]\nunproven: {a: 1}\nunseen: {}", "unproven: a reason for each"),
        ("{", "while parsing"),
    ],
)
def test_wrong_table(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(FaultsError, match=reason):
        read_faults(path)


def test_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match=os.strerror(2)):
        read_faults(tmp_path / "none.yaml")
