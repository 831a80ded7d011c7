"""results.json: written, and read back with every mistake named by its place.

The schema is interop/schema/results.schema.json; this module keeps to it without needing it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from viaduct.results.case import CaseResult, Known
from viaduct.results.run import RunResult, TargetInfo, Totals
from viaduct.results.verdict import Verdict
from viaduct.rules.finding import Finding


class ResultsError(ValueError):
    """The document is not a results.json; the message says where and why."""


def to_json(run: RunResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "viaduct": run.viaduct,
        "suite": run.suite,
        "target": {"name": run.target.name, "version": run.target.version},
        "started": run.started.isoformat(timespec="milliseconds"),
        "seconds": round(run.seconds, 3),
        "totals": totals_json(run.totals),
        "cases": [_case_json(case) for case in run.cases],
    }
    if run.faults:
        document["faults"] = list(run.faults)
    return document


def totals_json(totals: Totals) -> dict[str, int]:
    return {
        **{verdict.value: totals[verdict] for verdict in Verdict},
        "known": totals.known,
        "unexpected": totals.unexpected,
        "messages_judged": totals.messages_judged,
    }


def _case_json(case: CaseResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": case.id,
        "title": case.title,
        "legs": list(case.legs),
        "agents": list(case.agents),
        "verdict": case.verdict.value,
        "seconds": round(case.seconds, 3),
        "requirements": list(case.requirements),
        "findings": [_finding_json(finding) for finding in case.findings],
        "observations": [_finding_json(finding) for finding in case.observations],
        "messages": case.messages,
        "trace": case.trace,
    }
    if case.reason:
        document["reason"] = case.reason
    if case.known is not None:
        document["known"] = {
            "reason": case.known.reason,
            "link": case.known.link,
            "met": case.known.met,
        }
    return document


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level,
        "verdict": finding.verdict,
        "requirement": finding.requirement,
        "text": finding.text,
        "party": finding.party,
        "event": finding.event,
        "header": finding.header,
        "bytes": None if finding.bytes is None else list(finding.bytes),
    }


def write(run: RunResult, path: Path) -> None:
    path.write_text(json.dumps(to_json(run), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> RunResult:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: not JSON: {error}") from error
    try:
        return from_json(document)
    except ResultsError as error:
        raise ResultsError(f"{path}: {error}") from error


def from_json(document: Any) -> RunResult:
    """The totals are counted afresh, and must agree with the ones given."""
    top = _object(document, "document")
    target = _object(_get(top, "target", "document"), "target")
    cases = tuple(
        _case(case, f"cases[{index}]")
        for index, case in enumerate(_list(_get(top, "cases", "document"), "cases"))
    )
    run = RunResult(
        viaduct=_text(top, "viaduct", "document"),
        suite=_text(top, "suite", "document"),
        target=TargetInfo(_text(target, "name", "target"), _text(target, "version", "target")),
        started=_moment(_text(top, "started", "document")),
        seconds=_number(top, "seconds", "document"),
        cases=cases,
        faults=_texts(top.get("faults", []), "faults"),
    )
    counted = totals_json(run.totals)
    for name, value in _object(_get(top, "totals", "document"), "totals").items():
        if counted.get(name) != value:
            raise ResultsError(f"totals.{name} is {value!r}, the cases give {counted.get(name)}")
    return run


def _case(value: Any, where: str) -> CaseResult:
    case = _object(value, where)
    known = case.get("known")
    try:
        return CaseResult(
            id=_text(case, "id", where),
            title=_text(case, "title", where),
            legs=_texts(_get(case, "legs", where), f"{where}.legs"),
            agents=_texts(_get(case, "agents", where), f"{where}.agents"),
            verdict=_verdict(_text(case, "verdict", where), where),
            seconds=_number(case, "seconds", where),
            requirements=_texts(_get(case, "requirements", where), f"{where}.requirements"),
            findings=_findings(_get(case, "findings", where), f"{where}.findings"),
            observations=_findings(case.get("observations", []), f"{where}.observations"),
            trace=_text_or_none(case, "trace", where),
            reason=_text(case, "reason", where) if "reason" in case else "",
            messages=int(_number(case, "messages", where)) if "messages" in case else 0,
            known=None if known is None else _known(known, f"{where}.known"),
        )
    except ResultsError:
        raise
    except ValueError as error:
        raise ResultsError(f"{where}: {error}") from error


def _known(value: Any, where: str) -> Known:
    known = _object(value, where)
    met = _get(known, "met", where)
    if not isinstance(met, bool):
        raise ResultsError(f"{where}.met: true or false wanted, not {met!r}")
    return Known(_text(known, "reason", where), _text(known, "link", where), met)


def _findings(value: Any, where: str) -> tuple[Finding, ...]:
    return tuple(
        _finding(item, f"{where}[{index}]") for index, item in enumerate(_list(value, where))
    )


def _finding(value: Any, where: str) -> Finding:
    finding = _object(value, where)
    event = finding.get("event")
    if event is not None and (not isinstance(event, int) or isinstance(event, bool)):
        raise ResultsError(f"{where}.event: a whole number or null wanted, not {event!r}")
    return Finding(
        rule=_text(finding, "rule", where),
        level=_text(finding, "level", where),
        verdict=_text(finding, "verdict", where),
        requirement=_text(finding, "requirement", where),
        text=_text(finding, "text", where),
        party=_text(finding, "party", where) if "party" in finding else "target",
        event=event,
        header=_text_or_none(finding, "header", where),
        bytes=_range(finding.get("bytes"), f"{where}.bytes"),
    )


def _range(value: Any, where: str) -> tuple[int, int] | None:
    if value is None:
        return None
    match _list(value, where):
        case [int(start), int(end)] if 0 <= start <= end:
            return start, end
    raise ResultsError(f"{where}: [from, to] wanted, not {value!r}")


def _verdict(value: str, where: str) -> Verdict:
    try:
        return Verdict(value)
    except ValueError as error:
        raise ResultsError(f"{where}.verdict: {value!r} is none of the seven") from error


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ResultsError(f"started: {error}") from error
    if moment.tzinfo is None:
        raise ResultsError(f"started: {value!r} has no time zone")
    return moment


def _get(source: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in source:
        raise ResultsError(f"{where}: {key!r} is missing")
    return source[key]


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ResultsError(f"{where}: an object wanted, not {type(value).__name__}")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ResultsError(f"{where}: a list wanted, not {type(value).__name__}")
    return value


def _text(source: Mapping[str, Any], key: str, where: str) -> str:
    value = _get(source, key, where)
    if not isinstance(value, str):
        raise ResultsError(f"{where}.{key}: text wanted, not {type(value).__name__}")
    return value


def _text_or_none(source: Mapping[str, Any], key: str, where: str) -> str | None:
    return None if source.get(key) is None else _text(source, key, where)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    items = _list(value, where)
    if not all(isinstance(item, str) for item in items):
        raise ResultsError(f"{where}: only text wanted")
    return tuple(items)


def _number(source: Mapping[str, Any], key: str, where: str) -> float:
    value = _get(source, key, where)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ResultsError(f"{where}.{key}: a number wanted, not {type(value).__name__}")
    return float(value)


def case_to_json(case: CaseResult) -> dict[str, Any]:
    """One case as in results.json, for a process that runs a part of the cases."""
    return _case_json(case)


def case_from_json(value: Any) -> CaseResult:
    return _case(value, "case")
