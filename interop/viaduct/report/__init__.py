"""The writers: results.json, junit.xml, summary.md and report.html, all from the same results."""

from pathlib import Path

from viaduct import results
from viaduct.report import junit, page, summary
from viaduct.report.book import Book
from viaduct.results import RunResult

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
