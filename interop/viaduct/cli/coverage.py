"""viaduct coverage: requirement -> checks -> proof, as a table or as JSON."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from viaduct import catalogue
from viaduct.cli import shelf
from viaduct.cli.run import say
from viaduct.coverage import STATUSES, Check, Coverage, coverage, to_json
from viaduct.results import ExitCode
from viaduct.rules import RULES


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "coverage",
        help="requirement -> checks -> proof, as a table and as JSON",
        description="Maps each requirement to the rules and cases that check it, and those to "
        "the mutants and faults that prove that they can fail.",
    )
    parser.add_argument("--json", action="store_true", help="the whole mapping as JSON")
    parser.add_argument(
        "--status", choices=STATUSES, help="name each requirement that has this status"
    )
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> ExitCode:
    entries = measured()
    if args.json:
        print(json.dumps(to_json(entries), indent=1))
    elif args.status:
        for entry in entries:
            if entry.status == args.status:
                print(line(entry))
    else:
        say(table(entries))
    return ExitCode.OK


def measured() -> list[Coverage]:
    checks = [
        *(Check(rule.id, rule.requirements) for rule in RULES.values()),
        *(Check(case.id, case.requirements) for case in shelf.cases().values()),
    ]
    return coverage(catalogue.load(), checks, shelf.proofs())


def line(entry: Coverage) -> str:
    found = entry.requirement
    reason = f" ({found.excluded})" if found.excluded else ""
    checks = f" [{', '.join(entry.checks[:3])}{', …' if entry.checks[3:] else ''}]"
    return f"{found.id:<20} {found.level:<10} {found.text}{reason}{checks if entry.checks else ''}"


def table(entries: Iterable[Coverage]) -> Iterator[str]:
    documents: dict[str, Counter[str]] = {}
    for entry in entries:
        document = entry.requirement.source.split(",")[0]
        documents.setdefault(document, Counter())[entry.status] += 1
    total: Counter[str] = Counter()
    yield f"{'':<32}" + "".join(f"{status:>10}" for status in (*STATUSES, "all"))
    for document, counts in documents.items():
        yield _row(document, counts)
        total += counts
    yield _row("all", total)


def _row(name: str, counts: Counter[str]) -> str:
    cells = (*(counts[status] for status in STATUSES), counts.total())
    return f"{name:<32}" + "".join(f"{cell:>10}" for cell in cells)
