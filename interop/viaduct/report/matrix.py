"""The matrix of leg pairs: a row per caller's leg, a column per callee's."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from viaduct.results import CaseResult, Verdict, worst

LEGS = ("ws", "wss", "tls", "tcp", "udp")
ALONE = "server"  # the column of cases in which one leg speaks to the server itself

GLYPHS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.WARN: "!",
    Verdict.SKIP: "–",
    Verdict.UNSUPPORTED: "∅",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "‼",
}


@dataclass(slots=True)
class Cell:
    caller: str
    callee: str  # a leg, or ALONE
    counts: Counter[Verdict] = field(default_factory=Counter)
    open: int = 0  # cases that fail or are inconclusive and are not known to

    def add(self, case: CaseResult) -> None:
        self.counts[case.verdict] += 1
        self.open += case.red

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def good(self) -> int:
        return self.counts[Verdict.PASS]

    @property
    def verdict(self) -> Verdict:
        return worst(+self.counts)

    @property
    def quiet(self) -> bool:
        """Whether something fails here, but only what was known to."""
        return self.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) and not self.open

    @property
    def ran(self) -> int:
        return sum(count for verdict, count in self.counts.items() if verdict.ran)

    @property
    def share(self) -> str:
        """ "12" when all that ran pass, else "9/12"; when none ran, how many there are."""
        if not self.ran:
            return str(self.total)
        return str(self.ran) if self.good == self.ran else f"{self.good}/{self.ran}"

    @property
    def words(self) -> str:
        """The counts for those who do not see the colour: "1 fail, 11 pass"."""
        return ", ".join(
            f"{self.counts[verdict]} {verdict}"
            for verdict in sorted(self.counts, key=lambda verdict: -self.counts[verdict])
            if self.counts[verdict]
        )


@dataclass(slots=True)
class Matrix:
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], Cell]
    rest: Cell  # cases without a leg, or with more than two

    @property
    def empty(self) -> bool:
        return not self.cells


def matrix(cases: Iterable[CaseResult]) -> Matrix:
    """Rows and columns are only those legs that occur, in the order of LEGS."""
    cells: dict[tuple[str, str], Cell] = {}
    rest = Cell("", "")
    for case in cases:
        match case.legs:
            case [caller, callee]:
                place = (caller, callee)
            case [caller]:
                place = (caller, ALONE)
            case _:
                rest.add(case)
                continue
        cells.setdefault(place, Cell(*place)).add(case)
    rows = {caller for caller, _ in cells}
    columns = {callee for _, callee in cells}
    return Matrix(
        rows=tuple(leg for leg in LEGS if leg in rows),
        columns=tuple(leg for leg in (*LEGS, ALONE) if leg in columns),
        cells=cells,
        rest=rest,
    )
