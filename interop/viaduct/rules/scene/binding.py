"""Bindings that REGISTER requests made, with the flow each of them belongs to."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from viaduct.rules.scene.packet import Link, Packet
from viaduct.sip.address import Address
from viaduct.sip.uri import Uri, aor, same_uri


@dataclass(slots=True)
class Binding:
    """One contact of one address of record; `until` is when it ended or will end."""

    aor: str
    uri: Uri
    link: Link
    register: Packet
    answer: Packet
    paths: tuple[Address, ...]
    since: float
    until: float
    instance: str | None
    reg_id: str | None

    @property
    def is_outbound(self) -> bool:
        """Whether RFC 5626 rules were asked for and granted."""
        return (
            self.instance is not None
            and self.reg_id is not None
            and self.answer.lists("require", "outbound")
        )


class Bindings:
    """What the system under test registered itself; a REGISTER it passed on binds elsewhere.

    A binding stands from its REGISTER on, and the one it replaces until the answer: in between the
    registrar may use either.
    """

    def __init__(self, packets: Iterable[Packet]) -> None:
        self.known: dict[str, list[Binding]] = defaultdict(list)
        self.by_contact: dict[str, list[Binding]] = defaultdict(list)
        for packet in packets:
            if packet.is_response and not packet.enters and packet.repeats is None:
                request = packet.request
                if request is None or request.method != "REGISTER" or request.forwards:
                    continue
                if 200 <= packet.status < 300:
                    self._register(request, packet)

    def at(self, key: str, t: float) -> list[Binding]:
        """The bindings of an address of record that stand at `t`."""
        return [one for one in self.known.get(key, []) if one.since <= t < one.until]

    def to(self, uri: Uri, t: float) -> list[Binding]:
        """The bindings whose contact is this URI and that stand at `t`."""
        return [one for one in self.by_contact.get(uri.raw, []) if one.since <= t < one.until]

    def _register(self, request: Packet, answer: Packet) -> None:
        owner = request.values("to")
        if not owner or owner[0].uri is None:
            return
        key = aor(owner[0].uri)
        for contact in request.contacts:
            if contact.uri is None:
                for one in self.at(key, answer.t):
                    one.until = answer.t
                continue
            lifetime = _lifetime(request, answer, contact)
            instance = _param(contact, "+sip.instance")
            reg_id = _param(contact, "reg-id")
            for one in self.at(key, answer.t):
                same_flow = (
                    instance is not None
                    and reg_id is not None
                    and (one.instance, one.reg_id) == (instance, reg_id)
                )
                # RFC 5626 6: with both parameters the pair is the key, whatever the URI.
                keyed = None not in (instance, reg_id, one.instance, one.reg_id)
                if same_flow or (not keyed and same_uri(one.uri, contact.uri)):
                    one.until = answer.t
            if lifetime <= 0:
                continue
            binding = Binding(
                aor=key,
                uri=contact.uri,
                link=request.link,
                register=request,
                answer=answer,
                paths=request.paths,
                since=request.t,
                until=answer.t + lifetime,
                instance=instance,
                reg_id=reg_id,
            )
            self.known[key].append(binding)
            self.by_contact[contact.uri.raw].append(binding)


def _param(contact: Address, name: str) -> str | None:
    param = contact.param(name)
    return None if param is None else param.unquoted


def _lifetime(request: Packet, answer: Packet, contact: Address) -> float:
    """Seconds the binding lives: what the answer says of this contact, else what was asked for."""
    for given in answer.contacts:
        if given.uri is not None and contact.uri is not None and same_uri(given.uri, contact.uri):
            value = _param(given, "expires")
            if value is not None and value.isascii() and value.isdigit():
                return float(value)
    asked = _param(contact, "expires")
    if asked is not None and asked.isascii() and asked.isdigit():
        return float(asked)
    expires = request.number("expires")
    return 3600.0 if expires is None else float(expires)
