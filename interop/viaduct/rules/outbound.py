"""Outbound (RFC 5626): instance-id and reg-id of clients, Require and Flow-Timer of registrars."""

import re
from collections.abc import Iterator

from viaduct.rules.path import wants_outbound
from viaduct.rules.registration import accepted, is_removal
from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address
from viaduct.sip.uri import aor

_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_QUOTED_URN = re.compile(r'"<urn:[^<>"]+>"', re.IGNORECASE)
# URN namespaces that an RFC allows in +sip.instance: UUID (5626), IMEI (7255), MEID (8464).
_NAMESPACES = ("urn:uuid:", "urn:gsma:", "urn:device:")


def registering(scene: Scene) -> Iterator[tuple[Packet, Address]]:
    """Each Contact value of the REGISTERs that agents sent."""
    for packet in scene.requests:
        if packet.enters and packet.method == "REGISTER":
            for contact in packet.contacts:
                if contact.uri is not None:
                    yield packet, contact


def instance(contact: Address) -> str | None:
    param = contact.param("+sip.instance")
    return None if param is None else param.unquoted


@rule(
    "outbound-instance",
    "An outbound REGISTER has +sip.instance",
    "RFC5626-4.2.1-g",
    "RFC5626-4.1-a",
    "RFC7118-8.1-d",
    role="agent",
)
def has_instance(scene: Scene) -> Iterator[Breach]:
    """A Contact that a UA registers with reg-id carries its instance-id as well."""
    for packet, contact in registering(scene):
        if contact.has("reg-id") and not contact.has("+sip.instance"):
            yield breach(
                packet, f"{contact.raw} has reg-id and no +sip.instance.", "Contact", contact.span
            )


@rule(
    "outbound-instance-quoted",
    "+sip.instance is a URN in angle brackets, quoted",
    "RFC5626-4.1-f",
    role="agent",
)
def instance_quoted(scene: Scene) -> Iterator[Breach]:
    """The value of +sip.instance is a quoted string that holds the URN in angle brackets."""
    for packet, contact in registering(scene):
        param = contact.param("+sip.instance")
        if param is not None and not _QUOTED_URN.fullmatch(param.value or ""):
            yield breach(packet, f"+sip.instance is {param.value}.", "Contact", param.span)


@rule(
    "outbound-instance-uuid",
    "The instance-id is a UUID URN",
    "RFC5626-4.1-d",
    level="SHOULD",
    role="agent",
)
def instance_uuid(scene: Scene) -> Iterator[Breach]:
    """The instance-id is a URN of the form urn:uuid with 8-4-4-4-12 hexadecimal digits."""
    for packet, contact in registering(scene):
        param = contact.param("+sip.instance")
        urn = (instance(contact) or "").strip("<>")
        if param is None or not urn.lower().startswith(_NAMESPACES):
            continue
        if urn.lower().startswith("urn:uuid:") and not _UUID.fullmatch(urn):
            yield breach(packet, f"{urn} is no UUID URN.", "Contact", param.span)


@rule(
    "outbound-instance-scheme",
    "The instance-id is of a URN namespace made for it",
    "RFC5626-4.1-e",
    role="agent",
)
def instance_scheme(scene: Scene) -> Iterator[Breach]:
    """A URN namespace other than UUID is used only where an RFC defines it for +sip.instance."""
    for packet, contact in registering(scene):
        param = contact.param("+sip.instance")
        if param is None or not _QUOTED_URN.fullmatch(param.value or ""):
            continue
        urn = (instance(contact) or "").strip("<>").lower()
        if not urn.startswith(_NAMESPACES):
            yield breach(packet, f"The instance-id is {urn}.", "Contact", param.span)


