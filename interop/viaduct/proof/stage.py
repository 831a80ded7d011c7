"""A stage on which correct agents talk through a correct proxy, all on paper: no socket is opened.

Everything is deterministic, so the traces it gives can be kept and compared. Addresses and names
are those reserved for documentation (RFC 5737, RFC 3849, RFC 2606).
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from viaduct.proof.draft import Draft
from viaduct.trace.model import Event, Header, Trace

DOMAIN = "example.com"
PROXY_HOST = "192.0.2.10"
PROXY_HOST6 = "[2001:db8::10]"
PROXY_NAME = "edge.example.com"
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TOKENS = {"udp": "UDP", "tcp": "TCP", "tls": "TLS", "ws": "WS", "wss": "WSS"}
STREAMS = ("tcp", "tls", "ws", "wss")
WEB = ("ws", "wss")


class Stage:
    """Collects the events of all agents on one clock."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.events: list[Event] = []
        self.t = start
        self._numbers: dict[str, int] = {}

    def fresh(self, kind: str) -> str:
        """A new name: branches, tags, Call-IDs. Equal from run to run."""
        number = self._numbers.get(kind, 0) + 1
        self._numbers[kind] = number
        return f"{kind}{hashlib.sha256(f'{kind}{number}'.encode()).hexdigest()[:10]}"

    def note(
        self, at: str, kind: str, agent: "Agent", dir: str | None, data: bytes, **info: Any
    ) -> None:
        self.t = round(self.t + 0.001, 6)
        event = Event(
            n=len(self.events) + 1,
            t=self.t,
            at=at,
            kind=kind,
            flow=agent.flow,
            transport=agent.transport,
            local=agent.local,
            remote=agent.remote,
            dir=dir,
            data=data,
            info=info,
        )
        self.events.append(event)

    def wait(self, seconds: float) -> None:
        self.t = round(self.t + seconds, 6)

    def trace(self, note: str) -> Trace:
        sut = [f"{t}:{PROXY_HOST}:{p}" for t, p in PORTS.items()]
        sut += [f"{t}:{PROXY_HOST6}:{p}" for t, p in PORTS.items()]
        return Trace(Header(at="merged", sut=tuple(sut), note=note), tuple(self.events))


