"""Dialogs: sequence numbers, tags and targets of the requests that agents send within them."""

from collections import defaultdict
from collections.abc import Iterator

from viaduct.rules.route import in_dialog
from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.dialog import FORMING, Half
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene
from viaduct.sip.uri import Uri, same_uri


@rule(
    "dialog-cseq",
    "CSeq rises by one within a dialog",
    "RFC3261-12.2.1.1-d",
    role="agent",
)
def cseq_rises(scene: Scene) -> Iterator[Breach]:
    """The CSeq of each request that a UA sends within a dialog is one above that of its last
    one; ACK and CANCEL take that of their INVITE."""
    for half in scene.dialogs.halves.values():
        if not _through_target(scene, half):
            continue
        last = half.formed_by.cseq.number if half.calls and half.formed_by.cseq else None
        for packet in half.sent:
            cseq = packet.cseq
            if cseq is None or packet.method in ("ACK", "CANCEL") or packet.agent != half.agent:
                continue
            if packet is half.formed_by:
                continue
            if last is not None and cseq.number != last + 1:
                yield breach(
                    packet,
                    f"The {packet.method} has CSeq {cseq.number} after {last}.",
                    "CSeq",
                    cseq.span,
                )
            last = cseq.number


def _through_target(scene: Scene, half: Half) -> bool:
    """Whether all requests of the dialog pass the system under test, so that none goes unseen."""
    return any(v.uri is not None and v.uri.raw in scene.own_uris for v in half.route_set or ())


@rule(
    "dialog-tags",
    "A request within a dialog has its tags",
    "RFC3261-12.2.1.1-e",
    role="agent",
)
def tags(scene: Scene) -> Iterator[Breach]:
    """A request within a dialog has the local tag in From and the remote tag in To."""
    known: dict[tuple[str, str], list[Half]] = defaultdict(list)
    for half in scene.dialogs.halves.values():
        known[half.agent, half.call_id].append(half)
    told: dict[str, set[str]] = defaultdict(set)
    for packet in scene.responses:
        asked = packet.request
        if packet.to_tag and (asked is None or asked.to_tag is None):
            told[packet.call_id].add(packet.to_tag)
    for packet in scene.requests:
        if not packet.enters or packet.to_tag is None or packet.method in ("CANCEL", "ACK"):
            continue
        halves = known.get((packet.agent, packet.call_id))
        if not halves or scene.dialogs.of(packet) is not None:
            continue
        local = any(half.local_tag == packet.from_tag for half in halves)
        remote = any(half.remote_tag == packet.to_tag for half in halves)
        if local and packet.to_tag in told[packet.call_id]:
            continue  # a fork whose response this vantage does not show
        if local or remote:
            half = halves[0]
            due = half.remote_tag if local else half.local_tag
            name = "To" if local else "From"
            seen = packet.to_tag if local else packet.from_tag
            values = packet.values(name.lower())
            yield breach(
                packet,
                f"The {packet.method} has {name} tag {seen}; that of the dialog is {due}.",
                name,
                values[0].span if values else None,
            )


@rule(
    "dialog-request-uri",
    "A request within a dialog goes to the remote target",
    "RFC3261-12.2.1.1-a",
    "RFC3261-12.1.1-d",
    "RFC3261-12.1.2-a",
    "RFC7118-8.2-l",
    "RFC7118-8.2-n",
    role="agent",
)
def request_uri(scene: Scene) -> Iterator[Breach]:
    """The Request-URI of a request within a dialog is the remote target: the Contact that the other
    side gave last."""
    for packet, half in in_dialog(scene):
        uri = packet.uri
        first = half.route_set[0].uri if half.route_set else None
        if uri is None or (first is not None and not first.has("lr")):
            continue
        targets = half.targets_at(packet.t)
        if targets and not any(_is_target(uri, target) for target in targets):
            yield breach(
                packet,
                f"The remote target is {targets[0]}, the Request-URI {uri}.",
                "Request-URI",
                uri.span,
            )


def _is_target(uri: Uri, target: Uri) -> bool:
    """Equal, but for what must not stand in a Request-URI (RFC 3261 19.1.1)."""
    if not same_uri(uri, target):
        wanted = {param.name for param in target.params if param.name != "method"}
        if not {param.name for param in uri.params} == wanted:
            return False
        return (uri.user, uri.host, uri.port) == (target.user, target.host, target.port)
    left = {param.name for param in target.params} - {param.name for param in uri.params}
    return not left - {"method"}


@rule(
    "dialog-refresh-contact",
    "A target refresh request has a Contact",
    "RFC3261-12.2.1.1-f",
    level="SHOULD",
    role="agent",
)
def refresh_contact(scene: Scene) -> Iterator[Breach]:
    """A re-INVITE or UPDATE has a Contact."""
    for packet in scene.requests:
        if not packet.enters or packet.to_tag is None or packet.message is None:
            continue
        if packet.method in ("INVITE", "UPDATE") and not packet.message.has("contact"):
            yield breach(packet, f"The {packet.method} has no Contact.", "Contact")


@rule(
    "initial-no-to-tag",
    "A request outside of a dialog has no To tag",
    "RFC3261-8.1.1.2-a",
    level="MUST NOT",
    role="agent",
)
def no_to_tag(scene: Scene) -> Iterator[Breach]:
    """The first request of a Call-ID has no tag in To."""
    seen: set[str] = set()
    for packet in scene.fresh:
        fresh = packet.call_id not in seen
        seen.add(packet.call_id)
        if not fresh or not packet.enters or not packet.is_request or not packet.to_tag:
            continue
        # An INVITE with a tag may belong to a dialog that is older than the trace; only a flow that
        # the trace shows from its start, and a method that begins something, are clear.
        if packet.method in (*FORMING, "REGISTER", "MESSAGE", "OPTIONS") and _whole(packet):
            values = packet.values("to")
            yield breach(
                packet,
                f"The first {packet.method} of its Call-ID has To tag {packet.to_tag}.",
                "To",
                values[0].span if values else None,
            )


def _whole(packet: Packet) -> bool:
    return packet.link.opened is not None and packet.link.opened <= packet.t
