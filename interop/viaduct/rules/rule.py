"""What a rule is, and the decorator that registers one.

A rule is a function from a scene (the indexed trace) to the breaches it sees in it. Its docstring
is the obligation in own words, and its body reads like that sentence. It yields nothing where there
is no evidence.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc

from viaduct.rules.finding import Finding
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene
from viaduct.trace.model import Event

ALL_LEGS = ("ws", "wss", "tls", "tcp", "udp")
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT")


@dataclass(frozen=True, slots=True)
class Breach:
    """What a rule saw. `requirement` where the rule stands for several and this one is broken."""

    event: Event | None
    party: str
    text: str
    header: str | None = None
    span: tuple[int, int] | None = None
    requirement: str | None = None
    verdict: str | None = None


Check = Callable[[Scene], Iterator[Breach]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`role`: whose messages it judges: "target", "agent" or "both"."""

    id: str
    title: str
    level: str
    requirements: tuple[str, ...]
    text: str
    role: str
    legs: tuple[str, ...]
    function: Check

    def findings(self, scene: Scene) -> Iterator[Finding]:
        verdict = "fail" if self.level.startswith("MUST") else "warn"
        for breach in self.function(scene):
            yield Finding(
                rule=self.id,
                level=self.level,
                verdict=breach.verdict or verdict,
                requirement=breach.requirement or self.requirements[0],
                text=breach.text,
                party=breach.party,
                event=None if breach.event is None else breach.event.n,
                header=breach.header,
                bytes=breach.span,
            )


REGISTRY: dict[str, Rule] = {}


def rule(
    id: str,
    title: str,
    *requirements: str,
    level: str = "MUST",
    role: str = "both",
    legs: Iterable[str] = ALL_LEGS,
) -> Callable[[Check], Check]:
    """Registers the function below as the rule `id`, which stands for `requirements`."""

    def register(function: Check) -> Check:
        if id in REGISTRY:
            raise ValueError(f"two rules are called {id}")
        if level not in LEVELS or role not in ("target", "agent", "both") or not requirements:
            raise ValueError(f"rule {id} is not described in full")
        text = " ".join(cleandoc(function.__doc__ or "").split())
        if not text:
            raise ValueError(f"rule {id} does not say what is due")
        REGISTRY[id] = Rule(
            id, title, level, tuple(requirements), text, role, tuple(legs), function
        )
        return function

    return register


def breach(
    packet: Packet,
    text: str,
    header: str | None = None,
    span: tuple[int, int] | None = None,
    *,
    requirement: str | None = None,
    party: str | None = None,
    verdict: str | None = None,
) -> Breach:
    """A breach in a message, by its sender unless `party` names another."""
    return Breach(packet.event, party or packet.party, text, header, span, requirement, verdict)
