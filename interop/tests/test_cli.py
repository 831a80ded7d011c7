"""The command line as its users meet it: what it prints, and its exit codes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest
import sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viaduct import report
from viaduct.cli import repro, shelf
from viaduct.cli.main import main
from viaduct.cli.run import choose
from viaduct.cli.screen import Progress
from viaduct.cli.serve import Watch
from viaduct.cli.usage import NothingMeant, UsageError
from viaduct.proof.repertoire import all_played
from viaduct.results import ExitCode, RunResult, read
from viaduct.rules import RULES, judge
from viaduct.run import engine
from viaduct.run.case import Case
from viaduct.targets import Address, Description
from viaduct.targets.viaduct import build_directory
from viaduct.trace.jsonl import event_line, header_line, write
from viaduct.trace.model import Header, Trace

SCHEMA = Path(__file__).parent.parent / "schema" / "results.schema.json"
GOOD = dict(all_played())
CALL = next(name for name in GOOD if "call" in name and "wss" in name)


def broken(good: Trace) -> Trace:
    """The trace with WS for WSS in the top Via of what left the system on a secure flow."""
    events = tuple(
        replace(event, data=event.data.replace(b"SIP/2.0/WSS", b"SIP/2.0/WS", 1))
        if event.dir == "in" and b" SIP/2.0\r\n" in event.data
        else event
        for event in good.events
    )
    return Trace(good.header, events)


def from_inside(capture: Trace) -> Trace:
    """The same as the system under test itself records it."""
    turned = {"in": "out", "out": "in"}
    events = tuple(
        replace(
            event,
            at="server",
            flow=f"{event.at}-{event.flow}",
            dir=turned.get(event.dir or ""),
            local=event.remote,
            remote=event.local,
        )
        for event in capture.events
    )
    return Trace(Header("server"), events)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    write(GOOD[CALL], tmp_path / "good.jsonl")
    return tmp_path / "good.jsonl"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    write(broken(GOOD[CALL]), tmp_path / "bad.jsonl")
    return tmp_path / "bad.jsonl"


def test_judge_a_good_trace(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(good)]) == ExitCode.OK
    assert "messages on" in capsys.readouterr().out


def test_judge_a_bad_trace(bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["judge", str(bad), "--out", str(out)]) == ExitCode.FINDINGS
    said = capsys.readouterr().out
    assert "RFC 7118, section 5.1" in said and "^^^" in said and "event " in said
    assert {path.name for path in out.iterdir()} == {
        *("results.json", "junit.xml", "summary.md", "report.html", "traces")
    }
    document = json.loads((out / "results.json").read_text("utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert (out / document["cases"][0]["trace"]).is_file()


def test_judge_as_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", "--json", str(bad)]) == ExitCode.FINDINGS
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert document["totals"]["fail"] == 1


def test_judge_merges_the_views_of_one_happening(tmp_path: Path) -> None:
    whole = GOOD[CALL]
    files = []
    for at in sorted({event.at for event in whole.events}):
        events = tuple(event for event in whole.events if event.at == at)
        numbered = tuple(replace(event, n=n) for n, event in enumerate(events, start=1))
        files.append(tmp_path / f"{at}.jsonl")
        write(Trace(replace(whole.header, at=at), numbered), files[-1])
    assert len(files) > 1
    assert main(["judge", *map(str, files)]) == ExitCode.OK


def test_judge_takes_the_addresses_from_the_command_line(good: Path) -> None:
    bare = Trace(Header("merged"), GOOD[CALL].events)
    write(bare, good)
    options = [word for address in GOOD[CALL].header.sut for word in ("--sut", address)]
    assert main(["judge", str(good), *options]) == ExitCode.OK


def test_findings_against_other_ends_count_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tuple(
        replace(event, data=event.data.replace(b"SIP/2.0/WSS", b"SIP/2.0/WS", 1))
        if b"REGISTER" in event.data
        else event
        for event in GOOD[CALL].events
    )
    path = tmp_path / "x.jsonl"
    write(Trace(GOOD[CALL].header, wrong), path)
    assert main(["judge", str(path)]) == ExitCode.OK
    assert "Not counted" in capsys.readouterr().out
    assert main(["judge", "--all", str(path)]) == ExitCode.FINDINGS


def test_a_capture_without_messages_is_not_a_success(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(header_line(Header("x")) + "\n", "utf-8")
    assert main(["judge", str(path)]) == ExitCode.NOTHING_RAN


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.pcap", b"\xd4\xc3\xb2\xa1rest", "a pcap file cannot be read yet"),
        ("x.bin", b"\x0a\x0d\x0d\x0arest", "a pcapng file cannot be read yet"),
        ("x.har", b"{}", "a HAR file cannot be read yet"),
        ("x.json", b'{"log": {"version": "1.2"}}', "a HAR file cannot be read yet"),
        ("x.jsonl", b"", "x.jsonl:1: the file is empty"),
        ("x.jsonl", b"\x00\xff", "x.jsonl:1: not UTF-8"),
        ("x.jsonl", b"{}", "x.jsonl:1"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(
    tmp_path: Path, name: str, data: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(data)
    assert main(["judge", str(tmp_path / name)]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_usage_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["judge", str(tmp_path / "none.jsonl")],
        ["run", "--suite", "no-such-suite"],
        ["run", "--target", str(tmp_path / "none.yaml")],
        ["run", "--target", "kamailio", "--fault", "x"],
        ["run", "--expect", str(tmp_path / "none.yaml")],
        ["explain", "no-such-thing"],
        ["repro", "no-such-bug"],
    ):
        assert main(words) == ExitCode.USAGE, words
        error = capsys.readouterr().err
        assert error.startswith("viaduct: ") and "Traceback" not in error
    for word in ("no-such-case", ""):
        assert main(["run", word]) == ExitCode.NOTHING_RAN
        assert f"no case {word!r}" in capsys.readouterr().err
    if (build_directory() / "bin" / "viaduct-server").is_file():
        assert main(["run", "register-udp", "--fault", "no-such-fault"]) == ExitCode.USAGE
        assert capsys.readouterr().err.startswith("viaduct: no fault 'no-such-fault'")
    for words in ([], ["nothing"], ["run", "--jobs", "0"], ["run", "--from", "sctp"], ["judge"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == ExitCode.USAGE


def test_an_unknown_fault_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"drop-rport": shelf.Fault("drop-rport", "RFC3581-4-a", "rport is not filled in")}
    monkeypatch.setattr(shelf, "faults", lambda: known)
    assert main(["run", "--fault", "drop-report", "register-wss"]) == ExitCode.USAGE
    assert "perhaps drop-rport?" in capsys.readouterr().err
    assert main(["explain", "drop-rport"]) == ExitCode.OK
    assert "viaduct run --fault drop-rport" in capsys.readouterr().out


def test_a_missing_server_is_the_harness_in_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIADUCT_BUILD", str(tmp_path))
    assert main(["run", "--out", str(tmp_path / "out")]) == ExitCode.HARNESS
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out" / "report.html").exists()


def test_list_and_run_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "rules"]) == ExitCode.OK
    assert len(capsys.readouterr().out.splitlines()) == len(RULES)
    assert main(["list", "cases"]) == ExitCode.OK
    assert len(capsys.readouterr().out.splitlines()) == len(shelf.cases())
    assert main(["list"]) == ExitCode.OK
    assert "targets:" in capsys.readouterr().out
    assert main(["run", "--list", "register"]) == ExitCode.OK
    assert "register-wss" in capsys.readouterr().out


def test_explain_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    for rule in RULES.values():
        assert main(["explain", rule.id]) == ExitCode.OK
        said = capsys.readouterr().out
        assert rule.title in said and all(id in said for id in rule.requirements)
    assert main(["explain", "RFC7118-5.1-b"]) == ExitCode.OK
    assert "rfc-editor.org" in capsys.readouterr().out
    case = next(iter(shelf.cases().values()))
    assert main(["explain", case.id]) == ExitCode.OK
    assert f"viaduct run --suite {case.suite} {case.id}" in capsys.readouterr().out


def test_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage"]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[-1].split()[-1] == "1037"
    assert main(["coverage", "--json"]) == ExitCode.OK
    entries = json.loads(capsys.readouterr().out)["requirements"]
    assert len(entries) == 1037
    schema = json.loads((SCHEMA.parent / "coverage.schema.json").read_text("utf-8"))
    jsonschema.validate({"requirements": entries}, schema)
    assert main(["coverage", "--status", "missing"]) == ExitCode.OK
    missing = sum(entry["status"] == "missing" for entry in entries)
    assert len(capsys.readouterr().out.splitlines()) == missing


def case(id: str, *legs: str) -> Case:
    return Case(id, "t", ("RFC3261-7-a",), legs, (), ())


CASES = [
    case("call-ws-udp", "ws", "udp"),
    case("call-wss-udp", "wss", "udp"),
    case("call-wss-tcp", "wss", "tcp"),
    case("flow-dead"),
    case("flow-dead-430", "wss"),
]


@pytest.mark.parametrize(
    ("words", "caller", "callee", "ids"),
    [
        ([], None, None, [item.id for item in CASES]),
        (["call"], None, None, ["call-ws-udp", "call-wss-udp", "call-wss-tcp"]),
        (["call"], "wss", None, ["call-wss-udp", "call-wss-tcp"]),
        ([], None, "udp", ["call-ws-udp", "call-wss-udp"]),
        (["*-tcp", "call-ws-udp"], None, None, ["call-ws-udp", "call-wss-tcp"]),
        (["dead-4"], None, None, ["flow-dead-430"]),
        (["RFC3261-7-a"], "wss", "tcp", ["call-wss-tcp"]),
    ],
)
def test_selection(
    words: list[str], caller: str | None, callee: str | None, ids: list[str]
) -> None:
    assert [item.id for item in choose(CASES, words, caller, callee)] == ids


def test_a_word_that_means_nothing_is_answered_with_what_may_have_been_meant() -> None:
    with pytest.raises(NothingMeant, match="perhaps call-wss-udp"):
        choose(CASES, ["cal-wss-udp"])


def test_progress_without_a_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import sys

    progress = Progress(sys.stderr)
    run = sample.run(tmp_path)
    for done, result in enumerate(run.cases, start=1):
        progress(result, done, len(run.cases))
    progress.end()
    said = capsys.readouterr().err
    assert "82/82 cases, 8 bad" in said and "call-ws-wss: via-transport-wss" in said
    assert "\r" not in said and "\x1b" not in said


def test_serve_judges_the_trace_as_it_grows(tmp_path: Path) -> None:
    address = Address("udp", "127.0.0.1", 5060)
    description = Description("viaduct", "1", "sip.test", (address,))
    path = tmp_path / "server.jsonl"
    watch = Watch(path, description)
    assert watch.look() == []  # the server has not begun yet
    capture = from_inside(broken(GOOD[CALL]))
    lines = [header_line(capture.header), *map(event_line, capture.events)]
    text = "\n".join(lines) + "\n"
    half = len(text) // 2  # in the midst of a line
    path.write_text(text[:half], "utf-8")
    before = watch.look()
    with path.open("a", encoding="utf-8") as file:
        file.write(text[half:])
    after = watch.look()
    assert watch.look() == []
    assert not set(before) & set(after)
    assert len(watch.events) == len(capture.events)
    whole = Trace(Header("server", description.sut, ("server",)), capture.events)
    assert before + after and set(judge(whole)) <= set(watch.seen)


def test_repro_without_bugs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shelf, "BUGS", tmp_path)
    assert main(["repro"]) == ExitCode.NOTHING_RAN
    assert "No bug can be replayed yet" in capsys.readouterr().out


BUG = """id: some-bug
source: https://example.org/1
product: Phone 1.0
summary: Says the wrong thing.
arguments: [register]
expected: register fails
"""


def test_repro_lists_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shelf, "BUGS", tmp_path)
    (tmp_path / "some-bug.yaml").write_text(BUG, "utf-8")
    assert main(["repro"]) == ExitCode.OK
    assert capsys.readouterr().out.split() == ["some-bug", "Phone", "1.0"]
    for text, message in (
        ("[", "some-bug.yaml"),
        ("a: b", "wanted"),
        (BUG.replace("some-bug", "other"), "one name"),
        (BUG.replace("[register]", "register"), "a list of words"),
    ):
        (tmp_path / "some-bug.yaml").write_text(text, "utf-8")
        with pytest.raises(UsageError, match=message):
            repro.load(tmp_path)


def test_what_an_earlier_run_left_is_taken_away(tmp_path: Path) -> None:
    out = tmp_path / "out"
    foreign = tmp_path / "foreign.jsonl"
    kept = out / "traces" / "mine.jsonl"
    run = sample.run(out)
    outside = replace(run.cases[0], id="x", trace="../foreign.jsonl")
    report.write_all(replace(run, cases=(*run.cases, outside)), shelf.book(), out)
    foreign.write_text("", "utf-8")
    kept.write_text("", "utf-8")
    report.clear(out)
    assert [path for path in out.rglob("*") if path.is_file()] == [kept] and foreign.exists()
    report.clear(tmp_path / "nowhere")


@pytest.fixture
def played_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[RunResult, list[list[str]]]]:
    """`run` with an engine that has the sample's results ready and notes what it was asked for."""
    result = sample.run(tmp_path / "out")
    asked: list[list[str]] = []

    def engine_run(
        suite: str, target: object, selection: list[str], out: Path, **options: object
    ) -> RunResult:
        asked.append(selection)
        return result

    monkeypatch.setattr(engine, "run", engine_run)
    yield result, asked


