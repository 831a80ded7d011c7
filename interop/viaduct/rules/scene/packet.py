"""A SIP message that passed between the system under test and an agent, and the link it took."""

from typing import TYPE_CHECKING, Any

from viaduct.rules.scene.place import STREAMS, WEBSOCKETS, Address
from viaduct.sip.address import Address as NameAddr
from viaduct.sip.cursor import ParseError
from viaduct.sip.header import CSeq
from viaduct.sip.message import Message
from viaduct.sip.uri import Uri
from viaduct.sip.via import Via
from viaduct.trace.model import Event

if TYPE_CHECKING:
    from viaduct.rules.scene.hop import Hop


class Link:
    """One connection or one pair of UDP addresses, between an agent and the system under test."""

    __slots__ = ("agent", "name", "transport", "near", "far", "opened", "closed", "packets", "ends")

    def __init__(self, agent: str, name: str, transport: str) -> None:
        self.agent = agent
        self.name = name
        self.transport = transport
        self.near: Address | None = None  # the agent's address
        self.far: Address | None = None  # the address of the system under test
        self.opened: float | None = None
        self.closed: float | None = None
        self.packets: list[Packet] = []
        self.ends: list[Event] = []

    @property
    def is_stream(self) -> bool:
        return self.transport in STREAMS

    @property
    def is_websocket(self) -> bool:
        return self.transport in WEBSOCKETS

    def open_at(self, t: float) -> bool:
        return self.closed is None or t < self.closed

    def __str__(self) -> str:
        return f"flow {self.name or self.transport} of {self.agent}"


class Packet:
    """One message on its way, whichever vantages recorded it.

    `enters` tells its direction: into the system under test, or out of it. The accessors give empty
    results where a header is missing or malformed, so that a rule about a header speaks only where
    there is something to speak about; `message-syntax` and `header-syntax` report the rest.
    """

    __slots__ = (
        "event",
        "message",
        "error",
        "enters",
        "link",
        "repeats",
        "hop",
        "forwards",
        "answers",
        "request",
        "_cache",
    )

    def __init__(
        self,
        event: Event,
        message: Message | None,
        error: ParseError | None,
        enters: bool,
        link: Link,
    ) -> None:
        self.event = event
        self.message = message
        self.error = error
        self.enters = enters
        self.link = link
        self.repeats: Packet | None = None  # the first of the equal copies on this link
        self.hop: Hop | None = None  # what this message was before the system passed it on
        self.forwards: list[Hop] = []  # what the system made of this message
        self.answers: list[Packet] = []  # responses to this request on its own side
        self.request: Packet | None = None  # the request this response answers
        self._cache: dict[str, Any] = {}

    @property
    def t(self) -> float:
        return self.event.t

    @property
    def transport(self) -> str:
        return self.link.transport

    @property
    def agent(self) -> str:
        return self.link.agent

    @property
    def party(self) -> str:
        """Who sent it: an agent's vantage, or the system under test."""
        return self.link.agent if self.enters else "target"

    @property
    def source(self) -> Address | None:
        return self.link.near if self.enters else self.link.far

    @property
    def is_request(self) -> bool:
        return self.message is not None and self.message.status == 0

    @property
    def is_response(self) -> bool:
        return self.message is not None and self.message.status != 0

    @property
    def method(self) -> str:
        """The method of a request, the method in CSeq of a response."""
        if self.message is None:
            return ""
        if self.message.status == 0:
            return self.message.method
        cseq = self.cseq
        return "" if cseq is None else cseq.method

    @property
    def status(self) -> int:
        return 0 if self.message is None else self.message.status

    def values(self, key: str) -> tuple[Any, ...]:
        """All values of a header, none if there is a bad one among them."""
        known = self._cache.get(key)
        if known is None:
            try:
                known = () if self.message is None else self.message.values(key)
            except ParseError:
                known = ()
            self._cache[key] = known
        return known

    def reads(self, key: str) -> bool:
        """Whether a header is absent or well formed, so that `values` tells the truth about it."""
        return self.message is None or not self.message.has(key) or bool(self.values(key))

    @property
    def vias(self) -> tuple[Via, ...]:
        return self.values("via")

    @property
    def top(self) -> Via | None:
        vias = self.vias
        return vias[0] if vias else None

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        return self.values("route")

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        return self.values("record-route")

    @property
    def paths(self) -> tuple[NameAddr, ...]:
        return self.values("path")

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        return self.values("contact")

    @property
    def cseq(self) -> CSeq | None:
        found = self.values("cseq")
        return found[0] if found else None

    @property
    def call_id(self) -> str:
        return "" if self.message is None else self.message.call_id

    @property
    def from_tag(self) -> str | None:
        return self._tag("from")

    @property
    def to_tag(self) -> str | None:
        return self._tag("to")

    def _tag(self, key: str) -> str | None:
        found: tuple[NameAddr, ...] = self.values(key)
        return found[0].tag if found else None

    @property
    def uri(self) -> Uri | None:
        """The Request-URI, if it parses."""
        if self.message is None or self.message.status:
            return None
        try:
            return self.message.request_uri
        except ParseError:
            return None

    def number(self, key: str) -> int | None:
        found = self.values(key)
        return found[0].value if found else None

    def lists(self, key: str, word: str) -> bool:
        return any(found.value.lower() == word for found in self.values(key))

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """Call-ID, CSeq number and From tag: what a request keeps on its whole way."""
        cseq = self.cseq
        return self.call_id, -1 if cseq is None else cseq.number, self.from_tag

    @property
    def name(self) -> str:
        """How a text calls it."""
        if self.message is None:
            return "message"
        if self.message.status == 0:
            return self.message.method
        return f"{self.message.status} to {self.method or 'a request'}"
