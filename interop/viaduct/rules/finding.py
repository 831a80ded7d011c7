"""What a rule says about a trace: one breach, or one thing that could not be decided."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str  # id of the rule or case that speaks
    level: str  # "MUST", "MUST NOT", "SHOULD", ... of the requirement
    verdict: str  # "fail", "warn" or "inconclusive"
    requirement: str  # id in interop/requirements, e.g. "RFC7118-5.1-b"
    text: str  # what was seen and what is due, in one or two sentences
    party: str = "target"  # "target", or the vantage name of the agent at fault
    event: int | None = None  # n of the event in the (merged) trace
    header: str | None = None  # name of the offending header, if one is to blame
    bytes: tuple[int, int] | None = None  # [from, to) within the event's raw bytes
