"""viaduct list: rules, cases, faults and targets, a line each."""

import argparse
from collections.abc import Iterator

from viaduct.cli import shelf
from viaduct.results import ExitCode
from viaduct.rules import RULES
from viaduct.targets import NAMES, TargetError

KINDS = ("rules", "cases", "faults", "targets")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "list",
        help="what is checked: rules, cases, faults, targets",
        description="Shows what there is, a line each. `viaduct explain ID` tells more.",
    )
    parser.add_argument(
        "kind", nargs="*", choices=[[], *KINDS], metavar="KIND", help="|".join(KINDS)
    )
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> ExitCode:
    lines = {"rules": rules, "cases": cases, "faults": faults, "targets": targets}
    kinds = args.kind or KINDS
    for kind in kinds:
        if len(kinds) > 1:
            print(f"{kind}:")
        for line in lines[kind]():
            print(f"  {line}" if len(kinds) > 1 else line)
    return ExitCode.OK


def rules() -> Iterator[str]:
    for rule in RULES.values():
        yield f"{rule.id:<32} {rule.level:<10} {rule.title}"


def cases() -> Iterator[str]:
    for case in shelf.cases().values():
        yield f"{case.id:<32} {case.suite:<10} {case.title}"


def faults() -> Iterator[str]:
    try:
        found = shelf.faults()
    except TargetError as error:
        yield f"(not known: {error})"
        return
    for fault in found.values():
        yield f"{fault.name:<32} {fault.requirement:<18} {fault.text}"


def targets() -> Iterator[str]:
    yield f"{NAMES[0]:<32} the bundled server"
    for name in NAMES[1:]:
        yield f"{name:<32} started by the harness on free ports"
    yield f"{'FILE.yaml':<32} yours, as the file describes it (see viaduct/targets/file.py)"
