"""viaduct explain: a rule, case, requirement or fault, its obligation and how to replay it."""

import argparse
from collections.abc import Iterator

from viaduct import catalogue
from viaduct.catalogue import Requirement
from viaduct.cli import shelf
from viaduct.cli.run import say
from viaduct.cli.usage import UsageError
from viaduct.report.consequences import consequence
from viaduct.report.terminal import wrapped
from viaduct.results import ExitCode
from viaduct.rules import RULES
from viaduct.rules.rule import Rule
from viaduct.run.case import Case
from viaduct.run.faults import LENIENT
from viaduct.targets import TargetError


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "explain",
        help="the obligation behind an id, its source, and how to replay it",
        description="Explains a rule, case, requirement or fault.",
    )
    parser.add_argument("id", metavar="ID", help="as `viaduct list` or a finding names it")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> ExitCode:
    word = args.id
    requirements = catalogue.load()
    if word in RULES:
        say(rule(RULES[word]))
    elif word in requirements:
        say(requirement(requirements[word]))
    elif word in shelf.cases():
        say(case(shelf.cases()[word]))
    elif (fault := _fault(word)) is not None:
        say(fault_lines(fault))
    elif family := [item for item in shelf.cases().values() if item.id.startswith(f"{word}-")]:
        say(case(family[0]))
        print(f"One of {len(family)} of its kind: {', '.join(item.id for item in family)}")
    else:
        known = (*RULES, *requirements, *shelf.cases())
        raise UsageError(f"nothing is called {word!r}{shelf.perhaps(word, known)}")
    return ExitCode.OK


def _fault(word: str) -> shelf.Fault | None:
    try:
        return shelf.faults().get(word)
    except TargetError:
        return None


def rule(found: Rule) -> Iterator[str]:
    yield f"{found.id}: {found.title}"
    yield f"a rule, {found.level}, legs {', '.join(found.legs)}"
    yield ""
    yield from wrapped(found.text)
    yield from _obligations(found.requirements)
    yield ""
    yield "Replay"
    yield "  viaduct judge TRACE.jsonl      every message of a trace is judged by this rule"
    yield from _proof(found.requirements)
    edits = [proof.id for proof in shelf.proofs() if proof.check == found.id]
    if edits:
        yield ""
        yield "Proven by edits of good traces that turn it red"
        yield from (f"  {edit}" for edit in edits)


def case(found: Case) -> Iterator[str]:
    yield f"{found.id}: {found.title}"
    yield f"a case of the suite {found.suite}, {found.function}"
    if found.legs:
        yield f"legs {' -> '.join(found.legs)}, agents {', '.join(found.agents)}"
    if found.needs:
        yield f"needs of the target: {', '.join(found.needs)}"
    yield from _obligations(found.requirements)
    yield ""
    yield "Replay"
    yield f"  viaduct run --suite {found.suite} {found.id}"
    faults = [name for name, cases in shelf.faulted().items() if found.id in cases]
    if LENIENT in faults:
        faults.remove(LENIENT)
        yield ""
        yield "Proven by a server that refuses nothing, which turns it red"
        yield f"  ci/proof -k {LENIENT}"
    if faults:
        yield ""
        yield "Proven by faults of the bundled server that turn it red"
        yield from (f"  viaduct run --fault {name} {found.id}" for name in faults)


def requirement(found: Requirement) -> Iterator[str]:
    yield f"{found.id}: {found.source}"
    yield f"{found.level}, for {', '.join(found.role)}, legs {', '.join(found.legs)}"
    if found.link:
        yield found.link
    yield ""
    yield from wrapped(found.text)
    for title, text in (
        ("Told by", found.how),
        ("Broken by", found.violation),
        ("What hangs on it", consequence(found)),
        ("Not checked, because", found.excluded or ""),
    ):
        if text:
            yield ""
            yield title
            yield from wrapped(text)
    yield ""
    rules = [item.id for item in RULES.values() if found.id in item.requirements]
    cases = [item.id for item in shelf.cases().values() if found.id in item.requirements]
    yield f"Rules: {', '.join(rules) or 'none'}"
    yield f"Cases: {', '.join(cases) or 'none'}"
    if cases:
        yield f"Replay: viaduct run {found.id}"
    yield from _proof((found.id,))


def fault_lines(found: shelf.Fault) -> Iterator[str]:
    yield f"{found.name}: {found.text}"
    yield "a fault of the bundled server, to prove that the checks see it"
    yield from _obligations((found.requirement,))
    yield ""
    yield "Replay"
    cases = shelf.faulted().get(found.name, (found.requirement,))
    yield f"  viaduct run --fault {found.name} {' '.join(cases)}"


def _obligations(ids: tuple[str, ...]) -> Iterator[str]:
    for identifier in ids:
        duty = shelf.book().obligation(identifier)
        yield ""
        yield f"{duty.level or 'due'}, {duty.source} ({duty.id})"
        yield from wrapped(duty.text or "The catalogue does not have this one.")
        if duty.violation:
            yield from wrapped(f"Broken by: {duty.violation}")
    stakes = dict.fromkeys(shelf.book().obligation(one).consequence for one in ids)
    for text in filter(None, stakes):
        yield ""
        yield "What hangs on it"
        yield from wrapped(text)


def _proof(ids: tuple[str, ...]) -> Iterator[str]:
    try:
        faults = [fault for fault in shelf.faults().values() if fault.requirement in ids]
    except TargetError:
        return
    for fault in faults:
        yield f"  viaduct run --fault {fault.name} {fault.requirement}      ({fault.text})"
