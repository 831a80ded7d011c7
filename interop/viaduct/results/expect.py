"""Expectation files: the known failures of a target, each with a reason and a link.

    target: kamailio
    findings:
      - rule: record-route-double         # a rule, or several; * and ? stand for anything
        case: [call-wss-*, call-ws-udp]   # the cases that show it; without it, all
        reason: what is known, and why it stays
        link: https://...                 # where it is tracked or explained

Such a file excuses nothing: the verdicts stay as they are. A case all of whose failures are
foretold does not make the run red; a failure foretold that does not come does.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from viaduct.results.case import CaseResult, Known
from viaduct.results.run import RunResult
from viaduct.results.verdict import Verdict
from viaduct.rules.finding import Finding

_KEYS = {"rule", "case", "reason", "link"}
_JUDGED = (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.INCONCLUSIVE)


class ExpectError(ValueError):
    """The file is wrong; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Expectation:
    rules: tuple[str, ...]
    cases: tuple[str, ...]
    reason: str
    link: str

    def covers(self, case: CaseResult) -> bool:
        return any(fnmatchcase(case.id, pattern) for pattern in self.cases)

    def foretells(self, finding: Finding) -> bool:
        return any(fnmatchcase(finding.rule, pattern) for pattern in self.rules)


@dataclass(frozen=True, slots=True)
class Expectations:
    target: str
    entries: tuple[Expectation, ...]


def read(path: Path) -> Expectations:
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ExpectError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ExpectError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict) or set(document) != {"target", "findings"}:
        raise ExpectError(f"{path}: `target` and `findings` wanted, and nothing else")
    if not isinstance(document["target"], str) or not isinstance(document["findings"], list):
        raise ExpectError(f"{path}: target is a name, findings a list")
    return Expectations(
        document["target"],
        tuple(
            _entry(item, f"{path}: finding {number}")
            for number, item in enumerate(document["findings"], start=1)
        ),
    )


def _entry(item: Any, where: str) -> Expectation:
    if not isinstance(item, dict):
        raise ExpectError(f"{where}: `rule`, `reason` and `link` wanted")
    if unknown := item.keys() - _KEYS:
        raise ExpectError(f"{where}: unknown {', '.join(sorted(map(str, unknown)))}")
    for key in ("reason", "link"):
        if not isinstance(item.get(key), str) or not item[key].strip():
            raise ExpectError(f"{where}: no {key}; each known failure needs one")
    return Expectation(
        rules=_patterns(item.get("rule"), f"{where}: rule"),
        cases=_patterns(item.get("case", "*"), f"{where}: case"),
        reason=item["reason"].strip(),
        link=item["link"].strip(),
    )


def _patterns(value: Any, where: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise ExpectError(f"{where}: a name or a list of names wanted")
    return tuple(items)


def apply(run: RunResult, expectations: Expectations) -> RunResult:
    """The run with what the file knows; ExpectError when it is about another target."""
    if expectations.target != run.target.name:
        raise ExpectError(
            f"the expectations are about {expectations.target}, the target is {run.target.name}"
        )
    return replace(run, cases=tuple(_apply(case, expectations) for case in run.cases))


def _apply(case: CaseResult, expectations: Expectations) -> CaseResult:
    if case.verdict not in _JUDGED:
        return case
    entries = [entry for entry in expectations.entries if entry.covers(case)]
    for entry in entries:
        if not any(map(entry.foretells, case.findings)):
            return replace(case, known=Known(entry.reason, entry.link, met=False))
    failures = [finding for finding in case.findings if finding.verdict != "warn"]
    if case.verdict is Verdict.INCONCLUSIVE and not failures:
        return case
    reasons: dict[Expectation, None] = {}
    for finding in failures:
        found = next((entry for entry in entries if entry.foretells(finding)), None)
        if found is None:
            return case
        reasons.setdefault(found)
    if not reasons:
        return case
    return replace(
        case,
        known=Known(
            "; ".join(entry.reason for entry in reasons),
            " ".join(dict.fromkeys(entry.link for entry in reasons)),
            met=True,
        ),
    )
