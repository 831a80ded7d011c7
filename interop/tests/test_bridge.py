"""The real bridge between scripted tools and scripted servers: bytes, flows, errors, trace."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bridge_run import PATIENCE, PROGRAM, Identity, bridge, make_identity
from websockets.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed
from websockets.server import WebSocketServerProtocol
from websockets.server import serve as ws_serve
from websockets.typing import Subprotocol
from websockets.utils import accept_key

BODY = bytes(range(256))
REQUEST = (
    b"OPTIONS sip:a@b SIP/2.0\r\nVia:  SIP/2.0/TCP h;branch=z9hG4bK1 \r\n"
    b"l : 0\r\nSubject: gr\xc3\xbc\xc3\x9fe\r\n\r\n"
)
BINARY = b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 256\r\n\r\n" + BODY
RESPONSE = b"SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 3 * PATIENCE))


async def soon(what: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(what, PATIENCE)


class WebSockets:
    """A WebSocket server that hands out its connections in the order they come."""

    def __init__(self) -> None:
        self.fresh: asyncio.Queue[WebSocketServerProtocol] = asyncio.Queue()
        self.port = 0

    async def serve(self, ws: WebSocketServerProtocol) -> None:
        await self.fresh.put(ws)
        await ws.wait_closed()

    async def next(self) -> WebSocketServerProtocol:
        ws: WebSocketServerProtocol = await soon(self.fresh.get())
        return ws


@asynccontextmanager
async def websockets(tls: Any = None, **options: Any) -> AsyncIterator[WebSockets]:
    server = WebSockets()
    options = {"subprotocols": ["sip"], "compression": None, "ping_interval": None} | options
    async with ws_serve(server.serve, "127.0.0.1", 0, ssl=tls, **options) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        yield server


@asynccontextmanager
async def script(play: Script, tls: Any = None) -> AsyncIterator[int]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await play(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def tool(port: int) -> Streams:
    return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE)


async def tool_is_dropped(port: int, send: bytes = b"") -> None:
    reader, writer = await tool(port)
    writer.write(send)
    assert await soon(reader.read()) == b""
    writer.close()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("identity"))


def test_messages_cross_in_both_directions_byte_for_byte() -> None:
    async def test() -> None:
        async with websockets() as server:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}/ws?x=1") as b:
                reader, writer = await tool(b.port)
                writer.write(REQUEST + BINARY + RESPONSE[:20])
                ws = await server.next()
                assert ws.path == "/ws?x=1"
                assert ws.request_headers["Host"] == f"127.0.0.1:{server.port}"
                assert await soon(ws.recv()) == REQUEST.decode()
                assert await soon(ws.recv()) == BINARY
                for i in range(20, len(RESPONSE)):
                    writer.write(RESPONSE[i : i + 1])
                    await writer.drain()
                assert await soon(ws.recv()) == RESPONSE.decode()
                await ws.send(REQUEST.decode())
                await ws.send(BINARY)
                await ws.send([RESPONSE[:5].decode(), RESPONSE[5:].decode()])
                expected = REQUEST + BINARY + RESPONSE
                assert await soon(reader.readexactly(len(expected))) == expected
                writer.close()
                await soon(ws.wait_closed())
                assert ws.close_code == 1000
            assert b.errors == ""

    run(test)


def test_a_message_sent_before_hanging_up_still_arrives() -> None:
    async def test() -> None:
        async with websockets() as server:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}") as b:
                _, writer = await tool(b.port)
                writer.write(REQUEST)
                writer.close()
                ws = await server.next()
                assert await soon(ws.recv()) == REQUEST.decode()
                await soon(ws.wait_closed())
                assert ws.close_code == 1000

    run(test)


def test_each_connection_has_its_own() -> None:
    async def test() -> None:
        async with websockets() as server:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}/") as b:
                tools = []
                for i in range(5):
                    message = REQUEST.replace(b"sip:a@b", b"sip:%d@b" % i)
                    reader, writer = await tool(b.port)
                    writer.write(message)
                    ws = await server.next()
                    assert await soon(ws.recv()) == message.decode()
                    tools.append((reader, writer, ws, message))
                for reader, writer, ws, message in reversed(tools):
                    await ws.send(message)
                    assert await soon(reader.readexactly(len(message))) == message
                    writer.close()

    run(test)


def test_all_messages_are_binary_on_demand() -> None:
    async def test() -> None:
        async with websockets() as server:
            url = f"ws://127.0.0.1:{server.port}/"
            async with bridge("tcp:127.0.0.1:0", url, "--binary") as b:
                _, writer = await tool(b.port)
                writer.write(REQUEST)
                ws = await server.next()
                assert await soon(ws.recv()) == REQUEST
                writer.close()

    run(test)


def test_udp_tools_are_known_by_their_source() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with websockets() as server:
            async with bridge("udp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}/") as b:
                tools = []
                for i in range(3):
                    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    udp.setblocking(False)
                    udp.bind(("127.0.0.1", 0))
                    await loop.sock_sendto(udp, REQUEST, ("127.0.0.1", b.port))
                    await loop.sock_sendto(udp, BINARY, ("127.0.0.1", b.port))
                    ws = await server.next()
                    assert await soon(ws.recv()) == REQUEST.decode()
                    assert await soon(ws.recv()) == BINARY
                    tools.append((udp, ws))
                for udp, ws in reversed(tools):
                    await ws.send(RESPONSE)
                    assert await soon(loop.sock_recv(udp, 65536)) == RESPONSE
                udp, ws = tools[0]
                await ws.close()
                await loop.sock_sendto(udp, REQUEST, ("127.0.0.1", b.port))
                again = await server.next()
                assert await soon(again.recv()) == REQUEST.decode()
                for udp, _ in tools:
                    udp.close()

    run(test)


def test_a_called_udp_tool_answers_on_the_same_connection() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            async with bridge("ws:127.0.0.1:0", f"udp:127.0.0.1:{port}") as b:
                url = f"ws://127.0.0.1:{b.port}/"
                sip = [Subprotocol("sip")]
                async with ws_connect(url, subprotocols=sip) as one:
                    async with ws_connect(url, subprotocols=sip) as two:
                        for ws, message in ((one, REQUEST), (two, BINARY)):
                            await ws.send(message)
                            got, source = await soon(loop.sock_recvfrom(udp, 65536))
                            assert got == message
                            await loop.sock_sendto(udp, RESPONSE, source)
                            assert await soon(ws.recv()) == RESPONSE.decode()

    run(test)


def test_tls_carries_the_stream(identity: Identity) -> None:
    async def test() -> None:
        got: asyncio.Queue[bytes] = asyncio.Queue()

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await got.put(await reader.readexactly(len(REQUEST + BINARY)))
            writer.write(RESPONSE + BINARY)
            await got.put(await reader.read())

        async with script(play, identity.server()) as port:
            ca = ("--ca", str(identity.ca))
            async with bridge("tcp:127.0.0.1:0", f"tls://127.0.0.1:{port}", *ca) as b:
                reader, writer = await tool(b.port)
                writer.write(REQUEST + BINARY)
                assert await soon(got.get()) == REQUEST + BINARY
                expected = RESPONSE + BINARY
                assert await soon(reader.readexactly(len(expected))) == expected
                writer.close()
                assert await soon(got.get()) == b""

    run(test)


def test_wss_verifies_the_certificate(identity: Identity) -> None:
    async def test() -> None:
        async with websockets(identity.server()) as server:
            url = f"wss://127.0.0.1:{server.port}/"
            for options in (("--ca", str(identity.ca)), ("--insecure",)):
                async with bridge("tcp:127.0.0.1:0", url, *options) as b:
                    _, writer = await tool(b.port)
                    writer.write(REQUEST)
                    ws = await server.next()
                    assert await soon(ws.recv()) == REQUEST.decode()
                    writer.close()
                    await soon(ws.wait_closed())
                assert b.errors == ""
            async with bridge("tcp:127.0.0.1:0", url) as b:
                await tool_is_dropped(b.port, REQUEST)
            assert "certificate" in b.errors
            name = f"wss://localhost:{server.port}/"
            async with bridge("tcp:127.0.0.1:0", name, "--ca", str(identity.ca)) as b:
                await tool_is_dropped(b.port, REQUEST)
            assert "mismatch" in b.errors
            assert server.fresh.empty()

    run(test)


ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
)


@pytest.mark.parametrize(
    "answer, reason",
    [
        (b"HTTP/1.1 403 Not for you\r\n\r\n", "refused with 403 Not for you"),
        (b"SIP/2.0 400 Bad\r\n\r\n", "answer is not HTTP"),
        (b"HTTP/1.1 101 Switching\r\nUpgra", "closed by the peer"),
        (b"", "closed by the peer"),
        (ACCEPT, "Sec-WebSocket-Accept does not fit"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Gone\r\n\r\n", "refused with 404 Gone"),
    ],
)
def test_a_failed_handshake_ends_the_tools_connection(answer: bytes, reason: str) -> None:
    async def test() -> None:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)

        async with script(play) as port:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{port}/") as b:
                await tool_is_dropped(b.port, REQUEST)
            assert reason in b.errors
            assert "handshake" in b.errors

    run(test)


def test_the_chosen_subprotocol_must_be_the_offered_one() -> None:
    async def test() -> None:
        async with websockets(subprotocols=None) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            async with bridge("tcp:127.0.0.1:0", url) as b:
                await tool_is_dropped(b.port, REQUEST)
            assert "subprotocol" in b.errors
            await server.next()
            async with bridge("tcp:127.0.0.1:0", url, "--subprotocol", "none") as b:
                _, writer = await tool(b.port)
                writer.write(REQUEST)
                ws = await server.next()
                assert "Sec-WebSocket-Protocol" not in ws.request_headers
                assert await soon(ws.recv()) == REQUEST.decode()
                writer.close()

    run(test)


def test_a_dead_server_ends_the_tools_connection() -> None:
    async def test() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{port}/") as b:
                await tool_is_dropped(b.port, REQUEST)
            assert "refused" in b.errors

    run(test)


def test_the_servers_close_ends_the_tools_connection() -> None:
    async def test() -> None:
        async with websockets() as server:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}/") as b:
                reader, writer = await tool(b.port)
                ws = await server.next()
                await ws.send(RESPONSE)
                await ws.close(1001, "going home")
                assert await soon(reader.read()) == RESPONSE
                writer.close()
            assert "WebSocket Close 1001 going home" in b.errors

    run(test)


def test_a_broken_frame_ends_the_connection_with_its_code() -> None:
    async def test() -> None:
        async with websockets() as server:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}/") as b:
                reader, writer = await tool(b.port)
                ws = await server.next()
                ws.transport.write(b"\x83\x00")
                assert await soon(reader.read()) == b""
                with pytest.raises(ConnectionClosed):
                    await soon(ws.recv())
                assert ws.close_code == 1002
                writer.close()
            assert "unknown opcode" in b.errors

    run(test)


@pytest.mark.parametrize(
    "sent, reason",
    [
        (b"hello world, this is no SIP\r\n\r\n", "no SIP stream"),
        (b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n", "no SIP stream"),
        (REQUEST[:30], "in the middle of a message"),
    ],
)
def test_a_tool_that_speaks_no_sip_is_told_so(sent: bytes, reason: str) -> None:
    async def test() -> None:
        async with websockets() as server:
            async with bridge("tcp:127.0.0.1:0", f"ws://127.0.0.1:{server.port}/") as b:
                reader, writer = await tool(b.port)
                ws = await server.next()
                writer.write(sent)
                writer.write_eof()
                assert await soon(reader.read()) == b""
                with pytest.raises(ConnectionClosed):
                    await soon(ws.recv())
                writer.close()
            assert reason in b.errors

    run(test)


def test_keep_alives_are_sent_and_their_answers_swallowed() -> None:
    async def test() -> None:
        async with websockets() as server:
            url = f"ws://127.0.0.1:{server.port}/"
            async with bridge("tcp:127.0.0.1:0", url, "--keepalive", "crlf:0.05") as b:
                reader, writer = await tool(b.port)
                ws = await server.next()
                for _ in range(3):
                    assert await soon(ws.recv()) == "\r\n\r\n"
                    await ws.send("\r\n")
                await ws.send("\r\n\r\n")  # the far end's own ping: not the tool's business
                while await soon(ws.recv()) != "\r\n":
                    await ws.send("\r\n")
                await ws.send(RESPONSE.decode())
                assert await soon(reader.readexactly(len(RESPONSE))) == RESPONSE
                writer.close()
            async with bridge("tcp:127.0.0.1:0", url) as b:
                reader, writer = await tool(b.port)
                ws = await server.next()
                writer.write(b"\r\n\r\n")
                assert await soon(ws.recv()) == "\r\n\r\n"
                await ws.send("\r\n")
                assert await soon(reader.readexactly(2)) == b"\r\n"
                writer.close()

    run(test)


def test_a_server_that_answers_no_ping_is_dead() -> None:
    async def test() -> None:
        answered = asyncio.Event()

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            writer.write(
                b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: "
                + accept_key(key.decode()).encode()
                + b"\r\n\r\n"
            )
            assert (await reader.readexactly(6))[:2] == b"\x89\x80"
            writer.write(b"\x8a\x00")
            assert (await reader.readexactly(6))[:2] == b"\x89\x80"
            answered.set()
            await reader.read()

        async with script(play) as port:
            url = f"ws://127.0.0.1:{port}/"
            async with bridge("tcp:127.0.0.1:0", url, "--keepalive", "ping:0.1") as b:
                await tool_is_dropped(b.port)
                assert answered.is_set()
            assert "no Pong within 100 ms" in b.errors

    run(test)


def test_a_called_tool_stands_behind_the_bridge(identity: Identity) -> None:
    async def test() -> None:
        calls: asyncio.Queue[Streams] = asyncio.Queue()

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await calls.put((reader, writer))
            await writer.wait_closed()

        pem = ("--cert", str(identity.certificate), "--key", str(identity.key))
        async with script(play) as port:
            async with bridge("wss:127.0.0.1:0/sip", f"tcp:127.0.0.1:{port}", *pem) as b:
                url = f"wss://127.0.0.1:{b.port}/sip"
                context = identity.client()
                async with ws_connect(url, ssl=context, subprotocols=[Subprotocol("sip")]) as ws:
                    assert ws.subprotocol == "sip"
                    await ws.send(REQUEST.decode())
                    await ws.send(BINARY)
                    reader, writer = await soon(calls.get())
                    expected = REQUEST + BINARY
                    assert await soon(reader.readexactly(len(expected))) == expected
                    writer.write(RESPONSE)
                    assert await soon(ws.recv()) == RESPONSE.decode()
                    await ws.close()
                    assert await soon(reader.read()) == b""
                async with ws_connect(url, ssl=context, subprotocols=[Subprotocol("sip")]) as ws:
                    reader, writer = await soon(calls.get())
                    assert b.process.returncode is None
                    writer.close()
                    await soon(ws.wait_closed())
                    assert ws.close_code == 1000
            assert [line.split("why=")[1] for line in b.errors.splitlines()] == [
                '"closed by the peer"'
            ]

    run(test)


def test_the_trace_tells_what_crossed(tmp_path: Path, identity: Identity) -> None:
    async def test() -> None:
        path = tmp_path / "trace.jsonl"
        options = ("--ca", str(identity.ca), "--record", str(path), "--at", "alice")
        async with websockets(identity.server()) as server:
            async with bridge("tcp:127.0.0.1:0", f"wss://127.0.0.1:{server.port}/", *options) as b:
                reader, writer = await tool(b.port)
                writer.write(REQUEST)
                ws = await server.next()
                assert await soon(ws.recv()) == REQUEST.decode()
                await ws.send(BINARY)
                assert await soon(reader.readexactly(len(BINARY))) == BINARY
                writer.close()
                await soon(ws.wait_closed())
        header, *events = [json.loads(line) for line in path.read_text().splitlines()]
        assert header == {
            "kind": "trace",
            "version": 1,
            "at": "alice",
            "sut": [f"wss:127.0.0.1:{server.port}"],
        }
        assert [e["n"] for e in events] == list(range(1, len(events) + 1))
        assert {e["flow"] for e in events if e["kind"] != "note"} == {events[0]["flow"]}
        assert all(e["at"] == "alice" and e["transport"] == "wss" for e in events)
        seen = [(e["kind"], e["dir"]) for e in events]
        assert seen == [
            ("connect", None),
            ("handshake", "out"),
            ("handshake", "in"),
            ("message", "out"),
            ("frame", "out"),
            ("frame", "in"),
            ("message", "in"),
            ("frame", "out"),
            ("frame", "in"),
            ("close", None),
        ]
        assert events[0]["info"]["tls"].startswith("TLSv1.")
        assert events[0]["remote"] == f"127.0.0.1:{server.port}"
        assert events[3]["text"] == events[4]["text"] == REQUEST.decode()
        assert events[4]["info"] == {
            "fin": True,
            "rsv": 0,
            "opcode": 1,
            "masked": True,
            "length": len(REQUEST),
        }
        assert events[6]["info"] == {"opcode": 2}
        assert "b64" in events[6]
        assert events[7]["info"]["close"] == 1000
        assert events[9]["info"] == {"why": "local", "code": 1000}

    run(test)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "--listen: missing"),
        (["--listen", "tcp:127.0.0.1:0"], "--connect: missing"),
        (["--listen", "tcp:localhost:0", "--connect", "ws://a/"], "the host is no address"),
        (["--listen", "sctp:127.0.0.1:0"], "--connect: missing"),
        (["--listen", "x:127.0.0.1:0", "--connect", "ws://a/"], "does not start with"),
        (["--listen", "udp:127.0.0.1:0", "--connect", "ws://127.0.0.1:99999/"], "no port"),
        (["--listen", "udp:127.0.0.1:0", "--connect", "ws://127.0.0.1/#f"], "behind its end"),
        (["--listen", "udp:127.0.0.1:0", "--connect", "tls:127.0.0.1:1/x"], "only ws and wss"),
        (["--listen", "wss:127.0.0.1:0", "--connect", "tcp:127.0.0.1:1"], "--cert: missing"),
        (["--nonsense"], "unknown option"),
        (
            ["--listen", "udp:127.0.0.1:0", "--connect", "tls:127.0.0.1:1", "--ca", "/nowhere"],
            "/nowhere",
        ),
        (
            ["--listen", "udp:127.0.0.1:0", "--connect", "ws://127.0.0.1:1", "--keepalive", "x:1"],
            "--keepalive:",
        ),
        (
            ["--listen", "udp:127.0.0.1:0", "--connect", "ws://127.0.0.1:1", "--record", "/no/f"],
            "/no/f",
        ),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], reason: str) -> None:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stdout == ""


def test_help_and_version() -> None:
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert "--keepalive" in done.stdout
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert done.stdout.startswith("viaduct-bridge ")
