"""The catalogue: reads what is there, names what is wrong, and knows where an id comes from."""

from pathlib import Path

import pytest

from viaduct import catalogue
from viaduct.catalogue import CatalogueError, link, load, source

ENTRY = """
- id: RFC7118-5.1-b
  level: MUST
  role: [js-client, ws-client]
  legs: wss
  header: Via
  text: Says WSS.
  check: passive
  how: Look at it.
  violation: Say WS.
"""


def test_the_catalogue_that_is_kept_here_is_good() -> None:
    entries = load()
    assert len(entries) == 1037
    assert entries["RFC7118-5.1-b"].legs == ("wss",)
    assert len({entry.source for entry in entries.values()}) > 300


@pytest.mark.parametrize(
    ("identifier", "where", "address"),
    [
        ("RFC7118-5.1-b", "RFC 7118, section 5.1", "rfc7118#section-5.1"),
        ("RFC7118-B.1-b", "RFC 7118, appendix B.1", "rfc7118#appendix-B.1"),
        ("RFC5626-9", "RFC 5626, section 9", "rfc5626#section-9"),
        ("AUTOBAHN-1.1-a", "Autobahn test suite, section 1.1", None),
        ("DRAFT-TURN-REST-2.2-a", "draft-uberti-behave-turn-rest, section 2.2", None),
        ("something", "something", None),
    ],
)
def test_source_and_link(identifier: str, where: str, address: str | None) -> None:
    assert source(identifier) == where
    wanted = None if address is None else f"https://www.rfc-editor.org/rfc/{address}"
    assert link(identifier) == wanted


def read(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    catalogue.load.__wrapped__(tmp_path)


def test_lists_and_single_words_are_alike(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(ENTRY, "utf-8")
    (entry,) = load(tmp_path).values()
    assert entry.role == ("js-client", "ws-client") and entry.legs == ("wss",)
    assert entry.excluded is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "x.yaml"),
        ("a: b", "a list of entries"),
        ("- a", "entry 1: a mapping"),
        (ENTRY + ENTRY, "RFC7118-5.1-b is there twice"),
        (ENTRY.replace("level: MUST", "level: must"), "level 'must'"),
        (ENTRY.replace("passive", "sometimes"), "check 'sometimes'"),
        (ENTRY.replace("  how: Look at it.\n", ""), "lacks how"),
        (ENTRY + "  more: x\n", "unknown key more"),
    ],
)
def test_a_bad_catalogue_is_named_by_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        read(tmp_path, text)


def test_no_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no requirements"):
        load(tmp_path)