@rule(
    "outbound-instance-constant",
    "A UA registers with one instance-id",
    "RFC5626-4.1-h",
    "RFC5626-4.2.2-a",
    role="agent",
)
def instance_constant(scene: Scene) -> Iterator[Breach]:
    """Registrations of one Call-ID, which refresh or remove the same binding, have the same
    instance-id and reg-id."""
    first: dict[tuple[str, str, str], tuple[Packet, Address]] = {}
    for packet, contact in registering(scene):
        if contact.uri is None or not contact.has("reg-id"):
            continue
        key = (packet.agent, packet.call_id, contact.uri.raw)
        known = first.setdefault(key, (packet, contact))[1]
        if known is contact:
            continue
        for name in ("+sip.instance", "reg-id"):
            one, other = known.param(name), contact.param(name)
            if one is not None and other is not None and one.unquoted != other.unquoted:
                yield breach(
                    packet,
                    f"{name} was {one.value} and is {other.value}.",
                    "Contact",
                    other.span,
                    requirement="RFC5626-4.2.2-a" if name == "reg-id" else None,
                )


@rule(
    "outbound-reg-id-range",
    "reg-id is a number from 1 to 2^31-1",
    "RFC5626-10-a",
    role="agent",
)
def reg_id_range(scene: Scene) -> Iterator[Breach]:
    """A reg-id is a number from 1 to 2^31-1, in digits."""
    for packet, contact in registering(scene):
        param = contact.param("reg-id")
        if param is None:
            continue
        value = param.value or ""
        good = value.isascii() and value.isdigit() and 1 <= int(value[:20]) < 1 << 31
        if not good:
            yield breach(packet, f"reg-id is {param.value}.", "Contact", param.span)


@rule(
    "outbound-supported",
    "A REGISTER with reg-id supports outbound and path",
    "RFC5626-4.2.1-e",
    "RFC5626-4.2.1-j",
    "RFC7118-8.1-e",
    role="agent",
)
def supported(scene: Scene) -> Iterator[Breach]:
    """A REGISTER with reg-id lists outbound and path in Supported."""
    for packet, contact in registering(scene):
        if not contact.has("reg-id"):
            continue
        for tag, requirement in (("outbound", "RFC5626-4.2.1-e"), ("path", "RFC5626-4.2.1-j")):
            if not packet.lists("supported", tag):
                rows = packet.message.rows("supported") if packet.message else []
                yield breach(
                    packet,
                    f"The REGISTER has reg-id and Supported lacks {tag}.",
                    "Supported",
                    rows[0].span if rows else None,
                    requirement=requirement,
                )


@rule(
    "outbound-star-bare",
    "Contact: * has no reg-id and no instance-id",
    "RFC5626-4.2.3-b",
    level="MUST NOT",
    role="agent",
)
def star_bare(scene: Scene) -> Iterator[Breach]:
    """A Contact of * carries neither +sip.instance nor reg-id."""
    for packet in scene.requests:
        for contact in packet.contacts:
            if contact.uri is None and (contact.has("reg-id") or contact.has("+sip.instance")):
                yield breach(
                    packet, "Contact: * has parameters of a binding.", "Contact", contact.span
                )


@rule(
    "outbound-flows-differ",
    "Each flow of a UA has a reg-id and a Call-ID of its own",
    "RFC5626-4.2.1-h",
    "RFC5626-4.2.1-f",
    role="agent",
)
def flows_differ(scene: Scene) -> Iterator[Breach]:
    """Registrations of one instance over flows that exist at the same time differ in reg-id, and
    those of different reg-id differ in Call-ID."""
    seen: dict[tuple[str, str], list[tuple[str, Packet]]] = {}
    for packet, contact in registering(scene):
        to = packet.values("to")
        urn, reg_id = instance(contact), contact.param("reg-id")
        if not to or to[0].uri is None or urn is None or reg_id is None:
            continue
        if is_removal(packet, contact) or len(packet.vias) != 1 or not packet.link.is_stream:
            continue
        known = seen.setdefault((aor(to[0].uri), urn), [])
        for value, before in known:
            if before.link is packet.link or not before.link.open_at(packet.t):
                continue
            if before.agent != packet.agent:
                continue
            if value == reg_id.value:
                yield breach(
                    packet,
                    f"reg-id {value} is in use on {before.link}, which is still open.",
                    "Contact",
                    reg_id.span,
                )
            elif before.call_id == packet.call_id:
                rows = packet.message.rows("call-id") if packet.message else []
                yield breach(
                    packet,
                    f"The Call-ID is that of the registration with reg-id {value}.",
                    "Call-ID",
                    rows[0].span if rows else None,
                    requirement="RFC5626-4.2.1-f",
                )
        known.append((reg_id.value or "", packet))


