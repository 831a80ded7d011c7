"""Traces as they sit in the page: the very file, compressed, so that it needs nothing else."""

import base64
import gzip
from dataclasses import dataclass
from pathlib import Path

# Characters of base64. A page of this size still opens at once; what is beyond is only named.
ONE_CEILING = 4_000_000
ALL_CEILING = 40_000_000


@dataclass(frozen=True, slots=True)
class Embedded:
    path: str  # relative to the page
    packed: str  # gzip, base64; "" if it is not here, as `problem` says
    problem: str = ""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class Shelf:
    """The traces of a page, each once however many cases share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, int] = {}
        self._room = ALL_CEILING
        self.traces: list[Embedded] = []

    def place(self, path: str) -> int:
        if path not in self._places:
            self._places[path] = len(self.traces)
            trace = self._embed(path)
            self._room -= len(trace.packed)
            self.traces.append(trace)
        return self._places[path]

    def _embed(self, path: str) -> Embedded:
        try:
            data = (self._folder / path).read_bytes()
        except OSError as error:
            return Embedded(path, "", f"The trace {path} could not be read: {error.strerror}.")
        packed = base64.b64encode(gzip.compress(data, 9, mtime=0)).decode("ascii")
        if len(packed) > min(ONE_CEILING, self._room):
            return Embedded(path, "", f"The trace is too large to be kept here: see {path}.")
        return Embedded(path, packed)
