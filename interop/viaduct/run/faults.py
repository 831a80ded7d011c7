"""The proof of the cases: which fault of the bundled server has to turn which cases red.

Kept in interop/proof/faults.yaml, checked by ci/proof. A case function counts as proven when any of
its cases is; what no fault can show is listed there as well, each with its reason. The cases about
what a server has to refuse are proven by one that refuses nothing: the fault LENIENT.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from viaduct.run.case import Case

FILE = Path(__file__).resolve().parents[2] / "proof" / "faults.yaml"


# Not a fault of the bundled server but the target of viaduct.run.lenient.
LENIENT = "lenient-server"
KEYS = {"faults", "lenient", "unproven", "unseen"}


class FaultsError(ValueError):
    """The file is wrong; the message says where and why."""


@dataclass(frozen=True, slots=True)
class FaultProof:
    fault: str
    cases: tuple[str, ...]  # ids of the cases that have to turn red


@dataclass(frozen=True, slots=True)
class Faults:
    proofs: tuple[FaultProof, ...]
    unproven: dict[str, str]  # first words of case ids -> why no fault turns them red
    unseen: dict[str, str]  # fault -> why no case shows it


def read_faults(path: Path = FILE) -> Faults:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise FaultsError(f"{path}: {error}") from error
    if not isinstance(data, dict) or set(data) != KEYS:
        raise FaultsError(f"{path}: {', '.join(sorted(KEYS))} wanted, and nothing else")
    proofs = []
    for fault, ids in [*data["faults"].items(), (LENIENT, data["lenient"])]:
        if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
            raise FaultsError(f"{path}: {fault}: a list of case ids wanted")
        proofs.append(FaultProof(str(fault), tuple(ids)))
    return Faults(tuple(proofs), _reasons(path, data, "unproven"), _reasons(path, data, "unseen"))


def _reasons(path: Path, data: dict[str, object], key: str) -> dict[str, str]:
    found = data[key] or {}
    if not isinstance(found, dict) or not all(isinstance(why, str) for why in found.values()):
        raise FaultsError(f"{path}: {key}: a reason for each wanted")
    return {str(name): why for name, why in found.items()}


def proven_cases(faults: Faults, cases: Sequence[Case]) -> dict[str, tuple[str, ...]]:
    """Case id -> the faults that prove its function, for each case that has any."""
    function = {case.id: (case.suite, case.function) for case in cases}
    by_function: dict[tuple[str, str], dict[str, None]] = {}
    for proof in faults.proofs:
        for id in proof.cases:
            if id in function:
                by_function.setdefault(function[id], {})[proof.fault] = None
    return {
        case.id: tuple(by_function[function[case.id]])
        for case in cases
        if function[case.id] in by_function
    }
