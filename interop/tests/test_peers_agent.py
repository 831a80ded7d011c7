"""Flows and agents against small servers of this test: framing, waiting, dialogs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from viaduct.peers.agent import Agent
from viaduct.peers.dialog import Dialog, establish, hang_up, reinvite
from viaduct.peers.duty import Unreachable, Violation
from viaduct.peers.flow import PING, PONG, StreamFlow, UdpFlow
from viaduct.peers.link import Link
from viaduct.peers.message import Message, compose
from viaduct.peers.sink import DialSink
from viaduct.peers.websocket import WebSocket
from viaduct.targets.description import Address
from viaduct.targets.port import free_ports
from viaduct.trace.jsonl import Recorder

MESSAGE = compose("SIP/2.0 200 OK", [("CSeq", "1 X")], b"body")


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scene()

    asyncio.run(bounded())


async def serve(
    answer: Callable[[bytes, asyncio.StreamWriter], None]
) -> tuple[asyncio.Server, Address]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            answer(data, writer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, Address("tcp", "127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_stream_is_cut_into_messages(step: int) -> None:
    octets = MESSAGE + PING + MESSAGE + PONG + MESSAGE.replace(b"Content-Length", b"l")

    async def scene() -> None:
        def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
            for at in range(0, len(octets), step):
                writer.write(octets[at : at + step])
            writer.write_eof()

        server, address = await serve(answer)
        recorder = Recorder("me")
        flow = StreamFlow(recorder, "tcp", "tcp-1", await Link.open(address))
        await flow.send(b"go")
        got = [await flow.inbox.get() for _ in range(4)]
        assert got == [MESSAGE, MESSAGE, MESSAGE.replace(b"Content-Length", b"l"), None]
        assert flow.pongs.get_nowait() == PING
        assert flow.pongs.get_nowait() == PONG
        await flow.close()
        server.close()
        kinds = [(event.kind, event.dir) for event in recorder.events]
        assert kinds[0] == ("connect", None)
        assert kinds.count(("message", "in")) == 5
        assert kinds[-1] == ("close", "in")

    play(scene)


def test_flow_that_is_reset_tells_so() -> None:
    async def scene() -> None:
        server, address = await serve(lambda _, writer: writer.transport.abort())
        recorder = Recorder("me")
        flow = StreamFlow(recorder, "tcp", "tcp-1", await Link.open(address))
        agent = Agent("me", "me", "test", flow)
        outgoing = await agent.request("OPTIONS", "sip:x")
        with pytest.raises(Violation, match="ended before its OPTIONS was answered"):
            await outgoing.final()
        with pytest.raises(Violation, match="ended before a BYE came"):
            await agent.expect("BYE")
        await agent.close()
        server.close()

    play(scene)


def test_nobody_listens() -> None:
    async def scene() -> None:
        address = Address("tcp", "127.0.0.1", free_ports(1)[0])
        with pytest.raises(Unreachable, match=f"cannot connect to {address}: .*refused"):
            await Link.open(address)

    play(scene)


def test_garbage_instead_of_a_handshake() -> None:
    async def scene() -> None:
        server, address = await serve(lambda _, writer: writer.write(b"\0\xff what?\r\n\r\n"))
        socket = WebSocket(Recorder("me"), "ws", "ws-1", await Link.open(address))
        with pytest.raises(Violation, match="answered with nothing"):
            await socket.open("/", "x")
        await socket.close()
        server.close()

    play(scene)


class Mirror(asyncio.DatagramProtocol):
    """A toy proxy between two UDP agents: each gets what the other sent."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, int]] = []
        self.transport: asyncio.DatagramTransport | None = None
        self.copies = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self.ends:
            self.ends.append(addr)
        if len(self.ends) == 2 and self.transport is not None:
            other = self.ends[1 - self.ends.index(addr)]
            for _ in range(self.copies):
                self.transport.sendto(data, other)


