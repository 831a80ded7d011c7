"""Which cases a user means."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from viaduct.run.case import Case


def selected(case: Case, words: Sequence[str]) -> bool:
    """Whether any of the words means this case; no words mean all.

    A word is a pattern with * and ? for the case's id, or the id itself, or its first words up to
    a dash ("call" means call-wss-udp), or the id of a requirement that the case is about.
    """
    return not words or any(_means(word, case) for word in words)


def _means(word: str, case: Case) -> bool:
    if word.startswith("="):
        return case.id == word[1:]
    if any(char in word for char in "*?["):
        return fnmatchcase(case.id, word)
    return case.id == word or case.id.startswith(word + "-") or word in case.requirements
