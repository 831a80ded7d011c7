"""What the terminal can show, and a line that counts while cases run."""

import os
import shutil
import sys
from typing import TextIO

from viaduct.report.terminal import Style
from viaduct.report.visible import one_line
from viaduct.results import CaseResult, Verdict


def style_of(stream: TextIO) -> Style:
    """Colour on a terminal, unless NO_COLOR asks for none or FORCE_COLOR for it anyway."""
    forced = bool(os.environ.get("FORCE_COLOR"))
    colour = forced or (stream.isatty() and not os.environ.get("NO_COLOR"))
    encoding = (stream.encoding or "ascii").lower().replace("-", "")
    return Style(colour=colour, unicode=encoding.startswith("utf"))


class Progress:
    """A single line that is written over on a terminal, else a line per case that is not green."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._style = style_of(stream)
        self._live = stream.isatty()
        self._bad = 0
        self._said = 0

    def __call__(self, case: CaseResult, done: int, total: int) -> None:
        bad = case.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)
        self._bad += bad
        if self._live:
            self._clear()
        if bad:
            glyph = self._style.verdict(case.verdict, self._style.glyph(case.verdict))
            own = [finding.text for finding in case.findings if finding.rule == case.id]
            rules = dict.fromkeys(finding.rule for finding in case.findings)
            why = own[0] if own else ", ".join(rules)
            why = why or (case.reason.strip().splitlines() or [""])[-1]
            self._say(f"{glyph} {one_line(case.id)}: {one_line(why, 150)}\n")
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._say(f"{done}/{total}  {self._bad} bad  {case.id}"[:width])
        elif done == total or done * 10 // total > self._said:
            self._said = done * 10 // total
            self._say(f"{done}/{total} cases, {self._bad} bad\n")

    def end(self) -> None:
        if self._live:
            self._clear()
            self._stream.flush()

    def _clear(self) -> None:
        self._stream.write("\r\x1b[K")

    def _say(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