async def pair() -> tuple[Mirror, Agent, Agent]:
    loop = asyncio.get_running_loop()
    transport, mirror = await loop.create_datagram_endpoint(Mirror, local_addr=("127.0.0.1", 0))
    address = Address("udp", *transport.get_extra_info("sockname")[:2])
    agents = []
    for name in ("alice", "bob"):
        flow = await UdpFlow.open(Recorder(name), "udp-1", address)
        await flow.send(PING)
        agents.append(Agent(name, name, "test", flow))
    while len(mirror.ends) < 2:
        await asyncio.sleep(0)
    # Without rport the responses would go straight to the other agent, past the mirror.
    return mirror, agents[0], agents[1]


def test_call_between_agents() -> None:
    async def scene() -> None:
        mirror, alice, bob = await pair()
        mirror.copies = 2  # every message twice: retransmissions must not be seen
        caller, callee = await establish(alice, bob)
        await reinvite(callee, caller)
        await hang_up(caller, callee)
        assert caller.routes == callee.routes == []
        assert caller.target == bob.contact_uri(ob=True)
        await alice.close()
        await bob.close()

    play(scene)


def test_expect_is_strict() -> None:
    async def scene() -> None:
        _, alice, bob = await pair()
        await alice.request("MESSAGE", "sip:bob@test")
        with pytest.raises(Violation, match="bob got 'MESSAGE sip:bob@test SIP/2.0' where INVITE"):
            await bob.expect("INVITE")
        with pytest.raises(Violation, match="bob got no BYE within 0.05 s"):
            await bob.expect("BYE", patience=0.05)
        await alice.close()
        await bob.close()

    play(scene)


def test_unreadable_messages_are_survived() -> None:
    async def scene() -> None:
        _, alice, bob = await pair()
        await alice.flow.send(b"\0\1\2")
        await alice.flow.send(b"SIP/2.0 200 OK\r\nCSeq: x\r\n\r\n")
        options = await alice.request("OPTIONS", "sip:bob@test")
        incoming = await bob.expect("OPTIONS")
        await incoming.reply(200)
        await options.final(200)
        await alice.close()
        await bob.close()

    play(scene)


def test_rejection_is_acknowledged_and_counts() -> None:
    async def scene() -> None:
        _, alice, bob = await pair()
        invite = await alice.invite("sip:bob@test")
        incoming = await bob.expect("INVITE")
        await incoming.reply(486)
        ack = await bob.expect("ACK")
        assert ack.request.via.params["branch"] == incoming.request.via.params["branch"]
        with pytest.raises(Violation, match="alice got 'SIP/2.0 486 Busy Here' to its INVITE"):
            await invite.final(200)
        await alice.close()
        await bob.close()

    play(scene)


def test_route_set_and_strict_routers() -> None:
    async def scene() -> None:
        _, alice, bob = await pair()
        dialog = Dialog(
            agent=alice,
            call_id="c",
            local="<sip:a@test>;tag=1",
            remote="<sip:b@test>;tag=2",
            target="sip:b@there",
            routes=["<sip:p1;lr>", "<sip:p2;lr>"],
            cseq=1,
        )
        loose = Message.read(dialog.compose("BYE", 2))
        assert (loose.uri, loose.all("route")) == ("sip:b@there", ["<sip:p1;lr>", "<sip:p2;lr>"])
        dialog.routes = ["<sip:p1>", "<sip:p2;lr>"]
        strict = Message.read(dialog.compose("BYE", 2))
        assert (strict.uri, strict.all("route")) == ("sip:p1", ["<sip:p2;lr>", "<sip:b@there>"])
        await alice.close()
        await bob.close()

    play(scene)


def test_sink_records_who_dials() -> None:
    async def scene() -> None:
        recorder = Recorder("sink")
        sink = await DialSink.open(recorder)
        host, _, port = sink.hostport.rpartition(":")
        link = await Link.open(Address("tcp", host, int(port)))
        assert await link.read() == b""
        flow = await UdpFlow.open(Recorder("x"), "udp-1", Address("udp", host, int(port)))
        await flow.send(b"hello")
        while len(sink.dials) < 2:
            await asyncio.sleep(0)
        await link.close()
        await flow.close()
        sink.close()
        assert [event.transport for event in recorder.events] == ["tcp", "udp"]
        assert recorder.events[1].data == b"hello"

    play(scene)
