"""Expectation files: what they cover, what they do not, and how a bad one is refused."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
import sample

from viaduct.results import CaseResult, ExitCode, RunResult, TargetInfo, Verdict, of_findings
from viaduct.results.expect import ExpectError, apply, draft, read
from viaduct.rules.finding import Finding

FOLDER = Path(__file__).parent.parent / "expect"


def finding(rule: str, verdict: str = "fail") -> Finding:
    return Finding(rule, "MUST", verdict, "RFC3261-7-a", "text")


def case(id: str, *findings: Finding) -> CaseResult:
    return CaseResult(id, "title", of_findings(findings), findings=findings)


def judge(tmp_path: Path, entries: str, *cases: CaseResult) -> RunResult:
    path = tmp_path / "x.yaml"
    path.write_text(f"target: x\nfindings:\n{entries}", "utf-8")
    return apply(RunResult("proxy", TargetInfo("x"), sample.STARTED, 1.0, cases), read(path))


ENTRY = "- {rule: via-*, case: call-*, reason: old, link: 'https://example.org/1'}\n"


def test_a_known_failure_stays_a_failure_but_is_not_red(tmp_path: Path) -> None:
    run = judge(tmp_path, ENTRY, case("call-ws", finding("via-x")))
    assert run.cases[0].verdict is Verdict.FAIL
    assert run.cases[0].known is not None and run.cases[0].known.met
    assert run.exit_code is ExitCode.OK and run.totals.known == 1


def test_a_failure_beside_the_known_one_is_red(tmp_path: Path) -> None:
    run = judge(tmp_path, ENTRY, case("call-ws", finding("via-x"), finding("route-y")))
    assert run.exit_code is ExitCode.FINDINGS and run.cases[0].known is None


def test_two_entries_together_cover_a_case(tmp_path: Path) -> None:
    more = ENTRY + "- {rule: route-y, reason: new, link: 'https://example.org/2'}\n"
    run = judge(tmp_path, more, case("call-ws", finding("via-x"), finding("route-y")))
    known = run.cases[0].known
    assert known is not None and known.reason == "old; new" and run.exit_code is ExitCode.OK


def test_another_case_is_not_covered(tmp_path: Path) -> None:
    run = judge(tmp_path, ENTRY, case("message-ws", finding("via-x")))
    assert run.exit_code is ExitCode.FINDINGS


def test_a_foretold_failure_that_does_not_come_is_red(tmp_path: Path) -> None:
    run = judge(tmp_path, ENTRY, case("call-ws"), case("call-wss", finding("via-x")))
    known = run.cases[0].known
    assert known is not None and not known.met
    assert run.exit_code is ExitCode.FINDINGS and run.totals.unexpected == 1


def test_a_case_that_did_not_run_tells_nothing(tmp_path: Path) -> None:
    skipped = CaseResult("call-ws", "t", Verdict.SKIP, reason="not here")
    error = CaseResult("call-wss", "t", Verdict.ERROR, reason="broken")
    run = judge(tmp_path, ENTRY, skipped, error)
    assert run.cases == (skipped, error) and run.exit_code is ExitCode.HARNESS


def test_an_inconclusive_case_is_covered_by_its_findings_only(tmp_path: Path) -> None:
    found = finding("via-x", "inconclusive")
    assert judge(tmp_path, ENTRY, case("call-ws", found)).exit_code is ExitCode.OK
    bare = CaseResult("message-ws", "t", Verdict.INCONCLUSIVE, reason="no evidence")
    entry = "- {rule: '*', case: 'register-*', reason: r, link: l}\n"
    assert judge(tmp_path, entry, bare).exit_code is ExitCode.FINDINGS


def test_expectations_of_another_target_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "y.yaml"
    path.write_text(f"target: y\nfindings:\n{ENTRY}", "utf-8")
    run = RunResult("proxy", TargetInfo("x"), sample.STARTED, 1.0, ())
    with pytest.raises(ExpectError, match="about y"):
        apply(run, read(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`target` and `findings`"),
        ("[", "not YAML"),
        ("- x", "`target` and `findings`"),
        ("target: x\nfindings: {}", "a list"),
        ("target: x\nfindings: [x]", "finding 1"),
        ("target: x\nfindings: [{rule: a, link: b}]", "no reason"),
        ("target: x\nfindings: [{rule: a, reason: b}]", "no link"),
        ("target: x\nfindings: [{rule: a, reason: ' ', link: b}]", "no reason"),
        ("target: x\nfindings: [{reason: b, link: b}]", "rule: a name"),
        ("target: x\nfindings: [{rule: [], reason: b, link: b}]", "rule: a name"),
        ("target: x\nfindings: [{rule: a, case: 3, reason: b, link: b}]", "case: a name"),
        ("target: x\nfindings: [{rule: a, cases: b, reason: b, link: b}]", "unknown cases"),
    ],
)
def test_a_bad_file_is_named_by_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ExpectError, match=message):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExpectError, match="No such file"):
        read(tmp_path / "none.yaml")


def test_the_files_that_are_kept_here_are_good() -> None:
    for path in FOLDER.glob("*.yaml"):
        assert read(path).target == path.stem


def test_a_draft_foretells_the_run_once_somebody_gave_reasons(tmp_path: Path) -> None:
    def on(id: str, *findings: Finding) -> CaseResult:
        return CaseResult(
            id, "t", of_findings(findings), legs=(id.split("-")[-1],), findings=findings
        )

    cases = (
        on("call-ws", finding("via-x")),
        on("call-wss", finding("via-x"), finding("route-y"), finding("path-z", "warn")),
        on("message-ws", finding("via-x"), finding("message-ws")),
        on("message-wss", finding("path-z", "warn")),
        CaseResult("message-tls", "t", Verdict.SKIP, legs=("tls",), reason="not here"),
    )
    run = RunResult("proxy", TargetInfo("x"), sample.STARTED, 1.0, cases)
    path = tmp_path / "x.yaml"
    path.write_text(draft(run), "utf-8")
    with pytest.raises(ExpectError, match="no reason"):
        read(path)
    first = read(path, complete=False)
    assert {entry.rules[0]: entry.cases for entry in first.entries} == {
        "via-x": ("call-*", "message-ws"),
        "route-y": ("call-wss",),
        "message*": ("message-ws",),
    }
    path.write_text(path.read_text("utf-8").replace("''", "because"), "utf-8")
    again = apply(run, read(path))
    assert again.exit_code is ExitCode.OK and again.totals.known == 3
    path.write_text(draft(run, read(path)), "utf-8")
    assert all(entry.reason == "because" for entry in read(path).entries)


def test_the_schema_agrees_with_the_reader(tmp_path: Path) -> None:
    schema = json.loads((FOLDER.parent / "schema" / "expect.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    good = yaml.safe_load(f"target: x\nfindings:\n{ENTRY}")
    jsonschema.validate(good, schema)
    for key in ("rule", "reason", "link"):
        bad = yaml.safe_load(f"target: x\nfindings:\n{ENTRY}")
        del bad["findings"][0][key]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
