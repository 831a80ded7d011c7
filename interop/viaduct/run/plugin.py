"""The pytest plugin that turns collected functions into judged cases. The engine loads it by
name.

A case's result travels in its test report, so it is the same with and without worker processes.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from viaduct.results.document import case_from_json, case_to_json
from viaduct.results import CaseResult
from viaduct.run.case import MARK, case_of
from viaduct.run.judgement import run_case
from viaduct.run.lab import Lab
from viaduct.run.selection import selected
from viaduct.run.settings import Settings

OPTION = "--viaduct-settings"
PROPERTY = "viaduct-result"
SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, help="the file with the engine's settings")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(...): a conformance case; see viaduct.run.case")
    path = config.getoption(OPTION)
    if path is None:
        raise pytest.UsageError("conformance cases are run by `viaduct run`")
    config.stash[SETTINGS] = Settings.read(path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen: list[pytest.Item] = []
    rest: list[pytest.Item] = []
    seen: dict[str, str] = {}
    for item in items:
        case = case_of(item)
        if case is None:
            raise pytest.UsageError(f"{item.nodeid} is no case: it lacks @case")
        if seen.setdefault(case.id, item.nodeid) != item.nodeid:
            raise pytest.UsageError(f"case {case.id} is both {seen[case.id]} and {item.nodeid}")
        (chosen if selected(case, config.stash[SETTINGS].selection) else rest).append(item)
    if rest:
        config.hook.pytest_deselected(items=rest)
    items[:] = chosen


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Lab:
    settings = request.config.stash[SETTINGS]
    case = case_of(request.node)
    if case is None:
        raise pytest.UsageError(f"{request.node.nodeid} is no case: it lacks @case")
    return Lab(settings.target, case, settings.scratch / case.id)


@pytest.hookimpl(tryfirst=True)  # type: ignore[misc]
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    lab = pyfuncitem.funcargs.get("lab")
    if not isinstance(lab, Lab):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    out = pyfuncitem.config.stash[SETTINGS].out
    result = run_case(lab, pyfuncitem.obj, arguments, out)
    pyfuncitem.user_properties.append((PROPERTY, case_to_json(result)))
    return True


def result_of(properties: Iterable[tuple[str, object]]) -> CaseResult | None:
    """The result that a test report carries."""
    for name, value in properties:
        if name == PROPERTY:
            return case_from_json(value)
    return None
