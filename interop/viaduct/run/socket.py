"""WebSocket connections of cases about frames: opened rightly, and broken on purpose."""

from viaduct.peers.duty import Violation
from viaduct.peers.websocket import CLOSE, PING, PONG, Frame, SipWebSocket
from viaduct.run.lab import Lab

AFTER = b"after the error"


async def open_socket(lab: Lab, leg: str) -> SipWebSocket:
    """An open WebSocket for SIP, without a user agent, which answers nothing by itself."""
    flow = await lab.flow("alice", leg)
    if not isinstance(flow, SipWebSocket):
        raise TypeError(f"{leg} is no WebSocket leg")
    flow.answer_ping = flow.answer_close = False
    return flow


async def broken(lab: Lab, leg: str, *frames: Frame, codes: tuple[int, ...]) -> None:
    """Sends frames that break the protocol, and a Ping behind them.

    The target has to fail the connection, SHOULD say so with one of the codes, and MUST NOT serve
    what comes behind.
    """
    flow = await open_socket(lab, leg)
    await flow.socket.send(*frames, Frame(PING, AFTER))
    seen: list[Frame] = []
    what = f"after {_name(frames[-1])} the end of the connection"
    while (frame := await lab.soon(flow.control.get(), what)) is not None:
        seen.append(frame)
        if frame.opcode == PONG and frame.payload == AFTER:
            raise Violation(f"{_name(frames[-1])} was accepted: the Ping behind it is answered")
        if frame.opcode == CLOSE:
            break
    code = next((frame.close_code for frame in seen if frame.opcode == CLOSE), None)
    lab.check(
        code in codes,
        f"{_name(frames[-1])} is answered with "
        f"{'no Close' if code is None else f'Close {code}'} where {codes[0]} fits",
        "RFC6455-7.1.7-a",
        "SHOULD",
    )
    flow.abort()


async def close_of(lab: Lab, leg: str, frame: Frame, *, required: bool = True) -> int | None:
    """Sends a Close; the code of the one that comes back before the connection ends, if any."""
    flow = await open_socket(lab, leg)
    await flow.socket.send(frame)
    code: int | None = None
    closed = False
    what = f"after a Close with body {frame.payload[:8]!r} the end of the connection"
    while (got := await lab.soon(flow.control.get(), what)) is not None:
        if got.opcode == CLOSE and not closed:
            closed, code = True, got.close_code
    lab.require(
        closed or not required,
        f"no Close came back for one with body {frame.payload[:8]!r}",
        "RFC6455-5.5.1-c",
    )
    return code


def _name(frame: Frame) -> str:
    return f"a frame with opcode {frame.opcode}, {len(frame.payload)} bytes"
