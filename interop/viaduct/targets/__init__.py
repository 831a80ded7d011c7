"""Systems under test: how they are started or found, and what they say of themselves."""

from pathlib import Path

from viaduct.targets.description import (
    FEATURES,
    LEGS,
    Account,
    Address,
    Description,
    TargetError,
)
from viaduct.targets.file import FileTarget, TargetFileError
from viaduct.targets.kamailio import KamailioTarget
from viaduct.targets.target import Target
from viaduct.targets.viaduct import FaultError, ViaductTarget

NAMES = ("viaduct", "kamailio")

__all__ = [
    "FEATURES",
    "LEGS",
    "NAMES",
    "Account",
    "Address",
    "Description",
    "FaultError",
    "FileTarget",
    "KamailioTarget",
    "Target",
    "TargetError",
    "TargetFileError",
    "ViaductTarget",
    "open_target",
]


def open_target(which: str, faults: tuple[str, ...] = (), www: Path | None = None) -> Target:
    """A target by name or by its file. TargetFileError (a usage error) when it is neither."""
    if which == "viaduct":
        return ViaductTarget(faults=faults, www=www)
    if faults:
        raise TargetFileError("--fault works with the bundled server alone")
    if which == "kamailio":
        return KamailioTarget()
    path = Path(which)
    if not path.exists():
        raise TargetFileError(
            f"no target named {which!r}: known are {', '.join(NAMES)}, or give a YAML file"
        )
    return FileTarget(path)
