"""What the processes that run cases are told: one file, written by the engine before it starts
them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from viaduct.targets.description import Description


@dataclass(frozen=True, slots=True)
class Settings:
    target: Description
    out: Path
    scratch: Path
    selection: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        path.write_text(
            json.dumps(
                {
                    "target": self.target.to_json(),
                    "out": str(self.out),
                    "scratch": str(self.scratch),
                    "selection": list(self.selection),
                }
            ),
            encoding="utf-8",
        )

    @classmethod
    def read(cls, path: Path) -> "Settings":
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            target=Description.from_json(data["target"]),
            out=Path(data["out"]),
            scratch=Path(data["scratch"]),
            selection=tuple(data["selection"]),
        )