@rule(
    "outbound-refresh-same-flow",
    "A refresh takes the flow of the registration",
    "RFC5626-4.2.2-b",
    role="agent",
)
def refresh_same_flow(scene: Scene) -> Iterator[Breach]:
    """A UA that refreshes a binding sends the REGISTER over the flow on which it was made, while
    that one is alive."""
    first: dict[tuple[str, str, str], Packet] = {}
    for packet, contact in registering(scene):
        reg_id = contact.param("reg-id")
        if reg_id is None or contact.uri is None:
            continue
        key = (packet.agent, packet.call_id, contact.uri.raw)
        before = first.get(key)
        if before is None or not before.link.open_at(packet.t):
            first[key] = packet
        elif before.link is not packet.link and before.link.transport == packet.link.transport:
            if instance(contact) is not None and not packet.link.is_stream:
                yield breach(packet, f"The binding was made over {before.link}.", "Contact")


@rule(
    "outbound-required",
    "The 2xx to an outbound registration requires outbound",
    "RFC5626-6-p",
    "RFC7118-8.1-i",
)
def required(scene: Scene) -> Iterator[Breach]:
    """When a registrar that supports outbound applied its rules, to a REGISTER straight from the UA
    or with ob in Path, its 2xx has outbound in Require."""
    able = {
        packet.party
        for packet in scene.responses
        if packet.hop is None
        and (packet.lists("supported", "outbound") or packet.lists("require", "outbound"))
    }
    for request, answer in accepted(scene):
        if not wants_outbound(request) or answer.lists("require", "outbound"):
            continue
        if answer.party not in able:
            continue
        direct = len(request.vias) == 1
        first = request.paths[-1].uri if request.paths else None
        if not direct and (first is None or not first.has("ob")):
            continue
        if any(c.has("reg-id") for c in answer.contacts):
            rows = answer.message.rows("require") if answer.message else []
            yield breach(
                answer,
                "The 2xx shows a binding with reg-id and no Require: outbound.",
                "Require",
                rows[0].span if rows else None,
            )


@rule(
    "outbound-not-required",
    "Without reg-id the 2xx does not require outbound",
    "RFC5626-6-j",
    level="MUST NOT",
)
def not_required(scene: Scene) -> Iterator[Breach]:
    """The 2xx to a REGISTER without reg-id has no outbound in Require."""
    for request, answer in accepted(scene):
        if any(contact.has("reg-id") for contact in request.contacts) or not request.contacts:
            continue
        if answer.lists("require", "outbound"):
            rows = answer.message.rows("require") if answer.message else []
            yield breach(
                answer,
                "The REGISTER had no reg-id, the 2xx has Require: outbound.",
                "Require",
                rows[0].span if rows else None,
            )


@rule(
    "flow-timer-place",
    "Flow-Timer goes with Require: outbound in a 2xx to REGISTER",
    "RFC5626-5.4-d",
    level="MUST NOT",
)
def flow_timer_place(scene: Scene) -> Iterator[Breach]:
    """Flow-Timer occurs only in a 2xx to REGISTER that has outbound in Require."""
    for packet in scene.fresh:
        message = packet.message
        if message is None or not message.has("flow-timer"):
            continue
        good = packet.method == "REGISTER" and 200 <= packet.status < 300
        if good and packet.lists("require", "outbound"):
            continue
        if packet.hop is not None and packet.hop.inn.message is not None:
            if packet.hop.inn.message.has("flow-timer"):
                continue
        span = message.rows("flow-timer")[0].span
        yield breach(packet, f"The {packet.name} has Flow-Timer.", "Flow-Timer", span)


