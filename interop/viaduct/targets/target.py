"""The interface to a system under test.

The bundled server is one among others and has no privileges.
"""

from abc import ABC, abstractmethod
from pathlib import Path

from viaduct.targets.description import Description


class Target(ABC):
    """Made once per run. start() may be called once; stop() any number of times, also after a
    failed start().
    """

    @abstractmethod
    def start(self, directory: Path) -> Description:
        """Starts (or finds) the target, keeping its files in `directory`; TargetError when it
        cannot be used.
        """

    @abstractmethod
    def stop(self) -> str | None:
        """Stops what start() started.

        Returns what was wrong with its end (crash, leak), or None.
        """

    @abstractmethod
    def exited(self) -> str | None:
        """How the target ended, if it ended by itself; None while it runs or is not ours to
        watch.
        """

    @property
    def logs(self) -> tuple[Path, ...]:
        return ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Deviations it was started with on purpose."""
        return ()
