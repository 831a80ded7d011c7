"""SIPp as an agent: who it says it is on each leg, and what it tells when nobody answers."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from viaduct.agents import sipp as sipp_module
from viaduct.agents.sipp import SCENARIOS, Identity, Sipp
from viaduct.targets.description import Address, Description
from viaduct.trace.jsonl import read

OK = (
    "SIP/2.0 200 OK\r\n{via}\r\n{from}\r\n{to};tag=t\r\n{call-id}\r\n{cseq}\r\n"
    "Content-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize(
    "leg, via, parameters",
    [
        ("udp", "UDP", ""),
        ("tcp", "TCP", ";transport=tcp"),
        ("tls", "TLS", ";transport=tcp"),
        ("ws", "WS", ";transport=ws"),
        ("wss", "WSS", ";transport=ws"),
    ],
)
def test_identity_on_each_leg(leg: str, via: str, parameters: str) -> None:
    keys = Identity("u", "d.test", leg, outbound=True).keys("127.0.0.1", 4711)
    host = keys["sentby"]
    assert keys["via"] == via
    assert host.endswith(".invalid") if "ws" in leg else host == "127.0.0.1:4711"
    assert keys["binding"] == f"sip:u@{host}{parameters}"
    assert keys["contact"] == f"sip:u@{host}{parameters};ob"
    assert keys["outbound"].startswith(';reg-id=1;+sip.instance="<urn:uuid:')


def test_without_outbound_nothing_of_it_is_said() -> None:
    keys = Identity("u", "d.test", "tcp", outbound=False).keys("127.0.0.1", 4711)
    assert keys["contact"] == keys["binding"]
    assert keys["outbound"] == ""


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.xml")))
def test_scenarios_are_well_formed_and_route_right(name: str) -> None:
    """Requests within a dialog use the route set; the response that makes it stores it."""
    scenario = ElementTree.parse(SCENARIOS / f"{name}.xml").getroot()
    assert scenario.get("name") == name
    sends = [(send.text or "").strip() for send in scenario.iter("send")]
    assert sends
    for text in sends:
        assert "[routes]" in text or "[next_url]" not in text
        assert "branch=[branch" in text or text.startswith("SIP/2.0")
    if any("[routes]" in text for text in sends):
        assert any(recv.get("rrs") == "true" for recv in scenario.iter("recv"))


class Registrar:
    """Answers each datagram by what `answer` makes of its header lines; None is silence."""

    def __init__(self, answer: Callable[[dict[str, str]], str | None]) -> None:
        self.requests: list[str] = []
        self._answer = answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    def serve(self) -> None:
        data, source = self.socket.recvfrom(65535)
        text = data.decode()
        self.requests.append(text)
        lines = {line.partition(":")[0].lower(): line for line in text.split("\r\n")[1:] if line}
        answer = self._answer(lines)
        if answer is not None:
            self.socket.sendto(answer.encode(), source)

    @property
    def target(self) -> Description:
        port = self.socket.getsockname()[1]
        return Description("r", "1", "sip.test", (Address("udp", "127.0.0.1", port),))


def play(registrar: Registrar, folder: Path, scenario: str, answer: str | None) -> list[str | None]:
    """What a SIPp says of its start, and of its end if it has no `answer` to wait with."""

    async def run() -> list[str | None]:
        loop = asyncio.get_running_loop()
        loop.add_reader(registrar.socket, registrar.serve)
        sipp = Sipp("sipp-a", "alice", "udp", registrar.target, folder)
        said: list[str | None] = []
        try:
            said.append(await sipp.play(scenario, callee="bob", answer=answer))
            if answer is None:
                said.append(await sipp.end())
        finally:
            await sipp.close()
            loop.remove_reader(registrar.socket)
        path = sipp.trace()
        assert path is not None
        events = read(path).events
        assert events[0].data.decode() == registrar.requests[0]
        assert events[0].remote == str(registrar.target.addresses[0]).removeprefix("udp:")
        return said

    try:
        return asyncio.run(run())
    finally:
        registrar.socket.close()


def test_it_registers_and_waits(tmp_path: Path) -> None:
    registrar = Registrar(OK.format_map)
    assert play(registrar, tmp_path, "register", "answer-call") == [None]
    assert "Supported: path, outbound\r\n" in registrar.requests[0]


def test_a_text_that_is_accepted(tmp_path: Path) -> None:
    registrar = Registrar(OK.format_map)
    assert play(registrar, tmp_path, "message", None) == [None, None]
    assert registrar.requests[0].startswith("MESSAGE sip:bob@sip.test SIP/2.0\r\n")
    assert registrar.requests[0].endswith("\r\n\r\nGood day from SIPp")


def test_a_refusal_is_told_with_what_came(tmp_path: Path) -> None:
    registrar = Registrar(lambda lines: OK.format_map(lines).replace("200 OK", "403 No"))
    (complaint,) = play(registrar, tmp_path, "register", "answer-call")
    assert complaint is not None
    assert "before it was registered" in complaint and "403 No" in complaint


def test_silence_is_told_and_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sipp_module, "START_SECONDS", 0.7)
    (complaint,) = play(Registrar(lambda lines: None), tmp_path, "register", "answer-call")
    assert complaint is not None and "not registered within 0.7 s" in complaint
