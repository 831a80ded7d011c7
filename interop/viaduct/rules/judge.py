"""The oracle: a trace in, findings out. No sockets, no clock."""

from viaduct.rules.finding import Finding
from viaduct.rules.rule import Rule
from viaduct.rules.scene.scene import Scene
from viaduct.trace.model import Trace


def findings_of(rules: list[Rule], trace: Trace) -> list[Finding]:
    """What the rules say of the trace, in order of the events, each thing once."""
    scene = Scene(trace)
    found: dict[Finding, None] = {}
    for rule in rules:
        found.update(dict.fromkeys(rule.findings(scene)))
    return sorted(found, key=lambda one: (one.event or 0, one.rule, one.bytes or (0, 0)))
