"""The rules, and `judge`, which applies all of them to a trace."""

from collections.abc import Mapping
from types import MappingProxyType

from viaduct.rules import contact, path, record_route, route, via
from viaduct.rules.finding import Finding
from viaduct.rules.judge import findings_of
from viaduct.rules.rule import REGISTRY, Rule
from viaduct.trace.model import Trace

__all__ = ["RULES", "Finding", "Rule", "judge"]

# In the order in which the files come here: by what they look at.
FILES = (via, record_route, route, contact, path)

RULES: Mapping[str, Rule] = MappingProxyType(REGISTRY)


def judge(trace: Trace) -> list[Finding]:
    """All findings on a trace. A finding is by whoever sent the message; `party` says who."""
    return findings_of(list(RULES.values()), trace)
