"""viaduct run: cases against a target, judged and reported."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from viaduct import report
from viaduct.cli import shelf
from viaduct.cli.screen import Progress, style_of
from viaduct.cli.usage import NothingMeant, UsageError
from viaduct.report.terminal import summary
from viaduct.results import ExitCode, RunResult
from viaduct.results import expect as expectations
from viaduct.results.expect import Expectations
from viaduct.run import engine
from viaduct.run.case import Case
from viaduct.run.selection import selected
from viaduct.targets import LEGS, NAMES, open_target

DESCRIPTION = """Runs the cases that are meant against a target, judges every message and writes
results.json, junit.xml, summary.md, report.html and the traces to --out."""

SELECTION = """which cases: an id (call-wss-udp), its first words (call), a pattern (call-wss-*),
any part of an id, or the requirement it is about (RFC7118-5.1-b). Several mean any of them, none
means all."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("run", help="run, judge, report", description=DESCRIPTION)
    parser.add_argument("selection", nargs="*", metavar="SELECTION", help=SELECTION)
    parser.add_argument(
        "--target",
        default="viaduct",
        metavar="NAME|FILE",
        help=f"{', '.join(NAMES)}, or a YAML file that describes yours (default: viaduct)",
    )
    parser.add_argument("--suite", default=engine.ALL, help="one suite only (default: all)")
    parser.add_argument("--from", dest="caller", choices=LEGS, help="only callers on this leg")
    parser.add_argument("--to", dest="callee", choices=LEGS, help="only callees on this leg")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="where the results go (default: results)",
    )
    parser.add_argument(
        "--expect",
        metavar="FILE",
        help="known failures of the target: a file, or the name of one in interop/expect",
    )
    parser.add_argument(
        "--update-expect",
        type=Path,
        metavar="FILE",
        help="write what fails to this file, for review; reasons in it are kept",
    )
    parser.add_argument("--jobs", type=jobs, metavar="N", help="processes that run cases")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="a deviation to start the bundled server with; may be repeated",
    )
    parser.add_argument("--list", action="store_true", help="show the cases, run none")
    parser.set_defaults(execute=execute)


def jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 64")
    return int(text)


def execute(args: argparse.Namespace) -> ExitCode:
    suites = (engine.ALL, *engine.suites())
    if args.suite not in suites:
        raise UsageError(f"--suite {args.suite}: there is {', '.join(suites)}")
    chosen = choose(engine.list_cases(args.suite), args.selection, args.caller, args.callee)
    if args.list:
        for case in chosen:
            print(f"{case.id:<32} {case.title}")
        return ExitCode.OK if chosen else ExitCode.NOTHING_RAN
    expected = read_expectations(args.expect)
    target = open_target(args.target, tuple(args.fault), shelf.page())
    for fault in args.fault:
        if fault not in shelf.faults():
            raise UsageError(f"no fault {fault!r}{shelf.perhaps(fault, shelf.faults())}")
    report.clear(args.out)
    progress = Progress()
    try:
        run = engine.run(
            args.suite,
            target,
            [f"={case.id}" for case in chosen] or ["="],
            args.out,
            progress=progress,
            workers=args.jobs,
        )
    finally:
        progress.end()
    if args.update_expect is not None:
        update(args.update_expect, run)
    return finish(run, expected, args.out)


def choose(
    cases: Sequence[Case],
    words: Sequence[str],
    caller: str | None = None,
    callee: str | None = None,
) -> list[Case]:
    """The cases meant. NothingMeant for a word that means none, with what was perhaps meant."""
    meant: dict[str, None] = {}
    for word in words:
        found = [case.id for case in cases if selected(case, [word])]
        found = found or [case.id for case in cases if word and word in case.id]
        if not found:
            raise NothingMeant(
                f"no case {word!r}{shelf.perhaps(word, (case.id for case in cases))}"
            )
        meant.update(dict.fromkeys(found))
    return [
        case
        for case in cases
        if (not words or case.id in meant)
        and (caller is None or case.legs[:1] == (caller,))
        and (callee is None or case.legs[1:2] == (callee,))
    ]


def read_expectations(name: str | None) -> Expectations | None:
    if name is None:
        return None
    path = Path(name)
    shelved = shelf.EXPECT / f"{name}.yaml"
    if not path.exists() and os.sep not in name and shelved.is_file():
        path = shelved
    return expectations.read(path)


def update(path: Path, run: RunResult) -> None:
    old = expectations.read(path, complete=False) if path.exists() else None
    path.write_text(expectations.draft(run, old), encoding="utf-8")
    print(f"{path}: written; give each entry without one its reason and link", file=sys.stderr)


def finish(run: RunResult, expected: Expectations | None, out: Path) -> ExitCode:
    """Writes the report and says on stdout what came of the run."""
    if expected is not None:
        run = expectations.apply(run, expected)
    report.write_all(run, shelf.book(), out)
    say(summary(run, style_of(sys.stdout)))
    print(f"report: {out / report.PAGE}")
    return run.exit_code


def say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