@dataclass
class Agent:
    """A user agent (or another proxy, or a registrar) with one flow to the proxy under test."""

    stage: Stage
    name: str
    transport: str
    number: int
    six: bool = False
    flow: str = ""
    browser: bool = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.transport in WEB
        host = f"[2001:db8::{self.number}]" if self.six else f"198.51.100.{self.number}"
        self.host = host
        self.port = 40000 + self.number if self.transport in STREAMS else 5060
        self.flow = self.flow or f"{self.transport}-1"
        self.local = f"{host}:{self.port}"
        proxy = PROXY_HOST6 if self.six else PROXY_HOST
        self.remote = f"{proxy}:{PORTS[self.transport]}"
        label = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        self.sent_by = f"x{label}.invalid" if self.browser else self.local
        uuid = f"{label[:8]}-0000-4000-8000-{label}"
        self.instance = f'"<urn:uuid:{uuid}>"'
        self.cseq = 0
        self.registered = 0
        self.register_id = self.stage.fresh("reg")

    @property
    def aor(self) -> str:
        return f"sip:{self.name}@{DOMAIN}"

    @property
    def contact_uri(self) -> str:
        more = {"ws": ";transport=ws", "wss": ";transport=ws", "tcp": ";transport=tcp"}
        return f"sip:{self.name}@{self.sent_by}{more.get(self.transport, '')}"

    def connect(self) -> None:
        info: dict[str, Any] = {"tls": "TLSv1.3"} if self.transport in ("tls", "wss") else {}
        self.stage.note(self.name, "connect", self, None, b"", **info)
        if self.browser:
            self._handshake()

    def _handshake(self) -> None:
        key = base64.b64encode(hashlib.sha256(self.local.encode()).digest()[:16]).decode()
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        scheme = "https" if self.transport == "wss" else "http"
        ask = (
            f"GET / HTTP/1.1\r\nHost: {PROXY_NAME}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Origin: {scheme}://{PROXY_NAME}\r\nSec-WebSocket-Protocol: sip\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        )
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
        )
        self.stage.note(self.name, "handshake", self, "out", ask.encode())
        self.stage.note(self.name, "handshake", self, "in", answer.encode())

    def frame(self, dir: str, opcode: int, data: bytes, *, fin: bool = True) -> None:
        info: dict[str, Any] = {"fin": fin, "rsv": 0, "opcode": opcode}
        info |= {"masked": dir == "out", "length": len(data)}
        if opcode == 8 and len(data) >= 2:
            info["close"] = int.from_bytes(data[:2], "big")
        self.stage.note(self.name, "frame", self, dir, data, **info)

    def pass_bytes(self, dir: str, data: bytes, **info: Any) -> None:
        if self.browser:
            self.frame(dir, 1, data)
            info["opcode"] = 1
        self.stage.note(self.name, "message", self, dir, data, **info)

    def send(self, draft: Draft) -> Draft:
        """The agent sends; the result is what the proxy has then, the top Via stamped."""
        self.pass_bytes("out", bytes(draft))
        return draft if draft.start.startswith("SIP/") else self._stamp(draft)

    def receive(self, draft: Draft) -> Draft:
        self.pass_bytes("in", bytes(draft))
        return draft

    def ping(self) -> None:
        self.pass_bytes("out", b"\r\n\r\n", keepalive=True)
        self.pass_bytes("in", b"\r\n", keepalive=True)

    def close(self, why: str = "local") -> None:
        if self.browser:
            self.frame("out", 8, b"\x03\xe8")
            self.frame("in", 8, b"\x03\xe8")
        self.stage.note(self.name, "close", self, "out", b"", why=why)

    def _stamp(self, draft: Draft) -> Draft:
        top = draft.first("Via")
        address = self.host.strip("[]")
        if "rport" in re.split("[;=]", top):
            top = re.sub(r";rport(?=;|$)", f";rport={self.port}", top)
            if not self.browser:
                top += f";received={address}"
        elif not self.browser and f" {self.host}" not in top:
            top += f";received={address}"
        return draft.put("Via", [top, *draft.all("Via")[1:]])

    def via(self) -> str:
        rport = "" if self.browser and self.number % 2 else ";rport"
        token = TOKENS[self.transport]
        return f"SIP/2.0/{token} {self.sent_by};branch=z9hG4bK{self.stage.fresh('u')}{rport}"

    def length(self, body: bytes) -> list[tuple[str, str]]:
        """Content-Length, which RFC 7118 lets a WebSocket client leave out."""
        if self.browser and self.number % 3 == 0:
            return []
        return [("Content-Length", str(len(body)))]

    def request(
        self,
        method: str,
        uri: str,
        to: str,
        *,
        call_id: str | None = None,
        tag: str | None = None,
        routes: tuple[str, ...] = (),
        more: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        kind: str = "application/sdp",
        cseq: int | None = None,
    ) -> Draft:
        if cseq is None and method == "REGISTER":
            self.registered += 1
            cseq = self.registered
        elif cseq is None:
            self.cseq += 1
            cseq = self.cseq
        rows = [("Via", self.via()), ("Max-Forwards", "70")]
        rows += [("Route", route) for route in routes]
        rows += [
            ("From", f"<{self.aor}>;tag={tag or self.stage.fresh('f')}"),
            ("To", to),
            ("Call-ID", call_id or self.stage.fresh("c")),
            ("CSeq", f"{cseq} {method}"),
        ]
        rows += list(more)
        if body:
            rows.append(("Content-Type", kind))
        rows += self.length(body)
        return Draft(f"{method} {uri} SIP/2.0", tuple(rows), body)

    def response(
        self,
        request: Draft,
        status: str,
        *,
        tag: str | None = None,
        more: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Draft:
        """The agent's answer to a request as it received it, stamped for the way back."""
        asked = self.arrived(request)
        rows = [("Via", value) for value in asked.all("Via")]
        to = asked.first("To")
        if tag and ";tag=" not in to:
            to += f";tag={tag}"
        rows += [("From", asked.first("From")), ("To", to)]
        rows += [("Call-ID", asked.first("Call-ID")), ("CSeq", asked.first("CSeq"))]
        rows += list(more)
        if body:
            rows.append(("Content-Type", "application/sdp"))
        rows += self.length(body)
        return Draft(f"SIP/2.0 {status}", tuple(rows), body)

    def arrived(self, request: Draft) -> Draft:
        """A request from the proxy as this agent sees it, rport and received filled in."""
        top = request.first("Via")
        host, port = self.remote.rsplit(":", 1)
        if ";rport" in top:
            top = top.replace(";rport", f";rport={port}")
            if not self.browser:
                top += f";received={host.strip('[]')}"
        return request.put("Via", [top, *request.all("Via")[1:]])
