"""The rules, and `judge`, which applies all of them to a trace."""

from collections.abc import Mapping
from types import MappingProxyType

from viaduct.rules import (
    auth,
    contact,
    dialog,
    flow,
    forwarding,
    frame,
    gruu,
    handshake,
    keepalive,
    message,
    outbound,
    path,
    record_route,
    registration,
    route,
    transaction,
    via,
)
from viaduct.rules.finding import Finding
from viaduct.rules.judge import findings_of
from viaduct.rules.rule import REGISTRY, Rule
from viaduct.trace.model import Trace

__all__ = ["RULES", "Finding", "Rule", "judge"]

# By what they look at; `RULES` keeps this order.
FILES = (
    via,
    record_route,
    route,
    contact,
    path,
    message,
    transaction,
    forwarding,
    dialog,
    registration,
    auth,
    outbound,
    gruu,
    flow,
    keepalive,
    handshake,
    frame,
)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        id: rule
        for file in FILES
        for id, rule in REGISTRY.items()
        if rule.function.__module__ == file.__name__
    }
)


def judge(trace: Trace) -> list[Finding]:
    """All findings on a trace. A finding is by whoever sent the message; `party` says who."""
    return findings_of(list(RULES.values()), trace)
