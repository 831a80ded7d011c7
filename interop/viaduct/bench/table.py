"""The figures as a table for a person and as JSON for a plot."""

from collections.abc import Mapping, Sequence
from statistics import median

from viaduct.bench.load import Cost, Load

Costs = Mapping[tuple[Load, str], Sequence[Cost]]


def rows(
    costs: Costs, ours: str, theirs: str, memory: bool
) -> list[tuple[str, float, float, float]]:
    """Name, our median, theirs, ratio; in bytes per connection or microseconds per operation."""
    found = []
    for load in dict.fromkeys(load for load, _ in costs):
        a, b = (
            median(cost.memory if memory else cost.cpu_us for cost in costs[load, name])
            for name in (ours, theirs)
        )
        found.append((load.name, a, b, a / b))
    return found


def render(title: str, unit: str, found: Sequence[tuple[str, float, float, float]]) -> str:
    lines = [
        f"| {title} | viaduct, {unit} | kamailio, {unit} | ratio |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [f"| {name} | {a:.0f} | {b:.0f} | {ratio:.2f} |" for name, a, b, ratio in found]
    return "\n".join(lines)
