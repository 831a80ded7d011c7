"""Results of a run: what was tried, what came of it, and how that is stored as results.json.

The run engine and `viaduct judge` make these; the report reads nothing else.
"""

from viaduct.results.case import CaseResult, Known
from viaduct.results.document import ResultsError, from_json, read, to_json, write
from viaduct.results.run import RunResult, TargetInfo, Totals
from viaduct.results.verdict import SEVERITY, ExitCode, Verdict, of_findings, worst

__all__ = [
    "CaseResult",
    "SEVERITY",
    "ExitCode",
    "Known",
    "ResultsError",
    "RunResult",
    "TargetInfo",
    "Totals",
    "Verdict",
    "from_json",
    "of_findings",
    "read",
    "to_json",
    "worst",
    "write",
]
