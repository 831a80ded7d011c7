"""REGISTER and its responses (RFC 3261 section 10)."""

from collections.abc import Iterator

from viaduct.rules.rule import Breach, breach, rule
from viaduct.rules.scene.packet import Packet
from viaduct.rules.scene.scene import Scene
from viaduct.sip.address import Address
from viaduct.sip.uri import aor, same_uri

TIMEOUT = 32.0  # 64*T1, RFC 3261 17.1.2.2


def accepted(scene: Scene) -> Iterator[tuple[Packet, Packet]]:
    """REGISTERs with the 2xx of the registrar that answered them itself."""
    for packet in scene.responses:
        request = packet.request
        if request is None or packet.method != "REGISTER" or packet.hop is not None:
            continue
        if 200 <= packet.status < 300 and request.method == "REGISTER":
            yield request, packet


def seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None


def is_removal(request: Packet, contact: Address) -> bool:
    """Whether this contact of a REGISTER is to be removed."""
    param = contact.param("expires")
    given = seconds(param.value if param is not None else None)
    if given is None:
        given = request.number("expires")
    return given == 0


@rule(
    "register-uri-no-user",
    "The Request-URI of REGISTER has no user part",
    "RFC3261-10.2-a",
    level="MUST NOT",
    role="agent",
)
def uri_no_user(scene: Scene) -> Iterator[Breach]:
    """The Request-URI of a REGISTER names the domain only."""
    for packet in scene.requests:
        uri = packet.uri
        if packet.enters and packet.method == "REGISTER" and uri is not None:
            if uri.user is not None:
                yield breach(packet, f"The Request-URI is {uri}.", "Request-URI", uri.span)


def _series(scene: Scene) -> Iterator[list[Packet]]:
    """The REGISTERs of each agent, address of record and Call-ID, in order."""
    found: dict[tuple[str, str, str], list[Packet]] = {}
    for packet in scene.requests:
        to = packet.values("to")
        if packet.enters and packet.method == "REGISTER" and to and to[0].uri is not None:
            key = (packet.agent, aor(to[0].uri), packet.call_id)
            found.setdefault(key, []).append(packet)
    yield from found.values()


@rule(
    "register-cseq",
    "CSeq rises by one with each REGISTER",
    "RFC3261-10.2-c",
    role="agent",
)
def register_cseq(scene: Scene) -> Iterator[Breach]:
    """A UA raises CSeq by one for each REGISTER of the same Call-ID."""
    for series in _series(scene):
        for before, packet in zip(series, series[1:]):
            if before.cseq is None or packet.cseq is None:
                continue
            if packet.cseq.number != before.cseq.number + 1:
                yield breach(
                    packet,
                    f"The REGISTER has CSeq {packet.cseq.number} after {before.cseq.number}.",
                    "CSeq",
                    packet.cseq.span,
                )


@rule(
    "register-call-id",
    "A UA registers with one Call-ID",
    "RFC3261-10.2-b",
    level="SHOULD",
    role="agent",
)
def call_id(scene: Scene) -> Iterator[Breach]:
    """The registrations of a UA over one flow use the same Call-ID."""
    first: dict[tuple[str, int, str], Packet] = {}
    for packet in scene.requests:
        to = packet.values("to")
        if not packet.enters or packet.method != "REGISTER" or not to or to[0].uri is None:
            continue
        if len(packet.vias) != 1 or not packet.contacts:
            continue
        known = first.setdefault((packet.agent, id(packet.link), aor(to[0].uri)), packet)
        if known.call_id != packet.call_id and _same_client(known, packet):
            rows = packet.message.rows("call-id") if packet.message else []
            yield breach(
                packet,
                f"Call-ID is {packet.call_id}, that of the first REGISTER on this flow"
                f" {known.call_id}.",
                "Call-ID",
                rows[0].span if rows else None,
            )


def _same_client(one: Packet, other: Packet) -> bool:
    """Registrations of one contact; several clients may share a flow in a test."""
    a, b = one.contacts, other.contacts
    if not a or not b or a[0].uri is None or b[0].uri is None:
        return False
    return same_uri(a[0].uri, b[0].uri)


@rule(
    "register-star-alone",
    "Contact: * goes with Expires: 0 and alone",
    "RFC3261-10.2.2-a",
    level="MUST NOT",
    role="agent",
)
def star_alone(scene: Scene) -> Iterator[Breach]:
    """Contact: * occurs together with Expires: 0 and no other Contact."""
    for packet in scene.requests:
        stars = [contact for contact in packet.contacts if contact.uri is None]
        if not packet.enters or not stars:
            continue
        if packet.number("expires") != 0 or len(packet.contacts) != 1:
            yield breach(
                packet,
                f"Contact: * with Expires {packet.number('expires')} and"
                f" {len(packet.contacts)} Contact values.",
                "Contact",
                stars[0].span,
            )


