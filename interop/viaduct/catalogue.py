"""The catalogue of requirements: interop/requirements/*.yaml, read and checked.

Each entry is one obligation with a permanent id such as RFC7118-5.1-b: the document, its section
and a letter. The README beside the files says what the keys mean.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
CHECKS = ("passive", "active", "both")
_RFC = re.compile(r"RFC(\d+)-([0-9A-Z]+(?:\.[0-9]+)*)(?:-[a-z]+)?\Z")
_OTHER = re.compile(r"([A-Z][A-Z-]*)-([0-9]+(?:\.[0-9]+)*)-[a-z]+\Z")
_OTHER_NAMES = {
    "AUTOBAHN": "Autobahn test suite",
    "DRAFT-TURN-REST": "draft-uberti-behave-turn-rest",
}


class CatalogueError(ValueError):
    """A file of the catalogue is wrong; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    level: str
    role: tuple[str, ...]
    legs: tuple[str, ...]
    header: str
    text: str
    check: str  # "passive", "active" or "both"
    how: str
    violation: str
    excluded: str | None = None  # why nothing can check it

    @property
    def source(self) -> str:
        return source(self.id)

    @property
    def link(self) -> str | None:
        return link(self.id)


def source(identifier: str) -> str:
    """Where a requirement comes from, for people: "RFC 7118, section 5.1"."""
    if match := _RFC.match(identifier):
        word = "section" if match[2][0].isdigit() else "appendix"
        return f"RFC {match[1]}, {word} {match[2]}"
    if match := _OTHER.match(identifier):
        return f"{_OTHER_NAMES.get(match[1], match[1])}, section {match[2]}"
    return identifier


def link(identifier: str) -> str | None:
    """The section's address at the RFC editor; None for what is not an RFC."""
    if match := _RFC.match(identifier):
        word = "section" if match[2][0].isdigit() else "appendix"
        return f"https://www.rfc-editor.org/rfc/rfc{match[1]}#{word}-{match[2]}"
    return None


@cache
def load(folder: Path = FOLDER) -> Mapping[str, Requirement]:
    """All entries by id, in the order of the files. No folder or an empty one is an error."""
    entries: dict[str, Requirement] = {}
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise CatalogueError(f"{folder}: holds no requirements")
    for path in files:
        try:
            document = yaml.load(path.read_bytes(), Loader=_loader())
        except yaml.YAMLError as error:
            raise CatalogueError(f"{path}: {error}") from error
        if not isinstance(document, list):
            raise CatalogueError(f"{path}: a list of entries wanted")
        for index, item in enumerate(document):
            entry = _entry(item, f"{path.name}: entry {index + 1}")
            if entry.id in entries:
                raise CatalogueError(f"{path.name}: {entry.id} is there twice")
            entries[entry.id] = entry
    return entries


def _loader() -> Any:
    # libyaml's loader reads the catalogue in a tenth of a second, the other one in seconds.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _entry(item: Any, where: str) -> Requirement:
    if not isinstance(item, dict):
        raise CatalogueError(f"{where}: a mapping wanted")
    where = f"{where} ({item.get('id', 'no id')})"
    wanted = {"id", "level", "role", "legs", "header", "text", "check", "how", "violation"}
    if missing := wanted - item.keys():
        raise CatalogueError(f"{where}: lacks {', '.join(sorted(missing))}")
    if unknown := item.keys() - wanted - {"excluded", "corrected"}:
        raise CatalogueError(f"{where}: unknown key {', '.join(sorted(unknown))}")
    if item["level"] not in LEVELS:
        raise CatalogueError(f"{where}: level {item['level']!r}")
    if item["check"] not in CHECKS:
        raise CatalogueError(f"{where}: check {item['check']!r}")
    return Requirement(
        id=str(item["id"]),
        level=item["level"],
        role=_words(item["role"]),
        legs=_words(item["legs"]),
        header=str(item["header"]),
        text=str(item["text"]),
        check=item["check"],
        how=str(item["how"]),
        violation=str(item["violation"]),
        excluded=item.get("excluded"),
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (str(value),)
