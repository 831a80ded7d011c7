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


def read(path: Path, *, complete: bool = True) -> Expectations:
    """The file's content; `complete`: an entry without a reason or a link is an error."""
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
            _entry(item, f"{path}: finding {number}", complete)
            for number, item in enumerate(document["findings"], start=1)
        ),
    )


def _entry(item: Any, where: str, complete: bool) -> Expectation:
    if not isinstance(item, dict):
        raise ExpectError(f"{where}: `rule`, `reason` and `link` wanted")
    if unknown := item.keys() - _KEYS:
        raise ExpectError(f"{where}: unknown {', '.join(sorted(map(str, unknown)))}")
    for key in ("reason", "link"):
        if not isinstance(item.get(key), str) or (complete and not item[key].strip()):
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


def draft(run: RunResult, old: Expectations | None = None) -> str:
    """A file that foretells every failure of the run, for review.

    Reasons and links are taken over from the old file. Where it has none they are left empty, and
    `read` refuses the file until somebody has written them.
    """
    judged = [case for case in run.cases if case.verdict in _JUDGED]
    shown: dict[str, dict[str, None]] = {}
    for case in judged:
        for finding in case.findings:
            if finding.verdict != "warn":
                own = finding.rule == case.id
                rule = f"{case.operation}*" if own else finding.rule
                shown.setdefault(rule, {}).setdefault(case.id)
    entries = []
    for rule, cases in shown.items():
        found = [
            entry
            for entry in (old.entries if old else ())
            if any(rule == pattern or fnmatchcase(rule, pattern) for pattern in entry.rules)
        ]
        entries.append(
            {
                "rule": rule,
                "case": _shortened(list(cases), judged),
                "reason": found[0].reason if found else "",
                "link": found[0].link if found else "",
            }
        )
    document = {"target": run.target.name, "findings": entries}
    return str(yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True))


def _shortened(ids: list[str], judged: list[CaseResult]) -> list[str]:
    """The ids, with a pattern for each operation all of whose cases are among them."""
    wanted = set(ids)
    patterns: dict[str, None] = {}
    for case in judged:
        if case.id in wanted:
            pattern = f"{case.operation}-*" if case.legs else case.id
            covered = {other.id for other in judged if fnmatchcase(other.id, pattern)}
            patterns.setdefault(pattern if covered <= wanted else case.id)
    return list(patterns)
