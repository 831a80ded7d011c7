"""What an agent said and heard, in short: ("> INVITE", "< 200 INVITE", "> ACK", ...).

Provisional responses, keep-alives, retransmissions and registrations are left out: what remains
tells whether a call or a message came to its end, whatever the agent says of itself.
"""

import re
from collections.abc import Iterable

from viaduct.trace.model import Event

_RESPONSE = re.compile(rb"SIP/2\.0 (\d)(\d\d) ")
_REQUEST = re.compile(rb"([A-Za-z0-9.!%*_+`'~-]+) \S+ SIP/2\.0\r?\n")
_CSEQ = re.compile(rb"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)
_BRANCH = re.compile(rb"^(?:Via|v)[ \t]*:[^\r\n]*?;\s*branch=([^;,\s]+)", re.IGNORECASE | re.M)

CALL = (
    *("> INVITE", "< 200 INVITE", "> ACK"),
    *("> INVITE", "< 200 INVITE", "> ACK"),
    *("> BYE", "< 200 BYE"),
)
CALLEE_BYE = ("> INVITE", "< 200 INVITE", "> ACK", "< BYE", "> 200 BYE")
CANCEL = ("> INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK")
REFUSED = ("> INVITE", "< 486 INVITE", "> ACK")
MESSAGE = ("> MESSAGE", "< 200 MESSAGE")


def other_side(talk: tuple[str, ...]) -> tuple[str, ...]:
    """The same as the other end should see it."""
    return tuple(item.translate(str.maketrans("<>", "><")) for item in talk)


def talk_at(events: Iterable[Event], at: str) -> tuple[str, ...]:
    """What went on at this vantage."""
    said: list[str] = []
    seen: set[tuple[str, bytes, bytes]] = set()
    for event in events:
        if event.at != at or event.kind != "message" or not event.data.strip():
            continue
        text = _text(event.data)
        branch = _BRANCH.search(event.data)
        key = (f"{event.dir} {text}", branch[1] if branch else b"", _number(event.data))
        if text is None or key in seen:
            continue
        seen.add(key)
        said.append(f"{'>' if event.dir == 'out' else '<'} {text}")
    return tuple(said)


def _number(data: bytes) -> bytes:
    cseq = _CSEQ.search(data)
    return cseq[1] if cseq else b""


def _text(data: bytes) -> str | None:
    """None for what is left out; a message that cannot be read shows its beginning."""
    cseq = _CSEQ.search(data)
    method = cseq[2].decode("ascii", "replace") if cseq else "?"
    response = _RESPONSE.match(data)
    if response is not None:
        code = (response[1] + response[2]).decode()
        return None if response[1] == b"1" or method == "REGISTER" else f"{code} {method}"
    request = _REQUEST.match(data)
    if request is None:
        return repr(data[:20])
    name = request[1].decode("ascii")
    return None if name == "REGISTER" else name