@rule(
    "register-expires-told",
    "Each Contact of the 2xx has expires",
    "RFC3261-10.3-l",
)
def expires_told(scene: Scene) -> Iterator[Breach]:
    """Each Contact value of the 2xx to a REGISTER says when it expires."""
    for _, answer in accepted(scene):
        for contact in answer.contacts:
            if contact.uri is not None and not contact.has("expires"):
                yield breach(answer, f"{contact.raw} lacks expires.", "Contact", contact.span)


@rule(
    "registrar-no-6xx",
    "A registrar sends no 6xx",
    "RFC3261-10.3-m",
    level="MUST NOT",
)
def no_6xx(scene: Scene) -> Iterator[Breach]:
    """A REGISTER is not answered with a 6xx response."""
    for packet in scene.responses:
        if packet.method == "REGISTER" and packet.status >= 600 and packet.hop is None:
            span = packet.message.start_span if packet.message else None
            yield breach(packet, f"A {packet.status} answers the REGISTER.", None, span)


@rule(
    "register-contact-listed",
    "The 2xx lists the contact that was registered",
    "RFC7118-8.1-g",
)
def contact_listed(scene: Scene) -> Iterator[Breach]:
    """The 2xx to a REGISTER lists the Contact registered, with the same URI, reg-id and
    +sip.instance."""
    for request, answer in accepted(scene):
        if answer.message is None or (answer.message.has("contact") and not answer.contacts):
            continue
        for contact in request.contacts:
            if contact.uri is None or is_removal(request, contact):
                continue
            same = [c for c in answer.contacts if c.uri and same_uri(c.uri, contact.uri)]
            if not same:
                listed = ", ".join(c.raw for c in answer.contacts) or "none"
                rows = answer.message.rows("contact")
                yield breach(
                    answer,
                    f"{contact.uri} was registered; listed is {listed}.",
                    "Contact",
                    rows[0].span if rows else None,
                )
                continue
            if not answer.lists("require", "outbound"):
                continue
            for name in ("reg-id", "+sip.instance"):
                due = contact.param(name)
                if due is not None and all(_value(c, name) != due.value for c in same):
                    yield breach(
                        answer,
                        f"{contact.uri} was registered with {name}={due.value}; listed is"
                        f" {same[0].raw}.",
                        "Contact",
                        same[0].span,
                    )


def _value(contact: Address, name: str) -> str | None:
    param = contact.param(name)
    return None if param is None else param.value


@rule(
    "register-no-record-route",
    "The 2xx to REGISTER has no Record-Route",
    "RFC3261-10.3-a",
    level="MUST NOT",
)
def no_record_route(scene: Scene) -> Iterator[Breach]:
    """A registrar ignores Record-Route in a REGISTER and puts none in its response."""
    for _, answer in accepted(scene):
        if answer.message is not None and answer.message.has("record-route"):
            span = answer.message.rows("record-route")[0].span
            yield breach(answer, "The 2xx to REGISTER has Record-Route.", "Record-Route", span)


@rule(
    "register-replaces",
    "A binding of the same instance and reg-id is replaced",
    "RFC5626-6-n",
)
def replaces(scene: Scene) -> Iterator[Breach]:
    """The bindings that a registrar lists hold each pair of instance-id and reg-id once."""
    for _, answer in accepted(scene):
        seen: dict[tuple[str, str], Address] = {}
        for contact in answer.contacts:
            urn, reg_id = _value(contact, "+sip.instance"), _value(contact, "reg-id")
            if urn is None or reg_id is None or not answer.lists("require", "outbound"):
                continue
            first = seen.setdefault((urn, reg_id), contact)
            if first is not contact and first.raw != contact.raw:
                yield breach(
                    answer,
                    f"{first.uri} and {contact.uri} are both listed for {urn}, reg-id {reg_id}.",
                    "Contact",
                    contact.span,
                )


