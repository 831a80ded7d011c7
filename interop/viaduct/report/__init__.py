"""The writers: results.json, junit.xml, summary.md and report.html, all from the same results."""

from pathlib import Path

from viaduct import results
from viaduct.report import junit, page, summary
from viaduct.report.book import Book
from viaduct.results import ResultsError, RunResult

RESULTS = "results.json"
JUNIT = "junit.xml"
SUMMARY = "summary.md"
PAGE = "report.html"


def write_all(run: RunResult, book: Book, out: Path) -> None:
    """Writes the four files to the folder in which the run's traces already are."""
    out.mkdir(parents=True, exist_ok=True)
    results.write(run, out / RESULTS)
    junit.write(run, out / JUNIT)
    summary.write(run, book, out / SUMMARY)
    page.write(run, book, out / PAGE)


def clear(out: Path) -> None:
    """Takes away what an earlier run left, so that nothing of it is taken for the next one's."""
    try:
        old = results.read(out / RESULTS)
    except (OSError, ResultsError):
        old = None
    for case in old.cases if old else ():
        if case.trace is not None and (out / case.trace).resolve().is_relative_to(out.resolve()):
            (out / case.trace).unlink(missing_ok=True)
    for name in (RESULTS, JUNIT, SUMMARY, PAGE):
        (out / name).unlink(missing_ok=True)
