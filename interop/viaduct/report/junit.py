"""junit.xml, in the dialect that Jenkins, GitLab and GitHub's actions all read.

fail and inconclusive become a failure, error an error; skip and unsupported are skipped, and so is
a failure that an expectation file foretold, which names its reason. A warning passes and says so in
its output. A foretold failure that did not come is a failure.
"""

import xml.etree.ElementTree as ElementTree
from datetime import timezone
from pathlib import Path

from viaduct.report.visible import one_line, visible
from viaduct.results import CaseResult, RunResult, Verdict
from viaduct.rules.finding import Finding


def write(run: RunResult, path: Path) -> None:
    root = document(run)
    ElementTree.indent(root)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def document(run: RunResult) -> ElementTree.Element:
    root = ElementTree.Element("testsuites", name="viaduct", time=_seconds(run.seconds))
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=visible(f"{run.suite} against {run.target.name} {run.target.version}"),
        timestamp=run.started.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        time=_seconds(run.seconds),
        hostname=visible(run.target.name),
    )
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for case in run.cases:
        element = _case(run, case)
        suite.append(element)
        counts["tests"] += 1
        counts["failures"] += element.find("failure") is not None
        counts["errors"] += element.find("error") is not None
        counts["skipped"] += element.find("skipped") is not None
    for holder in (root, suite):
        for name, count in counts.items():
            holder.set(name, str(count))
    return root


def _case(run: RunResult, case: CaseResult) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase",
        classname=visible(f"{run.suite}.{run.target.name}.{case.operation}".replace(" ", "-")),
        name=visible(case.id),
        time=_seconds(case.seconds),
    )
    known = case.known
    if known is not None and not known.met:
        text = f"the failure foretold ({known.reason}) did not come: remove it from the file"
        _add(element, "failure", "unexpected", text, known.link)
    elif known is not None:
        _add(element, "skipped", None, f"known: {known.reason} {known.link}", "")
    elif case.verdict is Verdict.ERROR:
        _add(element, "error", "harness", case.reason, "")
    elif case.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        _add(element, "failure", case.verdict.value, headline(case), _findings(case.findings))
    elif not case.verdict.ran:
        _add(element, "skipped", None, f"{case.verdict}: {case.reason}", "")
    output = [case.title]
    if case.verdict is Verdict.WARN or known is not None:
        output.append(_findings(case.findings))
    if case.observations:
        output.append("Observed of the other ends:\n" + _findings(case.observations))
    if case.trace:
        output.append(f"Trace: {case.trace}")
    ElementTree.SubElement(element, "system-out").text = visible("\n".join(output))
    return element


def _add(element: ElementTree.Element, tag: str, kind: str | None, text: str, body: str) -> None:
    child = ElementTree.SubElement(element, tag, message=one_line(text, 500))
    if kind:
        child.set("type", kind)
    child.text = visible(body or text)


def headline(case: CaseResult) -> str:
    if not case.findings:
        return case.reason
    first = case.findings[0]
    more = f" (and {len(case.findings) - 1} more)" if len(case.findings) > 1 else ""
    return f"{first.rule}: {first.text}{more}"


def _findings(findings: tuple[Finding, ...]) -> str:
    return "\n".join(
        f"{finding.verdict} {finding.rule} [{finding.level} {finding.requirement}]"
        f"{'' if finding.event is None else f' event {finding.event}'}: {finding.text}"
        for finding in findings
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
