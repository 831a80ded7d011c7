"""Findings, the matrix and the totals as lines for a terminal or a log."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from viaduct.report.book import Book
from viaduct.report.grouped import by_rule
from viaduct.report.headline import headline
from viaduct.report.matrix import ALONE, GLYPHS, Cell, matrix
from viaduct.report.visible import decode, one_line, visible
from viaduct.results import SEVERITY, RunResult, Verdict
from viaduct.rules.finding import Finding
from viaduct.trace.model import Event

WIDTH = 100
RULES_SHOWN = 12
_COLOURS = {
    Verdict.PASS: "32",
    Verdict.FAIL: "31",
    Verdict.WARN: "33",
    Verdict.INCONCLUSIVE: "35",
    Verdict.ERROR: "1;35",
    Verdict.SKIP: "2",
    Verdict.UNSUPPORTED: "2",
}
_PLAIN_GLYPHS = {
    Verdict.PASS: "+",
    Verdict.FAIL: "X",
    Verdict.WARN: "!",
    Verdict.SKIP: "-",
    Verdict.UNSUPPORTED: "o",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "E",
}


@dataclass(frozen=True, slots=True)
class Style:
    """What the output can show."""

    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def verdict(self, verdict: Verdict, text: str) -> str:
        return self.paint(text, _COLOURS[verdict])

    def glyph(self, verdict: Verdict) -> str:
        return GLYPHS[verdict] if self.unicode else _PLAIN_GLYPHS[verdict]

    def bold(self, text: str) -> str:
        return self.paint(text, "1")

    def faint(self, text: str) -> str:
        return self.paint(text, "2")


def summary(run: RunResult, style: Style) -> Iterator[str]:
    """The table at the end of a run."""
    yield from _matrix(run, style)
    yield from _rules(run, style)
    totals = run.totals
    counts = [
        style.verdict(verdict, f"{totals[verdict]} {verdict}")
        for verdict in SEVERITY
        if totals[verdict]
    ]
    if totals.known:
        counts.append(f"{totals.known} known")
    mood = Verdict.PASS if run.exit_code == 0 else Verdict.FAIL
    yield style.bold(style.verdict(mood, headline(run)))
    yield (
        f"{', '.join(counts) or 'no case'}; {totals.messages_judged:,} messages judged"
        f" in {run.seconds:.1f} s ({one_line(run.target.name)} {one_line(run.target.version)})"
    )


def _matrix(run: RunResult, style: Style) -> Iterator[str]:
    pairs = matrix(run.cases)
    if pairs.empty:
        return
    heads = ("server" if leg == ALONE else leg for leg in pairs.columns)
    yield style.faint("caller    " + "".join(f"{head:<9}" for head in heads).rstrip())
    for row in pairs.rows:
        cells = (_cell(pairs.cells.get((row, column)), style) for column in pairs.columns)
        yield f"{row:<10}" + "".join(cells).rstrip()
    if pairs.rest.total:
        yield f"others    {_cell(pairs.rest, style)}".rstrip()
    yield ""


def _cell(cell: Cell | None, style: Style) -> str:
    if cell is None:
        return " " * 9
    text = f"{style.glyph(cell.verdict)} {cell.share}"
    return style.verdict(cell.verdict, text) + " " * (9 - len(text))


def _rules(run: RunResult, style: Style) -> Iterator[str]:
    groups = by_rule(run.cases)
    for group in groups[:RULES_SHOWN]:
        glyph = style.verdict(group.verdict, style.glyph(group.verdict))
        known = " (known)" if group.known else ""
        count = f"{len(group.cases)} {'case' if len(group.cases) == 1 else 'cases'}"
        case, finding = group.findings[0]
        yield f"{glyph} {style.bold(one_line(group.rule))}  {group.level}  {count}{known}"
        yield style.faint(f"    {one_line(case.id)}: {one_line(finding.text, WIDTH)}")
    if len(groups) > RULES_SHOWN:
        yield f"  … and {len(groups) - RULES_SHOWN} rules more"
    yield from _reasons(run, style)
    if groups or any(case.verdict is Verdict.ERROR or case.red for case in run.cases):
        yield ""


def _reasons(run: RunResult, style: Style) -> Iterator[str]:
    """What stands in no finding: errors, missing evidence, failures that did not come."""
    alike: dict[tuple[Verdict, str], list[str]] = {}
    for case in run.cases:
        if case.verdict is Verdict.ERROR or (
            case.verdict is Verdict.INCONCLUSIVE and not case.findings
        ):
            last = (case.reason.strip().splitlines() or [""])[-1]
            alike.setdefault((case.verdict, last), []).append(case.id)
        elif case.known is not None and not case.known.met:
            alike.setdefault((Verdict.FAIL, "was expected to fail, and does not"), []).append(
                case.id
            )
    for (verdict, reason), ids in alike.items():
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        glyph = style.verdict(verdict, style.glyph(verdict))
        yield f"{glyph} {style.bold(one_line(ids[0]))}{more}  {one_line(reason)}"


def finding(found: Finding, book: Book, events: Mapping[int, Event], style: Style) -> Iterator[str]:
    """One finding in full: what was seen, what is due, where it stands, and the bytes."""
    verdict = Verdict(found.verdict)
    duty = book.obligation(found.requirement)
    glyph = style.verdict(verdict, style.glyph(verdict))
    yield (
        f"{glyph} {style.bold(style.verdict(verdict, one_line(found.rule)))}  {found.level}  "
        f"{duty.source} {style.faint(f'({one_line(found.requirement)})')}"
    )
    yield from _field("seen", found.text)
    due = duty.text or book.explain(found.rule, (found.requirement,)).text
    if due:
        yield from _field("due", due)
    if found.party != "target":
        yield from _field("party", found.party)
    event = None if found.event is None else events.get(found.event)
    if event is not None:
        yield from _field("where", place(event))
        for line in excerpt(event.data, found.bytes, style):
            yield f"         {line}"
    elif found.event is not None:
        yield from _field("where", f"event {found.event}")
    if found.header:
        yield from _field("header", found.header)
    yield ""


def _field(name: str, text: str) -> Iterator[str]:
    lines = textwrap.wrap(one_line(text, 1000), WIDTH - 10, break_on_hyphens=False) or [""]
    for index, line in enumerate(lines):
        yield f"  {name if index == 0 else '':<7}{line}"


def place(event: Event) -> str:
    """Where an event was seen: "event 22, bob, in, wss-1, 127.0.0.1:40002, 03:04:05.105"."""
    clock = datetime.fromtimestamp(event.t, timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    parts = (f"event {event.n}", event.at, event.dir, event.flow, event.local, clock)
    return ", ".join(part for part in parts if part)


def excerpt(data: bytes, span: tuple[int, int] | None, style: Style) -> Iterator[str]:
    """The first line, and each line that the span touches with a row of carets below."""
    if not data:
        return
    start = 0
    for index, line in enumerate(data.split(b"\n")):
        end = start + len(line)
        body = line.removesuffix(b"\r")
        hit = span is not None and span[0] <= end and span[1] > start
        if hit and span is not None:
            yield from _marked(body, span[0] - start, span[1] - start, style)
        elif index == 0:
            yield style.faint(_cut(decode(body)))
        start = end + 1
        if span is None or start >= span[1]:
            return


def _marked(line: bytes, start: int, end: int, style: Style) -> Iterator[str]:
    start, end = max(start, 0), min(end, len(line))
    before, marked, after = decode(line[:start]), decode(line[start:end]), decode(line[end:])
    if len(before) > WIDTH // 2:
        before = "…" + before[-(WIDTH // 2) :]
    marked = _cut(marked)
    yield before + style.paint(marked, "4;31") + _cut(after)
    yield " " * len(before) + style.paint("^" * max(len(marked), 1), "31")


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH * 2 else text[: WIDTH * 2] + "…"


def wrapped(text: str, indent: str = "  ") -> Iterable[str]:
    return textwrap.wrap(
        visible(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
