"""What a case is: a stimulus and a duty, with an id typed by hand.

    @case("message", "MESSAGE from {0} to {1} arrives, and its answer comes back",
          requirements=("RFC3261-16.6-a",), legs=PAIRS)
    async def test_message(lab: Lab, legs: tuple[str, str]) -> None: ...

With legs, the case runs once for each entry and its id is the typed one followed by the legs:
message-wss-udp. Without, the function takes the lab alone and the id is as typed.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from viaduct.targets.description import LEGS

PAIRS = tuple((a, b) for a in LEGS for b in LEGS)
EACH = tuple((leg,) for leg in LEGS)
STREAMS = (("ws",), ("wss",), ("tls",), ("tcp",))
WEB = (("ws",), ("wss",))

SCRIPTED = "scripted"
MARK = "case"
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    title: str
    requirements: tuple[
        str, ...
    ]  # the first one is what a failure is put down to, unless said otherwise
    legs: tuple[str, ...]
    agents: tuple[str, ...]
    needs: tuple[str, ...]  # features of the target, its legs included
    suite: str = ""
    function: str = ""  # "FILE::FUNCTION", relative to the suite's folder


def case(
    id: str,
    title: str,
    *,
    requirements: Sequence[str],
    legs: Iterable[tuple[str, ...]] | None = None,
    agents: Sequence[str] = (),  # in the order of the legs; empty: all scripted
    needs: Sequence[str] = (),
    on: Sequence[str] = (),  # the legs of a case without parameter
) -> Callable[[Function], Function]:
    if ID.fullmatch(id) is None:
        raise ValueError(f"case id {id!r}: lower-case words with dashes wanted")
    if not requirements:
        raise ValueError(f"case {id} names no requirement")

    def decorate(function: Function) -> Function:
        marked: Function = getattr(pytest.mark, MARK)(
            id=id,
            title=title,
            requirements=tuple(requirements),
            agents=tuple(agents),
            needs=tuple(needs),
            on=tuple(on),
        )(function)
        if legs is None:
            return marked
        entries = [tuple(entry) for entry in legs]
        names = ["-".join(entry) for entry in entries]
        parametrized: Function = pytest.mark.parametrize("legs", entries, ids=names)(marked)
        return parametrized

    return decorate


def case_of(item: pytest.Item) -> Case | None:
    """The case that a collected test is, or None for a function without @case."""
    mark = item.get_closest_marker(MARK)
    if mark is None:
        return None
    facts = mark.kwargs
    callspec = getattr(item, "callspec", None)
    legs: tuple[str, ...] = facts["on"]
    id = facts["id"]
    if callspec is not None and "legs" in callspec.params:
        legs = callspec.params["legs"]
        id = "-".join((id, *legs))
    return Case(
        id=id,
        title=facts["title"].format(*(leg.upper() for leg in legs)),
        requirements=facts["requirements"],
        legs=legs,
        agents=facts["agents"] or (SCRIPTED,) * max(len(legs), 1),
        needs=(*dict.fromkeys((*legs, *facts["needs"])),),
        suite=item.path.parent.name,
        function=f"{item.path.name}::{getattr(item, 'originalname', None) or item.name}",
    )
