"""What a peer raises when the other side does not do its duty, and how long a peer waits for it."""

import os

# Upper bound of every wait for the target. It bounds a failing case; a passing one never waits.
PATIENCE = float(os.environ.get("VIADUCT_PATIENCE", "3"))


class Violation(AssertionError):
    """The target broke a requirement, as seen by a case or a peer."""

    def __init__(
        self,
        text: str,
        requirement: str | None = None,  # None: the first one that the case is about
        level: str = "MUST",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.requirement = requirement
        self.level = level


class Inconclusive(Exception):
    """The evidence to decide is missing; the text says which."""


class Unsupported(Exception):
    """The target declared, or told by its answer, that it does not offer what the case needs."""


class Skip(Exception):
    """The case cannot be tried on this machine; the text says why."""


class Unreachable(Exception):
    """No connection to the target at all: the harness cannot judge what it cannot reach."""
