"""results.json: keeps to its schema, comes back as it went, and bad documents are named."""

import copy
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from viaduct.results import (
    CaseResult,
    ExitCode,
    Known,
    ResultsError,
    RunResult,
    TargetInfo,
    Verdict,
    from_json,
    of_findings,
    read,
    to_json,
    worst,
    write,
)
from viaduct.rules.finding import Finding

SCHEMA = json.loads(
    (Path(__file__).parent.parent / "schema" / "results.schema.json").read_text("utf-8")
)

VIA = Finding(
    rule="via-transport-wss",
    level="MUST",
    verdict="fail",
    requirement="RFC7118-5.1-b",
    text="Via says WS on a flow that is WSS.",
    event=7,
    header="Via",
    bytes=(40, 62),
)
SHOULD = Finding("record-route-double", "SHOULD", "warn", "RFC5658-6.2-a", "One Record-Route.")


def case(verdict: Verdict = Verdict.PASS, **more: Any) -> CaseResult:
    if verdict is Verdict.FAIL:
        more.setdefault("findings", (VIA,))
    elif verdict is not Verdict.PASS:
        more.setdefault("reason", "because")
    more.setdefault("id", "call-wss-udp")
    return CaseResult(title="A call", verdict=verdict, legs=("wss", "udp"), **more)


def run(*cases: CaseResult) -> RunResult:
    return RunResult(
        suite="proxy",
        target=TargetInfo("viaduct", "0.1.0"),
        started=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc),
        seconds=12.5,
        cases=cases,
    )


FULL = run(
    case(
        id="call-ws-ws", agents=("jssip", "sipp"), seconds=0.25, messages=14, trace="traces/a.jsonl"
    ),
    case(Verdict.FAIL, requirements=("RFC7118-5.1-b",), observations=(SHOULD,), messages=3),
    case(Verdict.WARN, id="w", findings=(SHOULD,)),
    case(Verdict.ERROR, id="e", reason="the peer's port was taken"),
    case(Verdict.FAIL, id="k", known=Known("a known gap", "https://example.org/1", True)),
)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_is_written_keeps_to_the_schema_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write(FULL, path)
    jsonschema.validate(json.loads(path.read_text("utf-8")), SCHEMA)
    assert read(path) == FULL


def test_totals_are_counted_from_the_cases() -> None:
    totals = to_json(FULL)["totals"]
    assert totals["pass"] == 1 and totals["fail"] == 2 and totals["error"] == 1
    assert totals["known"] == 1 and totals["unexpected"] == 0
    assert totals["messages_judged"] == 17


@pytest.mark.parametrize(
    ("cases", "code"),
    [
        ((), ExitCode.NOTHING_RAN),
        ((case(),), ExitCode.OK),
        ((case(Verdict.WARN),), ExitCode.OK),
        ((case(), case(Verdict.SKIP)), ExitCode.OK),
        ((case(Verdict.SKIP), case(Verdict.UNSUPPORTED)), ExitCode.NOTHING_RAN),
        ((case(), case(Verdict.FAIL)), ExitCode.FINDINGS),
        ((case(), case(Verdict.INCONCLUSIVE)), ExitCode.FINDINGS),
        ((case(Verdict.FAIL), case(Verdict.ERROR)), ExitCode.HARNESS),
        ((case(Verdict.FAIL, known=Known("r", "l", True)),), ExitCode.OK),
        ((case(Verdict.PASS, known=Known("r", "l", False)),), ExitCode.FINDINGS),
    ],
)
def test_exit_code(cases: tuple[CaseResult, ...], code: ExitCode) -> None:
    assert run(*cases).exit_code is code


def test_worst_and_of_findings() -> None:
    assert worst([Verdict.PASS, Verdict.FAIL, Verdict.WARN]) is Verdict.FAIL
    assert worst([Verdict.SKIP, Verdict.PASS]) is Verdict.PASS
    assert worst([]) is Verdict.SKIP
    assert of_findings([]) is Verdict.PASS
    assert of_findings([SHOULD, VIA]) is Verdict.FAIL


def test_a_verdict_that_needs_a_reason_has_one() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        CaseResult(id="x", title="", verdict=Verdict.SKIP)


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        RunResult("proxy", TargetInfo("x"), datetime(2026, 1, 1), 0.0, ())


# Each edit of a good document, by the path of keys to what is replaced, and what the error says.
BAD: list[tuple[list[Any], Any, str]] = [
    (["cases"], {}, "cases: a list wanted"),
    (["cases", 0, "verdict"], "green", "cases[0].verdict"),
    (["cases", 0, "id"], 3, "cases[0].id"),
    (["cases", 0, "seconds"], True, "cases[0].seconds"),
    (["cases", 1, "findings", 0, "bytes"], [9], "cases[1].findings[0].bytes"),
    (["cases", 1, "findings", 0, "bytes"], [9, 2], "cases[1].findings[0].bytes"),
    (["cases", 1, "findings", 0, "event"], "x", "cases[1].findings[0].event"),
    (["cases", 3, "reason"], "", "without a reason"),
    (["cases", 4, "known", "met"], 1, "cases[4].known.met"),
    (["totals", "fail"], 1, "totals.fail"),
    (["started"], "yesterday", "started"),
    (["started"], "2026-01-01T00:00:00", "time zone"),
    (["target"], "viaduct", "target"),
    (["faults"], [1], "faults"),
]


@pytest.mark.parametrize(("where", "value", "message"), BAD, ids=lambda item: str(item))
def test_a_bad_document_is_named_by_its_place(where: list[Any], value: Any, message: str) -> None:
    document = copy.deepcopy(to_json(FULL))
    place: Any = document
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    with pytest.raises(ResultsError) as caught:
        from_json(document)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100000])
def test_what_is_no_document_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match="results.json"):
        read(path)
