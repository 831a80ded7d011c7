"""The driver's process, seen from Python: answers find their question, an end is no silence."""

import asyncio
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from viaduct.agents.driver import BrowserError, Driver, PhoneFailure


def driver(tmp_path: Path, script: str, heard: list[Mapping[str, Any]] | None = None) -> Driver:
    """A driver whose process is this Python script; `ask()` reads a command, `say()` writes one."""
    prologue = """
        import json, sys
        def ask(): return json.loads(sys.stdin.readline())
        def say(**item): print(json.dumps(item), flush=True)
    """
    text = textwrap.dedent(prologue) + textwrap.dedent(script)
    listen = (lambda item: None) if heard is None else heard.append
    return Driver([sys.executable, "-c", text], tmp_path / "log", listen)


def test_answers_find_their_questions_in_any_order(tmp_path: Path) -> None:
    one = driver(
        tmp_path,
        """
        first, second = ask(), ask()
        say(id=second["id"], ok="second")
        say(id=first["id"], ok="first")
        ask()
        """,
    )

    async def both() -> tuple[Any, Any]:
        first, second = await asyncio.gather(one.ask("a", 10.0), one.ask("b", 10.0))
        return first, second

    assert asyncio.run(both()) == ("first", "second")
    one.close()


@pytest.mark.parametrize("key, kind", [("error", BrowserError), ("failure", PhoneFailure)])
def test_errors_and_failures_name_what_was_asked(
    tmp_path: Path, key: str, kind: type[Exception]
) -> None:
    one = driver(tmp_path, f"say(id=ask()['id'], {key}='it is broken')")
    with pytest.raises(kind, match="call p hangup: it is broken"):
        asyncio.run(one.ask("call", 10.0, page="p", method="hangup"))
    one.close()


def test_events_are_heard_in_order(tmp_path: Path) -> None:
    heard: list[Mapping[str, Any]] = []
    one = driver(
        tmp_path,
        """
        say(event="socket", socket="1")
        say(event="socket", socket="2")
        say(id=ask()["id"], ok=None)
        """,
        heard,
    )
    asyncio.run(one.ask("a", 10.0))
    assert [item["socket"] for item in heard] == ["1", "2"]
    one.close()


def test_an_end_of_the_driver_fails_what_waits_for_it(tmp_path: Path) -> None:
    one = driver(tmp_path, "ask()")
    with pytest.raises(BrowserError, match="has ended"):
        asyncio.run(one.ask("a", 10.0))
    with pytest.raises(BrowserError, match="has ended"):
        asyncio.run(one.ask("b", 10.0))
    one.close()


def test_a_line_that_is_no_json_ends_the_talk(tmp_path: Path) -> None:
    one = driver(tmp_path, "ask(); print('hello', flush=True); ask()")
    with pytest.raises(BrowserError, match="no JSON.*hello"):
        asyncio.run(one.ask("a", 10.0))
    one.close()


def test_silence_has_a_bound(tmp_path: Path) -> None:
    one = driver(tmp_path, "ask(); ask()")
    with pytest.raises(BrowserError, match="no answer within 0.05 s"):
        asyncio.run(one.ask("a", 0.05))
    one.close()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrowserError, match="cannot start /nowhere/node"):
        Driver(["/nowhere/node"], tmp_path / "log", lambda item: None)
