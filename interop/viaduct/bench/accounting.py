"""What processes have cost so far, from the kernel's own accounting."""

from collections.abc import Iterable
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and all of its descendants."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid] + [member for child in children for member in family(child)]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Seconds on a CPU, user and system, of all threads: the scheduler's own accounting."""
    return (
        sum(
            int((task / "schedstat").read_text().split()[0])
            for pid in pids
            for task in Path(f"/proc/{pid}/task").iterdir()
        )
        / 1e9
    )


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory, shared pages divided among those who share them (PSS).

    What the kernel holds for sockets is not in it.
    """
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
