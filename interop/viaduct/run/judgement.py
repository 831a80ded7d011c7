"""From what happened in a case to its result: assertions of the case and findings of the oracle
together.
"""

import asyncio
import inspect
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from viaduct.peers.duty import Inconclusive, Skip, Unreachable, Unsupported, Violation
from viaduct.results import CaseResult, Verdict, of_findings, worst
from viaduct.rules import Finding, judge
from viaduct.run.lab import Lab
from viaduct.trace import jsonl
from viaduct.trace.model import Trace

CASE_SECONDS = 60.0
# What is missing of these is missing at the harness, not at the target.
WATCHED = ("dns-sink",)


def run_case(
    lab: Lab, function: Callable[..., Any], arguments: Mapping[str, Any], out: Path
) -> CaseResult:
    """Runs the case to its end and judges it. Never raises but for an interrupt."""
    started = time.monotonic()
    case = lab.case
    missing = [(need, lab.target.missing(need)) for need in case.needs]
    for need, why in missing:
        if why is not None:
            verdict = Verdict.SKIP if need in WATCHED else Verdict.UNSUPPORTED
            return _result(lab, verdict, started, reason=f"{need}: {why}")
    outcome, reason = _play(lab, function, arguments)
    if outcome in (Verdict.SKIP, Verdict.UNSUPPORTED):
        return _result(lab, outcome, started, reason=reason)
    trace = lab.trace()
    path = out / "traces" / f"{case.id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    jsonl.write(trace, path)
    mine = list(lab.findings)
    others: list[Finding] = []
    try:
        for finding in judge(trace):
            (mine if finding.party == "target" else others).append(finding)
    except Exception:  # a rule that falls over must not hide what the case found
        outcome, reason = Verdict.ERROR, "a rule failed:\n" + traceback.format_exc()
    return _result(
        lab,
        worst([outcome, of_findings(mine)]),
        started,
        reason=reason,
        findings=tuple(mine),
        observations=tuple(others),
        trace=str(path.relative_to(out)),
        messages=_messages(trace),
    )


def _play(
    lab: Lab, function: Callable[..., Any], arguments: Mapping[str, Any]
) -> tuple[Verdict, str]:
    try:
        if inspect.iscoroutinefunction(function):
            asyncio.run(_bounded(lab, function, arguments))
        else:
            function(**arguments)
            asyncio.run(lab.finish())
    except Violation as violation:
        lab.blame(violation)
    except AssertionError as error:
        lab.blame(Violation(str(error) or "an assertion of the case failed"))
    except Unsupported as error:
        return Verdict.UNSUPPORTED, str(error)
    except Skip as error:
        return Verdict.SKIP, str(error)
    except Inconclusive as error:
        return Verdict.INCONCLUSIVE, str(error)
    except Unreachable as error:
        return Verdict.ERROR, str(error)
    except TimeoutError:
        return Verdict.ERROR, f"the case did not end within {CASE_SECONDS:g} s"
    except Exception:
        return Verdict.ERROR, traceback.format_exc()
    return Verdict.PASS, ""


async def _bounded(lab: Lab, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    try:
        async with asyncio.timeout(CASE_SECONDS):
            await function(**arguments)
    finally:
        await lab.finish()


def _messages(trace: Trace) -> int:
    return sum(event.kind == "message" and bool(event.data.strip()) for event in trace.events)


def _result(
    lab: Lab,
    verdict: Verdict,
    started: float,
    *,
    reason: str = "",
    findings: tuple[Finding, ...] = (),
    observations: tuple[Finding, ...] = (),
    trace: str | None = None,
    messages: int = 0,
) -> CaseResult:
    case = lab.case
    return CaseResult(
        id=case.id,
        title=case.title,
        verdict=verdict,
        legs=case.legs,
        agents=case.agents,
        seconds=time.monotonic() - started,
        requirements=case.requirements,
        findings=findings,
        observations=observations,
        trace=trace,
        reason=reason,
        messages=messages,
    )