@rule(
    "register-stale-refused",
    "A REGISTER older than the binding is refused",
    "RFC3261-10.3-h",
)
def stale_refused(scene: Scene) -> Iterator[Breach]:
    """For an equal Call-ID a REGISTER whose CSeq is not higher than that of the binding is
    refused."""
    latest: dict[tuple[str, str, str], tuple[int, Packet]] = {}
    for request, answer in accepted(scene):
        if request.cseq is None:
            continue
        for contact in request.contacts:
            if contact.uri is None:
                continue
            key = (answer.party, request.call_id, contact.uri.raw)
            known = latest.get(key)
            if known is not None and request.cseq.number <= known[0] and known[1] is not request:
                yield breach(
                    answer,
                    f"The REGISTER with CSeq {request.cseq.number} was accepted after that with"
                    f" {known[0]}.",
                    "CSeq",
                    answer.cseq.span if answer.cseq is not None else None,
                )
            number = max(request.cseq.number, known[0] if known else 0)
            latest[key] = (number, request)


@rule(
    "register-423-min-expires",
    "A 423 says the shortest interval",
    "RFC3261-10.3-j",
)
def min_expires(scene: Scene) -> Iterator[Breach]:
    """A 423 to a REGISTER has Min-Expires."""
    for packet in scene.responses:
        if packet.status == 423 and packet.hop is None and packet.message is not None:
            if not packet.message.has("min-expires"):
                span = packet.message.start_span
                yield breach(packet, "The 423 has no Min-Expires.", "Min-Expires", span)


@rule(
    "register-one-scheme",
    "A UA does not register sip and sips of one contact",
    "RFC5630-5.1.1.1-a",
    role="agent",
)
def one_scheme(scene: Scene) -> Iterator[Breach]:
    """A REGISTER does not list two Contacts that differ in the scheme only."""
    for packet in scene.requests:
        if not packet.enters or packet.method != "REGISTER":
            continue
        seen: dict[str, str] = {}
        for contact in packet.contacts:
            uri = contact.uri
            if uri is None or not uri.is_sip:
                continue
            rest = uri.raw.partition(":")[2]
            if seen.setdefault(rest, uri.scheme) != uri.scheme:
                yield breach(
                    packet, f"{uri} is registered with both schemes.", "Contact", contact.span
                )


@rule(
    "register-all-listed",
    "The 2xx lists all bindings",
    "RFC3261-10.3-k",
)
def all_listed(scene: Scene) -> Iterator[Breach]:
    """The 2xx to a REGISTER lists every binding of the address of record that stands. Bindings
    whose connection has gone may have gone with it."""
    for request, answer in accepted(scene):
        owner = request.values("to")
        if answer.enters or not owner or owner[0].uri is None or not answer.reads("contact"):
            continue
        mine = [c.uri for c in request.contacts]
        if None in mine:
            continue
        listed = [contact.uri for contact in answer.contacts if contact.uri is not None]
        for binding in scene.bindings.at(aor(owner[0].uri), answer.t):
            if binding.answer.t >= request.t or binding.until < answer.t + 1:
                continue
            if not binding.link.open_at(answer.t) or binding.paths:
                continue
            if any(uri is not None and same_uri(uri, binding.uri) for uri in mine):
                continue
            if not any(same_uri(uri, binding.uri) for uri in listed):
                rows = answer.message.rows("contact") if answer.message else []
                yield breach(
                    answer,
                    f"{binding.uri} is bound and not listed.",
                    "Contact",
                    rows[0].span if rows else None,
                )


@rule(
    "register-star-refused",
    "Contact: * that is no removal is refused",
    "RFC3261-10.3-g",
)
def star_refused(scene: Scene) -> Iterator[Breach]:
    """A REGISTER with Contact: * and another Contact, or without Expires: 0, gets no 2xx."""
    for request, answer in accepted(scene):
        if any(contact.uri is None for contact in request.contacts):
            if len(request.contacts) > 1 or request.number("expires") != 0:
                span = answer.message.start_span if answer.message else None
                yield breach(answer, f"The {answer.status} accepts a wrong *.", None, span)


@rule(
    "register-one-at-a-time",
    "A UA waits for the answer to its REGISTER",
    "RFC3261-10.2-d",
    level="MUST NOT",
    role="agent",
)
def one_at_a_time(scene: Scene) -> Iterator[Breach]:
    """A UA sends no new REGISTER of a Call-ID until the last one was answered or timed out."""
    for series in _series(scene):
        for before, packet in zip(series, series[1:]):
            done = any(a.status >= 200 and a.t <= packet.t for a in before.answers)
            if done or packet.t - before.t > TIMEOUT or packet.link is not before.link:
                continue
            yield breach(packet, f"The REGISTER of event {before.event.n} is not answered yet.")