@rule(
    "register-no-gruu",
    "A REGISTER carries no GRUU parameters",
    "RFC5627-4.1-b",
    level="SHOULD NOT",
    role="agent",
)
def no_gruu_params(scene: Scene) -> Iterator[Breach]:
    """The Contact of a REGISTER has neither pub-gruu nor temp-gruu."""
    for packet, contact in registering(scene):
        for name in ("pub-gruu", "temp-gruu"):
            param = contact.param(name)
            if param is not None:
                yield breach(packet, f"Contact has {name}.", "Contact", param.span)


@rule(
    "keep-empty-in-request",
    "keep has no value in a request",
    "RFC6223-4.3-a",
)
def keep_empty(scene: Scene) -> Iterator[Breach]:
    """A sender that offers keep-alives puts keep without a value in its own Via."""
    for packet in scene.requests:
        via = packet.top
        param = None if via is None else via.param("keep")
        if param is not None and param.value is not None:
            yield breach(packet, f"keep has the value {param.value}.", "Via", param.span)


@rule(
    "keep-not-in-ack",
    "An ACK has no keep",
    "RFC6223-4.3-c",
    level="MUST NOT",
)
def keep_not_in_ack(scene: Scene) -> Iterator[Breach]:
    """The top Via of an ACK has no keep parameter."""
    for packet in scene.requests:
        via = packet.top
        param = None if via is None else via.param("keep")
        if packet.method == "ACK" and param is not None:
            yield breach(packet, "The ACK has keep.", "Via", param.span)


@rule(
    "outbound-supported-in-requests",
    "A UA that uses outbound lists it in all its requests",
    "RFC5626-4.3-a",
    level="SHOULD",
    role="agent",
)
def supported_in_requests(scene: Scene) -> Iterator[Breach]:
    """A UA that registered with outbound lists outbound in Supported of the INVITE and SUBSCRIBE
    that it sends outside of dialogs."""
    users = {
        packet.agent
        for packet, contact in registering(scene)
        if contact.has("reg-id") and packet.lists("supported", "outbound")
    }
    for packet in scene.requests:
        if not packet.enters or packet.agent not in users or packet.to_tag is not None:
            continue
        if packet.method in ("INVITE", "SUBSCRIBE") and len(packet.vias) == 1:
            if not packet.lists("supported", "outbound"):
                rows = packet.message.rows("supported") if packet.message else []
                yield breach(
                    packet,
                    f"The {packet.method} lacks outbound in Supported.",
                    "Supported",
                    rows[0].span if rows else None,
                )


@rule(
    "outbound-needs-first-hop",
    "No outbound where the first hop lacks it",
    "RFC5626-6-d",
    "RFC5626-6-c",
)
def needs_first_hop(scene: Scene) -> Iterator[Breach]:
    """A REGISTER with reg-id and Supported: outbound that came through a proxy whose Path has no ob
    is answered with 439 and not accepted."""
    for request, answer in accepted(scene):
        if not wants_outbound(request) or len(request.vias) < 2 or not request.reads("path"):
            continue
        first = request.paths[-1].uri if request.paths else None
        if (first is None or not first.has("ob")) and answer.lists("require", "outbound"):
            rows = answer.message.rows("require") if answer.message else []
            yield breach(
                answer,
                "The first hop put no ob in Path, the 2xx has Require: outbound.",
                "Require",
                rows[0].span if rows else None,
                requirement="RFC5626-6-c",
            )


@rule(
    "outbound-one-binding",
    "A REGISTER with reg-id makes one binding",
    "RFC5626-6-h",
    level="SHOULD",
)
def one_binding(scene: Scene) -> Iterator[Breach]:
    """A REGISTER with several Contacts that are not being removed, of which one has a reg-id, is
    rejected with 400."""
    for request, answer in accepted(scene):
        made = [c for c in request.contacts if c.uri is not None and not is_removal(request, c)]
        if len(made) > 1 and any(contact.has("reg-id") for contact in made):
            span = answer.message.start_span if answer.message else None
            yield breach(answer, f"The {answer.status} accepts {len(made)} Contacts.", None, span)