def test_run_writes_everything_and_says_it(
    played_run: tuple[RunResult, list[list[str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert main(["run", "--out", str(out), "register-wss"]) == ExitCode.HARNESS
    assert played_run[1] == [["=register-wss"]]
    said = capsys.readouterr().out
    assert "7 of 80 cases do not pass" in said and f"report: {out / 'report.html'}" in said
    for name in ("results.json", "junit.xml", "summary.md", "report.html"):
        assert (out / name).is_file()
    assert read(out / "results.json") == played_run[0]


def test_run_with_expectations(
    played_run: tuple[RunResult, list[list[str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "kamailio.yaml"
    words = ["run", "--out", str(tmp_path / "out")]
    assert main([*words, "--update-expect", str(file)]) == ExitCode.HARNESS
    assert main([*words, "--expect", str(file)]) == ExitCode.USAGE
    assert "no reason" in capsys.readouterr().err
    file.write_text(file.read_text("utf-8").replace("''", "so"), "utf-8")
    assert main([*words, "--expect", str(file)]) == ExitCode.HARNESS
    totals = read(tmp_path / "out" / "results.json").totals
    assert totals.known == 6 and totals.counts == played_run[0].totals.counts
    file.write_text(file.read_text("utf-8").replace("kamailio", "another"), "utf-8")
    assert main([*words, "--expect", str(file)]) == ExitCode.USAGE


def sipp_log(capture: Trace, at: str) -> bytes:
    """What SIPp would have logged in the place of this vantage."""
    log = b""
    for event in capture.events:
        if event.kind == "message" and event.at == at:
            stamp = datetime.fromtimestamp(event.t).strftime("%Y-%m-%d\t%H:%M:%S.%f")
            verb = "sent" if event.dir == "out" else "received"
            log += (
                f"{'-' * 47} {stamp}\nUDP message {verb} [{len(event.data)}] bytes :\n\n".encode()
            )
            log += event.data + b"\n"
    return log


def test_judge_reads_a_log_of_sipp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = GOOD["register-udp"]
    log = sipp_log(capture, "alice")
    path = tmp_path / "uac_messages.log"
    path.write_bytes(log)
    (sut,) = {event.remote for event in capture.events if event.at == "alice"}
    words = ["judge", str(path), "--sut", f"udp:{sut}"]
    assert main(words) == ExitCode.OK
    messages = sum(event.kind == "message" for event in capture.events if event.at == "alice")
    assert f"{messages} messages on 1 flows" in capsys.readouterr().out
    path.write_bytes(log.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
    assert main([*words, "--all"]) == ExitCode.FINDINGS
    path.write_bytes(log.replace(b"CSeq: ", b"X: some more\r\nCSeq: ", 1))  # a false length
    assert main(words) == ExitCode.USAGE
    assert "uac_messages.log:" in capsys.readouterr().err


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=400), cut=st.integers(0, 4000), keep=st.booleans())
def test_any_bytes_end_in_a_verdict_or_a_usage_error(
    tmp_path: Path, data: bytes, cut: int, keep: bool
) -> None:
    lines = [header_line(GOOD[CALL].header), *map(event_line, GOOD[CALL].events)]
    text = "\n".join(lines).encode()
    path = tmp_path / "x"
    path.write_bytes(text[:cut] + data + (text[cut:] if keep else b""))
    assert main(["judge", "--json", str(path)]) in (
        ExitCode.OK,
        ExitCode.FINDINGS,
        ExitCode.USAGE,
        ExitCode.NOTHING_RAN,
    )
