"""All good traces that are played on the stage, by name."""

from collections.abc import Callable, Iterator
from functools import cache, partial

from viaduct.proof import more
from viaduct.proof.scripts import (
    LEGS,
    play_call,
    play_cancel,
    play_edge,
    play_message,
    play_register,
    play_reject,
)
from viaduct.trace.model import Trace

PAIRS: dict[str, Callable[[str, str], Trace]] = {
    "call": play_call,
    "message": play_message,
    "cancel": play_cancel,
    "reject": play_reject,
}
ALONE: dict[str, Callable[[str], Trace]] = {
    "register": play_register,
    "edge": play_edge,
    "outward": more.play_outward,
    "inward": more.play_inward,
    "home": more.play_home,
    "credentials": more.play_credentials,
    "crossing": more.play_crossing,
    "two-edges": more.play_two_edges,
}


def _scripts() -> dict[str, Callable[[], Trace]]:
    found: dict[str, Callable[[], Trace]] = {
        "second-hop": more.play_second_hop,
        "sips": more.play_sips,
    }
    for one in LEGS:
        for name, single in ALONE.items():
            found[f"{name}-{one}"] = partial(single, one)
        if one != "udp":
            found[f"flows-{one}"] = partial(more.play_flows, one)
        found[f"call-{one}-udp6"] = partial(play_call, one, "udp", six=True)
        for other in LEGS:
            for name, double in PAIRS.items():
                found[f"{name}-{one}-{other}"] = partial(double, one, other)
    return found


SCRIPTS: dict[str, Callable[[], Trace]] = _scripts()


@cache
def played(name: str) -> Trace:
    return SCRIPTS[name]()


def all_played() -> Iterator[tuple[str, Trace]]:
    for name in SCRIPTS:
        yield name, played(name)
