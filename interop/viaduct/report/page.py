"""report.html: the run as one self-contained file that needs no network.

The page is made here up to its findings; what needs a trace (ladder, raw messages) is drawn by the
scripts when a case is opened. Text from the wire is escaped by Jinja and set as text by the
scripts, and a Content-Security-Policy names the page's one script by its hash.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from viaduct.report.book import Book, Explanation, unique
from viaduct.report.embedded import Embedded, Shelf
from viaduct.report.grouped import Group, by_rule
from viaduct.report.headline import headline
from viaduct.report.matrix import ALONE, GLYPHS, Cell, matrix
from viaduct.report.visible import one_line, visible
from viaduct.results import SEVERITY, CaseResult, ExitCode, RunResult, Verdict
from viaduct.rules.finding import Finding

FOLDER = Path(__file__).parent / "page"
SCRIPTS = ("bytes.js", "trace.js", "ladder.js", "message.js", "detail.js", "list.js")

SHOWN = 3  # findings of one rule in one case that stand open; the ladder should not be far below
Spoken = tuple[tuple[Explanation, tuple[Finding, ...]], ...]  # findings, by the rule that speaks


@dataclass(frozen=True, slots=True)
class Row:
    """A case as the list shows it."""

    case: CaseResult
    groups: Spoken
    observed: Spoken
    trace: int | None  # which of the page's traces
    replay: str

    @property
    def rules(self) -> tuple[str, ...]:
        return unique(self.case.speaker(finding) for finding in self.case.findings)

    @property
    def kinds(self) -> tuple[str, ...]:
        return unique((self.case.operation, *self.case.agents))

    @property
    def words(self) -> str:
        """What the search box looks through."""
        case = self.case
        parts = (case.id, *self.kinds, case.title, case.verdict.value, *case.legs)
        return " ".join(unique(" ".join((*parts, *case.requirements, *self.rules)).lower().split()))


@dataclass(frozen=True, slots=True)
class RuleEntry:
    group: Group
    explanation: Explanation


def write(run: RunResult, book: Book, path: Path) -> None:
    path.write_text(render(run, book, path.parent), encoding="utf-8")


def render(run: RunResult, book: Book, folder: Path) -> str:
    """The page; paths of traces are taken from `folder`."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    environment.filters["one_line"] = one_line
    script = "\n".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)
    pairs = matrix(run.cases)
    shelf = Shelf(folder)
    explanations = _explanations(run, book)
    rows = [
        Row(
            case=case,
            groups=_spoken(case, case.findings, explanations),
            observed=_spoken(case, case.observations, explanations),
            trace=None if case.trace is None else shelf.place(case.trace),
            replay=_replay(run, case),
        )
        for case in sorted(run.cases, key=lambda case: SEVERITY.index(case.verdict))
    ]
    traces: list[Embedded] = shelf.traces
    return environment.get_template("report.html").render(
        run=run,
        totals=run.totals,
        headline=headline(run),
        mood=_mood(run),
        verdicts=[verdict for verdict in SEVERITY if run.totals[verdict]],
        glyphs=GLYPHS,
        pairs=pairs,
        alone=ALONE,
        shown=SHOWN,
        rows=rows,
        rules=[RuleEntry(group, explanations[group.rule]) for group in by_rule(run.cases)],
        agents=_agents(run).most_common(),
        operations=_operations(run),
        requirements=len({item for case in run.cases for item in case.requirements}),
        explanations=list(explanations.values()),
        whys={rule: index for index, rule in enumerate(explanations)},
        traces=traces,
        style=Markup((FOLDER / "report.css").read_text("utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _mood(run: RunResult) -> str:
    if run.exit_code is not ExitCode.OK:
        return "error" if run.exit_code is ExitCode.HARNESS else "fail"
    return "warn" if run.totals[Verdict.WARN] or run.totals.known else "pass"


def _agents(run: RunResult) -> Counter[str]:
    return Counter(agent for case in run.cases for agent in unique(case.agents))


def _operations(run: RunResult) -> list[Cell]:
    """What each operation came to on all its legs, the gravest first, else as they ran."""
    cells: dict[str, Cell] = {}
    for case in run.cases:
        name = case.operation
        cells.setdefault(name, Cell(name, "")).add(case)
    return sorted(cells.values(), key=lambda cell: SEVERITY.index(cell.verdict))


def _explanations(run: RunResult, book: Book) -> dict[str, Explanation]:
    """An explanation for each rule that speaks anywhere in the run."""
    cited: dict[str, list[str]] = {}
    for case in run.cases:
        for finding in (*case.findings, *case.observations):
            cited.setdefault(case.speaker(finding), []).append(finding.requirement)
    return {rule: book.explain(rule, unique(ids)) for rule, ids in cited.items()}


def _spoken(
    case: CaseResult, findings: Iterable[Finding], explanations: dict[str, Explanation]
) -> Spoken:
    rules: dict[str, list[Finding]] = {}
    for finding in findings:
        rules.setdefault(case.speaker(finding), []).append(finding)
    return tuple((explanations[rule], tuple(found)) for rule, found in rules.items())


def _replay(run: RunResult, case: CaseResult) -> str:
    if run.suite == "judge":
        return f"viaduct judge {case.trace}" if case.trace else ""
    faults = "".join(f" --fault {fault}" for fault in run.faults)
    suite = "" if run.suite == "all" else f" --suite {run.suite}"
    return f"viaduct run --target {run.target.name}{suite}{faults} {case.id}"
