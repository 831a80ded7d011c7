"""Globally routable UA URIs (RFC 5627): what a registrar gives and what a UA does with it."""

from collections.abc import Iterator

from viaduct.rules.registration import accepted
from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address
from viaduct.sip.cursor import ParseError
from viaduct.sip.uri import Uri, aor, read_uri

NAMES = ("pub-gruu", "temp-gruu")


def gruu(contact: Address, name: str) -> Uri | None:
    param = contact.param(name)
    if param is None or param.unquoted is None:
        return None
    try:
        return read_uri(param.unquoted)
    except ParseError:
        return None


def given(scene: Scene) -> list[tuple[Packet, Packet, Address]]:
    """Contacts in 2xx to REGISTER that carry a GRUU: (REGISTER, answer, contact)."""
    return [
        (request, answer, contact)
        for request, answer in accepted(scene)
        for contact in answer.contacts
        if any(contact.has(name) for name in NAMES)
    ]


@rule("gruu-public", "A public GRUU is the AOR with gr", "RFC5627-5.1-a")
def public(scene: Scene) -> Iterator[Breach]:
    """The public GRUU is the address of record with a gr parameter that has a value."""
    for request, answer, contact in scene.once(given):
        param = contact.param("pub-gruu")
        owner = request.values("to")
        if param is None or not owner or owner[0].uri is None:
            continue
        uri = gruu(contact, "pub-gruu")
        gr = None if uri is None else uri.param("gr")
        if uri is None or gr is None or not gr.value or aor(uri) != aor(owner[0].uri):
            yield breach(answer, f"pub-gruu is {param.value}.", "Contact", param.span)


@rule("gruu-on-request", "GRUUs are given in pairs to who supports them", "RFC5627-5.2-a")
def on_request(scene: Scene) -> Iterator[Breach]:
    """A 2xx carries pub-gruu and temp-gruu, both, for a contact with an instance-id when the
    REGISTER lists gruu in Supported, and none of them otherwise."""
    for request, answer, contact in scene.once(given):
        asked = request.lists("supported", "gruu")
        missing = [name for name in NAMES if not contact.has(name)]
        if not asked or missing:
            why = f"without {missing[0]}" if asked else "and was not asked for"
            yield breach(answer, f"A GRUU is given {why}.", "Contact", contact.span)


def _held(scene: Scene) -> dict[str, list[tuple[float, set[str]]]]:
    """Per agent, when it was given which GRUUs for its own contact."""
    held: dict[str, list[tuple[float, set[str]]]] = {}
    for request, answer, contact in scene.once(given):
        mine = {c.uri.raw for c in request.contacts if c.uri is not None}
        if contact.uri is not None and contact.uri.raw in mine and request.enters:
            uris = [gruu(contact, name) for name in NAMES]
            held.setdefault(request.agent, []).append(
                (answer.t, {uri.raw for uri in uris if uri is not None})
            )
    return held


def _offers(scene: Scene) -> Iterator[tuple[Packet, Uri, set[str]]]:
    """Contacts that agents with GRUUs put in calls, with all GRUUs they had by then."""
    held = scene.once(_held)
    for packet in scene.fresh:
        if not packet.enters or packet.method != "INVITE" or len(packet.contacts) != 1:
            continue
        if packet.status >= 300 or packet.contacts[0].uri is None:
            continue
        known = [uris for t, uris in held.get(packet.agent, []) if t < packet.t]
        if known and packet.party == packet.agent:
            yield packet, packet.contacts[0].uri, set().union(*known)


@rule(
    "gruu-as-given",
    "A GRUU is used as given",
    "RFC5627-4.2-a",
    level="MUST NOT",
    role="agent",
)
def as_given(scene: Scene) -> Iterator[Breach]:
    """A UA that puts a GRUU in Contact changes nothing in it; ob may stand beside."""
    for packet, uri, known in _offers(scene):
        plain = uri.raw.replace(";ob", "")
        if uri.has("gr") and plain not in known and uri.raw not in known:
            yield breach(packet, f"{uri} is none of {', '.join(known)}.", "Contact", uri.span)


@rule(
    "gruu-used",
    "A UA that holds a GRUU uses it",
    "RFC5627-4.4-a",
    level="SHOULD",
    role="agent",
)
def used(scene: Scene) -> Iterator[Breach]:
    """A UA that was given a GRUU uses it as Contact of what forms or refreshes a dialog."""
    for packet, uri, _ in _offers(scene):
        if not uri.has("gr"):
            yield breach(packet, f"The Contact is {uri}, no GRUU.", "Contact", uri.span)


@rule("gruu-supported", "A UA that uses GRUUs says so", "RFC5627-4.1-a", role="agent")
def supported(scene: Scene) -> Iterator[Breach]:
    """A UA whose Contacts are GRUUs lists gruu in Supported of its REGISTERs and gives its
    instance-id."""
    users = {
        packet.agent
        for packet in scene.requests
        if packet.enters and packet.method == "INVITE" and len(packet.vias) == 1
        for contact in packet.contacts
        if contact.uri is not None and contact.uri.has("gr")
    }
    for packet in scene.requests:
        if packet.method != "REGISTER" or packet.agent not in users or not packet.enters:
            continue
        named = any(c.has("+sip.instance") or c.uri is None for c in packet.contacts)
        if not packet.lists("supported", "gruu") or (packet.contacts and not named):
            rows = packet.message.rows("supported") if packet.message else []
            yield breach(
                packet,
                "The UA uses a GRUU, its REGISTER does not ask for one.",
                "Supported",
                rows[0].span if rows else None,
            )


@rule(
    "gruu-not-forwarded",
    "gr stays out of the rewritten Request-URI",
    "RFC5627-6.1-b",
    level="MUST NOT",
    role="target",
)
def not_forwarded(scene: Scene) -> Iterator[Breach]:
    """A proxy that replaces a GRUU in the Request-URI by the contact does not carry gr over."""
    for hop in scene.request_hops:
        before, after = hop.inn.uri, hop.out.uri
        if before is None or after is None or before.raw == after.raw or not before.has("gr"):
            continue
        param = after.param("gr")
        if param is not None:
            yield breach(hop.out, f"{before} became {after}.", "Request-URI", param.span)
