"""viaduct judge: captures, judged without a target."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from viaduct import report
from viaduct.cli import capture, shelf
from viaduct.cli.run import read_expectations, say
from viaduct.cli.screen import style_of
from viaduct.cli.usage import UsageError
from viaduct.report.headline import headline
from viaduct.report.terminal import finding as finding_lines
from viaduct.results import CaseResult, ExitCode, RunResult, TargetInfo, Verdict, of_findings
from viaduct.results import expect as expectations
from viaduct.results import to_json
from viaduct.rules import judge
from viaduct.trace import jsonl
from viaduct.trace.model import Header, Trace, merge

DESCRIPTION = """Judges captures. Several files are taken as several views of one and the same
happening and merged by time. Without --sut, the addresses that the files name are the system under
test; where they name none, whoever sent a message answers for it."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("judge", help="judge captures", description=DESCRIPTION)
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a trace (.jsonl) or a message log of SIPp",
    )
    parser.add_argument(
        "--sut",
        action="append",
        default=[],
        metavar="TRANSPORT:HOST:PORT",
        help="an address of the system under test; may be repeated (logs of SIPp need it)",
    )
    parser.add_argument(
        "--sut-vantage",
        action="append",
        default=[],
        metavar="NAME",
        help="a vantage that recorded inside the system under test; may be repeated",
    )
    parser.add_argument("--name", default="capture", help="what to call the system under test")
    parser.add_argument("--all", action="store_true", help="judge the other ends as well")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the report there")
    parser.add_argument("--expect", metavar="FILE", help="known failures, as for run")
    parser.add_argument("--json", action="store_true", help="results.json on stdout, no text")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> ExitCode:
    started = datetime.now(timezone.utc)
    expected = read_expectations(args.expect)
    trace = with_sut(
        merge(capture.read(path, args.sut) for path in args.files), args.sut, args.sut_vantage
    )
    everyone = args.all or not (trace.header.sut or trace.header.sut_vantages)
    case = judged(trace, everyone=everyone, name=args.files[0].stem)
    run = RunResult(
        suite="judge",
        target=TargetInfo(args.name),
        started=started,
        seconds=(datetime.now(timezone.utc) - started).total_seconds(),
        cases=(case,),
    )
    if expected is not None:
        run = expectations.apply(run, expected)
    if args.out is not None:
        path = args.out / "traces" / "judged.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        jsonl.write(trace, path)
        report.write_all(run, shelf.book(), args.out)
    if args.json:
        print(json.dumps(to_json(run), indent=1, ensure_ascii=False))
    else:
        tell(run, trace)
        if args.out is not None:
            print(f"report: {args.out / report.PAGE}")
    return run.exit_code


def with_sut(trace: Trace, sut: Sequence[str], vantages: Sequence[str]) -> Trace:
    if not sut and not vantages:
        return trace
    for address in sut:
        if address.count(":") < 2:
            raise UsageError(f"--sut {address}: TRANSPORT:HOST:PORT wanted, such as udp:[::1]:5060")
    header = trace.header
    return Trace(
        Header(
            at=header.at,
            sut=tuple(sut) or header.sut,
            sut_vantages=tuple(vantages) or header.sut_vantages,
            version=header.version,
            note=header.note,
            extra=header.extra,
        ),
        trace.events,
    )


def judged(trace: Trace, *, everyone: bool, name: str) -> CaseResult:
    """The capture as one case; `everyone`: findings against the other ends count as well."""
    found = judge(trace)
    mine = tuple(one for one in found if everyone or one.party == "target")
    others = tuple(one for one in found if not everyone and one.party != "target")
    messages = sum(event.kind == "message" and bool(event.data.strip()) for event in trace.events)
    verdict = of_findings(mine)
    nothing = verdict is Verdict.PASS and messages == 0
    seconds = trace.events[-1].t - trace.events[0].t if trace.events else 0.0
    return CaseResult(
        id=name,
        title="The capture",
        verdict=Verdict.SKIP if nothing else verdict,
        reason="There is no SIP message in it." if nothing else "",
        seconds=max(seconds, 0.0),
        findings=mine,
        observations=others,
        trace="traces/judged.jsonl",
        messages=messages,
    )


def tell(run: RunResult, trace: Trace) -> None:
    """The findings in full, then the counts."""
    style = style_of(sys.stdout)
    events = {event.n: event for event in trace.events}
    case = run.cases[0]
    for found in case.findings:
        say(finding_lines(found, shelf.book(), events, style))
    if case.observations:
        parties = Counter(one.party for one in case.observations)
        words = ", ".join(f"{count} of {party}" for party, count in parties.most_common())
        print(f"Not counted, as they are about other ends: {words} (--all counts them).\n")
    counts = Counter(found.verdict for found in case.findings)
    parts = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    verdict = case.verdict
    print(style.bold(style.verdict(verdict, parts or case.reason or headline(run))))
    flows = {(event.at, event.flow) for event in trace.events if event.flow}
    print(f"{case.messages:,} messages on {len(flows)} flows judged in {run.seconds:.1f} s")
