"""CPU time per operation and memory per idle connection, side by side, in interleaved runs."""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from viaduct.bench.load import Cost, Load, LoadError, measure
from viaduct.bench.server import Kamailio, Viaduct
from viaduct.bench.table import render, rows
from viaduct.targets.description import LEGS, TargetError
from viaduct.targets.viaduct import build_directory

SERVERS = (Viaduct, Kamailio)


def loads(scale: float) -> list[Load]:
    """Rates well below saturation of one core, the same for both servers."""
    plan = [Load("register", leg, leg, 100, 2000, int(6000 * scale)) for leg in LEGS]
    plan += [Load("message", leg, leg, 100, 1000, int(3000 * scale)) for leg in LEGS]
    plan += [Load("call", leg, leg, 100, 300, int(900 * scale)) for leg in LEGS]
    plan += [
        Load("call", a, b, 100, 300, int(900 * scale)) for a, b in (("udp", "ws"), ("wss", "udp"))
    ]
    return plan


def memory_loads(users: int) -> list[Load]:
    return [Load("register", leg, leg, users, 1000, 100) for leg in ("ws", "wss")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs per figure (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="operations per run, as a factor")
    parser.add_argument(
        "--users", type=int, default=4000, help="idle connections for memory (4000)"
    )
    parser.add_argument("--only", default="", help="only the loads whose name contains this")
    parser.add_argument("--out", type=Path, default=Path("results/bench.json"))
    options = parser.parse_args()
    generator = build_directory() / "bin" / "sip-load"
    speed = [load for load in loads(options.scale) if options.only in load.name]
    memory = [load for load in memory_loads(options.users) if options.only in load.name]
    costs: dict[tuple[Load, str], list[Cost]] = {}
    steps = (len(speed) * options.runs + len(memory)) * len(SERVERS)
    step = 0
    # A fresh server for each figure: nothing that an earlier load left behind weighs on it.
    for load, runs in [(x, options.runs) for x in speed] + [(x, 1) for x in memory]:
        for _ in range(runs):
            for kind in SERVERS:
                step += 1
                print(f"[{step}/{steps}] {load.name}, {kind.name}", file=sys.stderr, flush=True)
                with tempfile.TemporaryDirectory(prefix="viaduct-bench-") as place:
                    try:
                        server = kind.start(Path(place))
                        try:
                            cost = measure(generator, server, load)
                        finally:
                            server.stop()
                    except (TargetError, LoadError) as error:
                        print(f"ci/bench: {error}", file=sys.stderr)
                        return 3
                if cost.failed:
                    print(f"   {cost.failed} of {load.count} failed", file=sys.stderr)
                costs.setdefault((load, kind.name), []).append(cost)
    ours, theirs = (kind.name for kind in SERVERS)
    fast = {key: value for key, value in costs.items() if key[0] in speed}
    idle = {key: value for key, value in costs.items() if key[0] in memory}
    print(render("CPU time per operation", "us", rows(fast, ours, theirs, memory=False)))
    print()
    print(render("memory per idle registration", "bytes", rows(idle, ours, theirs, memory=True)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    record = [
        {
            "load": dataclasses.asdict(load),
            "server": name,
            "runs": [dataclasses.asdict(c) for c in found],
        }
        for (load, name), found in costs.items()
    ]
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"\nAll figures: {options.out}")
    return 1 if any(cost.failed for found in costs.values() for cost in found) else 0


if __name__ == "__main__":
    sys.exit(main())
