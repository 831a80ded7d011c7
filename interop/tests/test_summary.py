"""summary.md and the terminal: the same facts, and nothing from the wire acts as markup."""

import re
from pathlib import Path

import pytest
import sample

from viaduct.report import summary, terminal
from viaduct.report.book import Book
from viaduct.report.matrix import Cell
from viaduct.report.terminal import Style
from viaduct.report.visible import visible
from viaduct.results import CaseResult, RunResult, TargetInfo, Verdict
from viaduct.rules.finding import Finding


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return sample.run(tmp_path_factory.mktemp("summary"))


@pytest.fixture(scope="module")
def text(run: RunResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("md") / "summary.md"
    summary.write(run, Book(), path)
    return path.read_text("utf-8")


def tables(text: str) -> list[list[list[str]]]:
    """Each table as rows of cells, split at the bars that are not escaped."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()] for block in blocks]


def test_headline_and_totals(text: str) -> None:
    assert text.startswith("## ❌ Viaduct: 7 of 80 cases do not pass, the harness erred in 1\n")
    totals = tables(text)[0]
    named = dict(zip((cell.split()[-1] for cell in totals[0]), (c.strip() for c in totals[2])))
    assert named == {
        **{"pass": "67", "fail": "6", "warn": "5", "skip": "1"},
        **{"unsupported": "1", "inconclusive": "1", "error": "1"},
    }


def test_every_table_is_rectangular_whatever_the_findings_say(text: str) -> None:
    assert len(tables(text)) == 4
    for table in tables(text):
        assert len({len(row) for row in table}) == 1


def test_the_matrix_has_five_rows_of_six(text: str) -> None:
    matrix = tables(text)[1]
    assert len(matrix) == 2 + 5 and len(matrix[0]) == 1 + 6
    assert matrix[2][2].strip() == "❌ 2/3" and matrix[2][1].strip() == "✅ 3"


def test_markup_from_the_wire_is_escaped(text: str) -> None:
    assert "\\<img" in text and re.search(r"(?<!\\)<img", text) is None
    assert "\x1b" not in text


def test_a_green_run(tmp_path: Path, run: RunResult) -> None:
    green = RunResult("proxy", TargetInfo("x"), sample.STARTED, 1.0, run.cases[:1])
    summary.write(green, Book(), tmp_path / "summary.md")
    text = (tmp_path / "summary.md").read_text("utf-8")
    assert text.startswith("## ✅ Viaduct: The one case passes") and "What was found" not in text


def test_the_table_at_the_end(run: RunResult) -> None:
    lines = list(terminal.summary(run, Style()))
    assert lines[0].split() == ["caller", "ws", "wss", "tls", "tcp", "udp", "server"]
    assert lines[1].split() == ["ws", "✓", "3", "✗", "2/3", *["✓", "3"] * 3, "?", "0/1"]
    assert any("via-transport-wss" in line and "6 cases" in line for line in lines)
    assert any("register-tcp" in line and "port in use" in line for line in lines)
    assert any("flow-dead-430" in line and "expected to fail" in line for line in lines)
    assert "1,350 messages judged" in lines[-1]


def test_colour_only_where_asked_and_ascii_where_needed(run: RunResult) -> None:
    assert "\x1b" not in "".join(terminal.summary(run, Style()))
    assert "\x1b[31m" in "".join(terminal.summary(run, Style(colour=True)))
    plain = "\n".join(terminal.summary(run, Style(unicode=False)))
    assert "X 2/3" in plain and not set("✓✗‼∅") & set(plain)


def test_a_finding_in_full() -> None:
    capture, marks = sample.trace("ws", "wss", hostile=True)
    found = sample.findings(capture, marks)[0]
    events = {event.n: event for event in capture.events}
    lines = list(terminal.finding(found, Book(), events, Style()))
    text = "\n".join(lines)
    assert "RFC 7118, section 5.1" in lines[0] and "via-transport-wss" in lines[0]
    assert f"event {found.event}, bob, in, wss-1" in text
    (at,) = [i for i, line in enumerate(lines) if line.strip().startswith("Via: ")]
    via, carets = lines[at], lines[at + 1]
    assert via[carets.index("^") :].startswith("SIP/2.0/WSS") and set(carets) == {" ", "^"}
    assert carets.count("^") == len(via) - carets.index("^")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("data", "span"),
    [
        (b"", (0, 5)),
        (b"one line", (0, 0)),
        (b"one line", (4, 400)),
        (b"a\r\nb\r\nc", (1, 6)),
        (b"\xff\xfe\x00\r\n\x1b[2J: x\r\n", (5, 9)),
        (b"x" * 5000, (4000, 4500)),
        (b"\n\n\n", (0, 3)),
        (b"h: " + "é".encode() * 90 + b"\r\n", (4, 5)),
    ],
    ids=range(8),
)
def test_an_excerpt_of_anything_is_printable(data: bytes, span: tuple[int, int]) -> None:
    for line in terminal.excerpt(data, span, Style()):
        assert line.isprintable() and len(line) < 600


def test_visible() -> None:
    assert visible("a\x1b[2J\tb\x7f\u202e\r\nc") == "a\\x1b[2J\\tb\\x7f\\u202e\\r\nc"


def test_an_event_that_is_not_there() -> None:
    found = Finding("r", "MUST", "fail", "RFC3261-7-a", "text", event=99, bytes=(1, 2))
    assert any("event 99" in line for line in terminal.finding(found, Book(), {}, Style()))


def test_what_did_not_run_does_not_lower_a_cell() -> None:
    cell = Cell("ws", "udp")
    for verdict in (Verdict.PASS, Verdict.PASS, Verdict.UNSUPPORTED, Verdict.SKIP):
        cell.counts[verdict] += 1
    assert cell.share == "2" and cell.verdict is Verdict.PASS
    cell.counts[Verdict.WARN] += 1
    assert cell.share == "2/3" and cell.verdict is Verdict.WARN
    none = Cell("ws", "tls")
    none.counts[Verdict.SKIP] += 2
    assert none.share == "2" and none.words == "2 skip"


def test_cases_that_went_wrong_alike_are_one_line() -> None:
    cases = tuple(
        CaseResult(f"call-{leg}", "t", Verdict.ERROR, reason="Traceback:\nOSError: no port")
        for leg in ("ws", "wss", "udp")
    )
    run = RunResult("proxy", TargetInfo("x"), sample.STARTED, 1.0, cases)
    lines = [line for line in terminal.summary(run, Style()) if "OSError" in line]
    assert len(lines) == 1 and "call-ws and 2 more  OSError: no port" in lines[0]
