"""viaduct repro: known interop bugs, each replayed with one command."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from viaduct.cli import shelf
from viaduct.cli.run import execute as run
from viaduct.cli.run import say
from viaduct.cli.usage import UsageError
from viaduct.report.terminal import wrapped
from viaduct.results import ExitCode

KEYS = {"id", "source", "product", "summary", "arguments", "expected"}


@dataclass(frozen=True, slots=True)
class Bug:
    """A file of interop/bugs: what is known publicly, and the `viaduct run` that shows it."""

    id: str
    source: str
    product: str
    summary: str
    arguments: tuple[str, ...]
    expected: str  # what the replay shows when the bug is there


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "repro",
        help="list or replay known interop bugs",
        description="Lists the known interop bugs that can be replayed here, or replays one.",
    )
    parser.add_argument("bug", nargs="?", metavar="BUG")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> ExitCode:
    bugs = load(shelf.BUGS)
    if args.bug is None:
        if not bugs:
            print(f"No bug can be replayed yet: there is none in {shelf.BUGS}.")
            return ExitCode.NOTHING_RAN
        for bug in bugs.values():
            print(f"{bug.id:<40} {bug.product}")
        return ExitCode.OK
    if args.bug not in bugs:
        raise UsageError(f"no bug {args.bug!r}{shelf.perhaps(args.bug, bugs, 'viaduct repro')}")
    return replay(bugs[args.bug], args.out)


def load(folder: Path) -> dict[str, Bug]:
    bugs: dict[str, Bug] = {}
    for path in sorted(folder.glob("*.yaml")):
        bug = read(path)
        bugs[bug.id] = bug
    return bugs


def read(path: Path) -> Bug:
    try:
        item: Any = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: {error}") from error
    if not isinstance(item, dict) or set(item) != KEYS:
        raise UsageError(f"{path}: {', '.join(sorted(KEYS))} wanted, and nothing else")
    arguments = item["arguments"]
    if not isinstance(arguments, list) or not all(isinstance(word, str) for word in arguments):
        raise UsageError(f"{path}: arguments is a list of words for `viaduct run`")
    if item["id"] != path.stem:
        raise UsageError(f"{path}: holds the bug {item['id']!r}; file and id have one name")
    texts = {key: str(item[key]) for key in KEYS - {"arguments"}}
    return Bug(arguments=tuple(arguments), **texts)


def replay(bug: Bug, out: Path) -> ExitCode:
    from viaduct.cli.main import parser

    print(f"{bug.id}: {bug.product}")
    say(wrapped(bug.summary))
    print(f"  {bug.source}")
    say(wrapped(f"If the bug is there: {bug.expected}"))
    command = ["run", *bug.arguments, "--out", str(out)]
    print(f"viaduct {' '.join(command)}\n", flush=True)
    return run(parser().parse_args(command))
