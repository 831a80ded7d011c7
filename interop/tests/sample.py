"""A made-up run with traces as real ones are, for the tests of the writers.

The trace is a registration and a call between two scripted agents through a record-routing proxy;
`hostile` puts markup and control characters where a peer may put what it likes.
"""

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from viaduct.results import CaseResult, Known, RunResult, TargetInfo, Verdict, of_findings
from viaduct.rules.finding import Finding
from viaduct.trace.jsonl import write
from viaduct.trace.model import Event, Header, Trace

LEGS = ("ws", "wss", "tls", "tcp", "udp")
TOKENS = {"ws": "WS", "wss": "WSS", "tls": "TLS", "tcp": "TCP", "udp": "UDP"}
PORTS = {"ws": 8080, "wss": 8443, "tls": 5061, "tcp": 5060, "udp": 5060}
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&`|\x1b[2J"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
)


class Wire:
    """Collects events as two peers on both sides of a system under test record them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = 1_767_323_045.0

    def add(
        self, at: str, leg: str, kind: str, dir: str | None, data: str = "", **info: Any
    ) -> int:
        self.now += 0.0017 + (len(self.events) % 7) * 0.0011
        side = 1 if at == "alice" else 2
        event = Event(
            n=len(self.events) + 1,
            t=round(self.now, 6),
            at=at,
            kind=kind,
            flow=f"{leg}-1",
            transport=leg,
            local=f"127.0.0.{side}:4000{side}",
            remote=f"127.0.0.1:{PORTS[leg]}",
            dir=dir,
            data=data.encode("utf-8", "surrogateescape"),
            info=info,
        )
        self.events.append(event)
        return event.n

    def open(self, at: str, leg: str) -> None:
        if leg == "udp":
            return
        secure = leg in ("tls", "wss")
        tls = {"tls": "TLSv1.3", "alpn": "http/1.1", "sni": "sip.test"} if secure else {}
        self.add(at, leg, "connect", None, **tls)
        if leg in ("ws", "wss"):
            ask = (
                "GET /sip HTTP/1.1\r\nHost: sip.test\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            self.add(at, leg, "handshake", "out", ask)
            answer = (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                "Sec-WebSocket-Protocol: sip\r\n\r\n"
            )
            self.add(at, leg, "handshake", "in", answer)

    def message(self, at: str, leg: str, dir: str, data: str) -> int:
        web = leg in ("ws", "wss")
        frame: dict[str, Any] = {"fin": True, "rsv": 0, "opcode": 1, "length": len(data)}
        if web and dir == "in":
            self.add(at, leg, "frame", dir, data, **frame, masked=False)
        n = self.add(at, leg, "message", dir, data, **({"opcode": 1} if web else {}))
        if web and dir == "out":
            self.add(at, leg, "frame", dir, data, **frame, masked=True)
        return n


def trace(caller: str, callee: str, hostile: bool = False) -> tuple[Trace, dict[str, int]]:
    """The trace of a call, and the numbers of its events by name."""
    wire = Wire()
    marks: dict[str, int] = {}
    wire.add("alice", caller, "note", None, mark="registrations")
    for at, leg in (("alice", caller), ("bob", callee)):
        wire.open(at, leg)
        register = request("REGISTER", "sip:sip.test", at, at, leg, 1)
        marks[f"register-{at}"] = wire.message(at, leg, "out", register)
        wire.message(at, leg, "in", response("200 OK", "REGISTER", at, at, leg, 1))
    wire.add("alice", caller, "note", None, mark="the call")
    subject = f"Subject: {HOSTILE}\r\n" if hostile else ""
    wire.message(
        "alice", caller, "out", request("INVITE", "sip:bob@sip.test", "alice", "bob", caller, 1)
    )
    wire.message("alice", caller, "in", response("100 Trying", "INVITE", "alice", "bob", caller, 1))
    routed = (
        f"Record-Route: <sip:Zmxvdy1i@127.0.0.1:{PORTS[callee]};lr>\r\n"
        f"Record-Route: <sip:Zmxvdy1h@127.0.0.1:{PORTS[caller]};transport=ws;lr>\r\n" + subject
    )
    inner = request("INVITE", "sip:bob@bob.invalid", "alice", "bob", callee, 1, routed)
    marks["invite-out"] = wire.message("bob", callee, "in", inner)
    for status in ("180 Ringing", "200 OK"):
        sdp = SDP if status == "200 OK" else ""
        answer = response(status, "INVITE", "alice", "bob", callee, 1, routed, sdp)
        wire.message("bob", callee, "out", answer)
        answer = response(status, "INVITE", "alice", "bob", caller, 1, routed, sdp)
        marks[f"{status[:3]}-in"] = wire.message("alice", caller, "in", answer)
    wire.message(
        "alice", caller, "out", request("ACK", "sip:bob@bob.invalid", "alice", "bob", caller, 1)
    )
    wire.message(
        "bob", callee, "in", request("ACK", "sip:bob@bob.invalid", "alice", "bob", callee, 1)
    )
    if callee != "udp":
        wire.message("bob", callee, "out", "\r\n\r\n")
        wire.message("bob", callee, "in", "\r\n")
    wire.now += 2.2
    wire.message(
        "bob", callee, "out", request("BYE", "sip:alice@a.invalid", "bob", "alice", callee, 2)
    )
    bye = request("BYE", "sip:alice@a.invalid", "bob", "alice", caller, 2)
    marks["bye"] = wire.message("alice", caller, "in", bye)
    wire.message("alice", caller, "out", response("200 OK", "BYE", "bob", "alice", caller, 2))
    wire.message("bob", callee, "in", response("200 OK", "BYE", "bob", "alice", callee, 2))
    for at, leg in (("alice", caller), ("bob", callee)):
        if leg != "udp":
            wire.add(at, leg, "close", "out", why="local", code=1000)
    sut = tuple(f"{leg}:127.0.0.1:{PORTS[leg]}" for leg in dict.fromkeys((caller, callee)))
    return Trace(Header("merged", sut), tuple(wire.events)), marks


def request(
    method: str, uri: str, caller: str, callee: str, leg: str, cseq: int, more: str = ""
) -> str:
    body = SDP if method == "INVITE" else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/{TOKENS[leg]} {caller}.invalid"
        f";branch=z9hG4bK{method.lower()}{cseq};rport\r\n"
        f"Max-Forwards: 70\r\n{more}"
        f'From: "{caller.title()}" <sip:{caller}@sip.test>;tag=a73kszlfl\r\n'
        f"To: <sip:{callee}@sip.test>\r\nCall-ID: 1j9FpLxk3uxtm8tn@{caller}.invalid\r\n"
        f"CSeq: {cseq} {method}\r\n"
        f"Contact: <sip:{caller}@{caller}.invalid;transport=ws;ob>\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    )


def response(
    status: str,
    method: str,
    caller: str,
    callee: str,
    leg: str,
    cseq: int,
    more: str = "",
    body: str = "",
) -> str:
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"SIP/2.0 {status}\r\n"
        f"Via: SIP/2.0/{TOKENS[leg]} {caller}.invalid;branch=z9hG4bK{method.lower()}{cseq}"
        f";rport=40001;received=127.0.0.1\r\n{more}"
        f'From: "{caller.title()}" <sip:{caller}@sip.test>;tag=a73kszlfl\r\n'
        f"To: <sip:{callee}@sip.test>;tag=8321234356\r\n"
        f"Call-ID: 1j9FpLxk3uxtm8tn@{caller}.invalid\r\nCSeq: {cseq} {method}\r\n"
        f"Contact: <sip:{callee}@{callee}.invalid;transport=ws;ob>\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    )


def locate(capture: Trace, n: int, header: str, nth: int = 0) -> tuple[int, int]:
    """The byte range of a header's value in an event."""
    data = capture.events[n - 1].data
    start = -1
    for _ in range(nth + 1):
        start = data.index(f"\r\n{header}: ".encode(), start + 1)
    start += len(header) + 4
    return start, data.index(b"\r\n", start)


def findings(capture: Trace, marks: dict[str, int]) -> tuple[Finding, ...]:
    n = marks["invite-out"]
    return (
        Finding(
            rule="via-transport-wss",
            level="MUST",
            verdict="fail",
            requirement="RFC7118-5.1-b",
            text=f"The top Via of the INVITE names a transport the flow is not {HOSTILE}.",
            event=n,
            header="Via",
            bytes=locate(capture, n, "Via"),
        ),
        Finding(
            rule="record-route-double",
            level="SHOULD",
            verdict="warn",
            requirement="RFC5658-5-a",
            text="The incoming side's Record-Route is not the second one.",
            event=n,
            header="Record-Route",
            bytes=locate(capture, n, "Record-Route", 1),
        ),
        Finding(
            rule="record-route-double",
            level="SHOULD",
            verdict="warn",
            requirement="RFC5658-5-a",
            text="The 200 has it as well.",
            event=marks["200-in"],
            header="Record-Route",
            bytes=None,
        ),
    )


def run(out: Path, operations: tuple[str, ...] = ("call", "message", "options")) -> RunResult:
    """A run with every verdict in it, its traces written below `out`."""
    (out / "traces").mkdir(parents=True, exist_ok=True)
    cases: list[CaseResult] = []
    for operation in operations:
        for caller in LEGS:
            for callee in LEGS:
                name = f"{operation}-{caller}-{callee}"
                hostile = callee == "wss" and operation == "call"
                capture, marks = trace(caller, callee, hostile)
                write(capture, out / "traces" / f"{name}.jsonl")
                found = findings(capture, marks) if hostile else ()
                if operation == "message" and caller == "tls":
                    found = findings(capture, marks)[1:]
                seen: tuple[Finding, ...] = ()
                if operation == "options" and callee == "wss":
                    seen = (replace(findings(capture, marks)[0], party="bob"),)
                cases.append(
                    CaseResult(
                        id=name,
                        title=f"{operation.title()} from {caller.upper()} to {callee.upper()}",
                        verdict=of_findings(found),
                        legs=(caller, callee),
                        agents=("peer", "sipp" if callee in ("udp", "tcp") else "jssip"),
                        seconds=round(0.1 + len(cases) % 9 / 10, 1),
                        requirements=("RFC7118-5.1-b", "RFC3261-16.6-a"),
                        findings=found,
                        observations=seen,
                        trace=f"traces/{name}.jsonl",
                        messages=18,
                    )
                )
    known = Known("Kept for old phones", "https://example.org/issues/7", True)
    gone = Known("Fixed upstream", "https://example.org/issues/8", False)
    cases += [
        CaseResult("register-wss", "Register over WSS", Verdict.PASS, ("wss",), ("peer",), 0.2),
        CaseResult(
            "register-udp", "Register", Verdict.SKIP, ("udp",), reason="IPv6 is switched off here"
        ),
        CaseResult("register-tls", "R", Verdict.UNSUPPORTED, ("tls",), reason="no TLS listener"),
        CaseResult("register-tcp", "R", Verdict.ERROR, ("tcp",), reason="OSError: port in use"),
        CaseResult("keepalive-ws", "K", Verdict.INCONCLUSIVE, ("ws",), reason="no pong was seen"),
        CaseResult("flow-dead-430", "F", Verdict.PASS, known=gone),
        CaseResult("path-two-hops", "P", Verdict.FAIL, findings=cases[1].findings[:1], known=known),
    ]
    return RunResult(
        suite="proxy",
        target=TargetInfo("kamailio", "5.6.3"),
        started=STARTED,
        seconds=48.25,
        cases=tuple(cases),
    )
