"""summary.md: the run on one page of Markdown, made for a CI system's step summary.

Text from the wire goes through `_cell`, which leaves it no way to be markup.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from viaduct.report.book import Book
from viaduct.report.grouped import Group, by_rule
from viaduct.report.headline import headline
from viaduct.report.matrix import ALONE, Cell, matrix
from viaduct.report.visible import one_line
from viaduct.results import CaseResult, RunResult, Verdict

ICONS = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.WARN: "⚠️",
    Verdict.SKIP: "⏭️",
    Verdict.UNSUPPORTED: "🚫",
    Verdict.INCONCLUSIVE: "❔",
    Verdict.ERROR: "💥",
}
RULES_SHOWN = 30
CASES_SHOWN = 100  # a step summary may have 1 MiB; both limits keep far below it
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&$@])")


def write(run: RunResult, book: Book, path: Path) -> None:
    path.write_text("\n".join(_lines(run, book)) + "\n", encoding="utf-8")


def _lines(run: RunResult, book: Book) -> Iterable[str]:
    icon = ICONS[Verdict.PASS] if run.exit_code == 0 else ICONS[Verdict.FAIL]
    yield f"## {icon} Viaduct: {_cell(headline(run))}"
    yield ""
    target = _cell(f"{run.target.name} {run.target.version}")
    faults = f", with the fault {_cell(', '.join(run.faults))}" if run.faults else ""
    yield (
        f"Suite **{_cell(run.suite)}** against **{target}**{faults}; "
        f"{run.totals.messages_judged:,} messages judged in {run.seconds:.1f} s."
    )
    yield ""
    shown = [verdict for verdict in Verdict if run.totals[verdict]]
    if shown:
        yield from _table(
            [f"{ICONS[verdict]} {verdict}" for verdict in shown],
            [[str(run.totals[verdict]) for verdict in shown]],
        )
    yield from _matrix(run)
    yield from _rules(by_rule(run.cases), book)
    yield from _cases(run)


def _matrix(run: RunResult) -> Iterable[str]:
    pairs = matrix(run.cases)
    if pairs.empty:
        return
    yield "### Legs"
    yield ""
    yield "Rows: the caller's leg, columns: the callee's; passed of those that ran."
    yield ""
    heads = ["", *("to the server" if leg == ALONE else leg.upper() for leg in pairs.columns)]
    rows = [
        [f"**{row.upper()}**", *(_pair(pairs.cells.get((row, leg))) for leg in pairs.columns)]
        for row in pairs.rows
    ]
    yield from _table(heads, rows)
    if pairs.rest.total:
        yield f"Without a pair of legs: {_pair(pairs.rest)}"
        yield ""


def _pair(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{ICONS[cell.verdict]} {cell.share}"


def _rules(groups: list[Group], book: Book) -> Iterable[str]:
    if not groups:
        return
    yield "### What was found"
    yield ""
    rows = []
    for group in groups[:RULES_SHOWN]:
        duty = book.obligation(next(iter(group.requirements)))
        where = f"[{duty.source}]({duty.link})" if duty.link else _cell(duty.source)
        known = " (known)" if group.known else ""
        rows.append(
            [
                f"{ICONS[group.verdict]} `{_code(group.rule)}`{known}",
                group.level,
                where,
                str(len(group.cases)),
                _cell(one_line(group.findings[0][1].text)),
            ]
        )
    yield from _table(["Rule", "Level", "Source", "Cases", "For example"], rows)
    if len(groups) > RULES_SHOWN:
        yield f"… and {len(groups) - RULES_SHOWN} rules more."
        yield ""


def _cases(run: RunResult) -> Iterable[str]:
    cases = [case for case in run.cases if case.red or case.verdict is Verdict.ERROR]
    if not cases:
        return
    yield f"<details><summary>The {len(cases)} cases</summary>"
    yield ""
    rows = [
        [f"{ICONS[case.verdict]} `{_code(case.id)}`", _cell(case.title), _cell(_why(case))]
        for case in cases[:CASES_SHOWN]
    ]
    yield from _table(["Case", "", "Why"], rows)
    if len(cases) > CASES_SHOWN:
        yield f"… and {len(cases) - CASES_SHOWN} more in `results.json`."
        yield ""
    yield "</details>"
    yield ""


def _why(case: CaseResult) -> str:
    if case.known is not None:
        return f"expected to fail ({case.known.reason}), but does not"
    if own := [finding.text for finding in case.findings if finding.rule == case.id]:
        return one_line(own[0])
    rules = dict.fromkeys(finding.rule for finding in case.findings)
    return one_line(", ".join(rules) or case.reason)


def _table(heads: list[str], rows: list[list[str]]) -> Iterable[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _cell(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(text, 300))


def _code(text: str) -> str:
    return one_line(text).replace("`", "'").replace("|", "\\|")
