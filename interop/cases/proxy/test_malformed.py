"""Malformed requests, and that they hurt nobody else: RFC 4475 sections 3.1.2 and 3.3.

In each case two others are in a call meanwhile, and hang up in good order afterwards.
"""

import asyncio

from viaduct.peers.agent import COOKIE, Agent
from viaduct.peers.dialog import establish, hang_up
from viaduct.peers.duty import PATIENCE, Violation
from viaduct.peers.message import Message, compose
from viaduct.run.case import EACH, case
from viaduct.run.lab import Lab

STRICT = ("registrar",)


def broken(agent: Agent, to: Agent, changes: dict[str, str | None]) -> bytes:
    """A MESSAGE with lines replaced, or missing where the change is None."""
    lines: dict[str, str | None] = {
        "start": f"MESSAGE {to.aor} SIP/2.0",
        "Via": agent.via(COOKIE + agent.random(16)),
        "Max-Forwards": "70",
        "From": f"<{agent.aor}>;tag={agent.random(8)}",
        "To": f"<{to.aor}>",
        "Call-ID": agent.random(16),
        "CSeq": "1 MESSAGE",
    }
    lines.update(changes)
    start = lines.pop("start") or ""
    headers = [(name, value) for name, value in lines.items() if value is not None]
    return compose(start, headers, b"harmful?")


async def answer_to(agent: Agent, data: bytes) -> Message | None:
    """The response on the agent's flow, whatever transaction it claims; None if the flow was
    ended.
    """
    await agent.flow.send(data)
    try:
        async with asyncio.timeout(PATIENCE):
            return await agent.stray.get()
    except TimeoutError as error:
        raise Violation(
            f"neither an answer nor the end of the connection came within {PATIENCE:g} s",
            level="SHOULD",
        ) from error


async def refuse(
    lab: Lab,
    leg: str,
    statuses: tuple[int, ...],
    changes: dict[str, str | None],
    level: str = "SHOULD",
) -> None:
    alice = await lab.agent("alice", leg)
    bob = await lab.agent("bob", leg)
    mallory = await lab.agent("mallory", leg)
    caller, callee = await establish(alice, bob)
    answer = await answer_to(mallory, broken(mallory, bob, changes))
    lab.check(
        answer is not None and answer.status in statuses,
        f"{answer.start if answer else 'the end of the connection'!r} came back "
        f"where {' or '.join(map(str, statuses))} was due",
        level=level,
    )
    lab.check(await bob.nothing_came(), "the malformed request was forwarded", level=level)
    await hang_up(caller, callee)


@case(
    "malformed-cseq-method",
    "A request on {0} whose CSeq names another method is answered 400",
    requirements=("RFC4475-3.1.2.17-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_cseq_method(lab: Lab, legs: tuple[str]) -> None:
    await refuse(lab, legs[0], (400,), {"CSeq": "1 INVITE"}, "MUST")


@case(
    "malformed-cseq-large",
    "A request on {0} whose CSeq does not fit 31 bits is answered 400",
    requirements=("RFC4475-3.1.2.4-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_cseq_large(lab: Lab, legs: tuple[str]) -> None:
    await refuse(lab, legs[0], (400,), {"CSeq": "36893488147419103232 MESSAGE"})


@case(
    "malformed-call-id-missing",
    "A request on {0} without Call-ID is answered 400",
    requirements=("RFC4475-3.3.1-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_call_id_missing(lab: Lab, legs: tuple[str]) -> None:
    await refuse(lab, legs[0], (400,), {"Call-ID": None})


@case(
    "malformed-from-missing",
    "A request on {0} without From is answered 400",
    requirements=("RFC4475-3.3.1-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_from_missing(lab: Lab, legs: tuple[str]) -> None:
    await refuse(lab, legs[0], (400,), {"From": None})


@case(
    "malformed-to-unbalanced",
    "A request on {0} with an open quote in To is answered 400",
    requirements=("RFC4475-3.1.2.6-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_to_unbalanced(lab: Lab, legs: tuple[str]) -> None:
    await refuse(lab, legs[0], (400,), {"To": '"Mr. J. User <sip:j@sip.test>'})


@case(
    "malformed-request-uri-brackets",
    "A request on {0} with its Request-URI in angle brackets is answered 400",
    requirements=("RFC4475-3.1.2.7-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_uri_brackets(lab: Lab, legs: tuple[str]) -> None:
    uri = f"<sip:{lab.target.domain}>"
    await refuse(lab, legs[0], (400,), {"start": f"MESSAGE {uri} SIP/2.0"})


@case(
    "malformed-request-uri-spaces",
    "A request on {0} with a space within its Request-URI is answered 400",
    requirements=("RFC4475-3.1.2.8-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_uri_spaces(lab: Lab, legs: tuple[str]) -> None:
    start = f"MESSAGE sip:x@{lab.target.domain}; lr SIP/2.0"
    await refuse(lab, legs[0], (400,), {"start": start})


@case(
    "malformed-version",
    "A request on {0} of version SIP/7.0 is answered 505",
    requirements=("RFC4475-3.1.2.16-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_version(lab: Lab, legs: tuple[str]) -> None:
    start = f"MESSAGE sip:x@{lab.target.domain} SIP/7.0"
    await refuse(lab, legs[0], (505,), {"start": start})


@case(
    "malformed-scheme-unknown",
    "A request on {0} with a Request-URI of an unknown scheme is answered 416",
    requirements=("RFC3261-16.3-c", "RFC4475-3.3.2-a"),
    legs=EACH,
    needs=STRICT,
)
async def test_scheme(lab: Lab, legs: tuple[str]) -> None:
    start = "MESSAGE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"
    await refuse(lab, legs[0], (416,), {"start": start})


@case(
    "malformed-max-forwards",
    "A request on {0} whose Max-Forwards is no number is answered 400",
    requirements=("RFC4475-3.1.2.4-a",),
    legs=EACH,
    needs=STRICT,
)
async def test_max_forwards(lab: Lab, legs: tuple[str]) -> None:
    await refuse(lab, legs[0], (400, 483), {"Max-Forwards": "plenty"})
