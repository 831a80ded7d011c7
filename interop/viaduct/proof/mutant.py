"""Mutants: small edits of good traces, each of which must turn one rule red and no other.

They stand in YAML files below interop/proof/mutants. A mutant names the rule, the good trace and
its edits; `also` lists rules that the same edit cannot help breaking, with the reason in `why`.

An edit says where (`at`) and what. Where: "VANTAGE DIR WHAT", each of them `*` for any, WHAT being
a method, a status with a method ("200 INVITE"), "handshake", "close", "frame OPCODE", "keepalive";
then optionally "#2" for the second such event or "#all". What, one of:

  sub: [old, new]     replaces text once; it has to be there
  all: [old, new]     replaces text wherever it occurs in the event
  latin: [old, new]   the same in Latin-1, which is not UTF-8
  row: Name           removes the header's rows
  add: "Name: value"  adds a header row below the Via rows, or on top of an HTTP head
  move: {key: value}  changes flow, local, remote, transport, at or dir of the event
  like: SELECTOR      gives the event the flow, addresses and vantage of another event
  gone: true          removes the event
  end: true           ends the trace before the event
  again: seconds      repeats the event after that time
  info: {key: value}  changes facts of the event
  insert: {...}       puts in a new event behind it: kind, text or b64, info, after: seconds,
                      and keys as in `move`
  later: seconds      moves the event in time

An edit without `at` and with `every: [old, new]` replaces text in all events that hold it. On
WebSocket legs the frame that carries a message is edited along with it.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from viaduct.sip.message import ParseError, is_keepalive, parse
from viaduct.trace.model import Event, Trace

KEYS = ("flow", "local", "remote", "transport", "at", "dir")


class MutantError(Exception):
    """A mutant that does not fit its trace, so that it would prove nothing."""


@dataclass(frozen=True, slots=True)
class Mutant:
    rule: str
    trace: str
    edits: tuple[Mapping[str, Any], ...]
    also: tuple[str, ...] = ()
    why: str = ""

    @property
    def id(self) -> str:
        """Rule, trace, and the edits in short, so that it is unique and stays."""
        text = repr([dict(edit) for edit in self.edits]).encode()
        return f"{self.rule}:{self.trace}:{hashlib.sha256(text).hexdigest()[:6]}"


def read_mutants(folder: Path) -> list[Mutant]:
    found: list[Mutant] = []
    for path in sorted(folder.glob("*.yaml")):
        for item in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
            unknown = set(item) - {"rule", "trace", "edits", "also", "why"}
            if unknown:
                raise MutantError(f"{path.name}: unknown key {sorted(unknown)[0]}")
            if item.get("also") and not item.get("why"):
                raise MutantError(f"{path.name}: {item['rule']} breaks others without a reason")
            found.append(
                Mutant(
                    rule=item["rule"],
                    trace=item["trace"],
                    edits=tuple(item["edits"]),
                    also=tuple(item.get("also", ())),
                    why=item.get("why", ""),
                )
            )
    return found


def name_of(event: Event) -> str:
    """How selectors call an event."""
    if event.kind == "frame":
        return f"frame {event.info.get('opcode')}"
    if event.kind != "message":
        return event.kind
    if is_keepalive(event.data):
        return "keepalive"
    try:
        message = parse(event.data)
        cseq = message.cseq
    except ParseError:
        return "message"
    if message.is_request:
        return message.method
    return f"{message.status} {cseq.method if cseq else ''}".strip()


def apply(mutant: Mutant, trace: Trace) -> Trace:
    """The mutated trace, in order of time and numbered anew."""
    events = list(trace.events)
    for edit in mutant.edits:
        if "every" in edit:
            events = _everywhere(mutant, events, edit["every"])
            continue
        places = list(_select(events, str(edit["at"])))
        if not places:
            raise MutantError(f"{mutant.id}: nothing in {mutant.trace} is “{edit['at']}”")
        for place in reversed(places):
            events = _edit(mutant, events, place, edit)
    events.sort(key=lambda event: event.t)
    numbered = tuple(replace(event, n=n) for n, event in enumerate(events, start=1))
    return replace(trace, events=numbered)


def _everywhere(mutant: Mutant, events: list[Event], pair: list[str]) -> list[Event]:
    before, after = (part.encode() for part in pair)
    if not any(before in event.data for event in events):
        raise MutantError(f"{mutant.id}: {before!r} is nowhere in {mutant.trace}")
    return [replace(event, data=event.data.replace(before, after)) for event in events]


def _select(events: list[Event], selector: str) -> Iterator[int]:
    text, _, which = selector.partition("#")
    at, direction, *what = text.split()
    name = " ".join(what)
    wanted = which.strip() or "1"
    seen = 0
    for place, event in enumerate(events):
        if at not in ("*", event.at) or direction not in ("*", event.dir or "-"):
            continue
        if name not in ("*", name_of(event)):
            continue
        seen += 1
        if wanted == "all" or seen == int(wanted):
            yield place


def _edit(mutant: Mutant, events: list[Event], place: int, edit: Mapping[str, Any]) -> list[Event]:
    old = events[place]
    new = old
    if "end" in edit:
        return events[:place]
    if "gone" in edit:
        return _replaced(events, place, None)
    if "sub" in edit or "all" in edit:
        before, after = (str(part).encode() for part in edit.get("sub") or edit["all"])
        if before not in old.data:
            raise MutantError(f"{mutant.id}: {before!r} is not in “{edit['at']}”")
        count = 1 if "sub" in edit else -1
        new = replace(new, data=old.data.replace(before, after, count))
    if "latin" in edit:
        before, after = (str(part).encode("latin-1") for part in edit["latin"])
        new = replace(new, data=old.data.replace(before, after, 1))
    if "row" in edit:
        new = replace(new, data=_without(mutant, new.data, str(edit["row"])))
    if "add" in edit:
        new = replace(new, data=_with(new.data, str(edit["add"])))
    if "move" in edit:
        new = _moved(new, edit["move"])
    if "like" in edit:
        model = events[next(_select(events, str(edit["like"])))]
        new = _moved(new, {key: getattr(model, key) for key in KEYS if key != "dir"})
    if "info" in edit:
        new = replace(new, info={**new.info, **edit["info"]})
    if "later" in edit:
        new = replace(new, t=round(new.t + float(edit["later"]), 6))
    if new is not old:
        events = _replaced(events, place, new)
    if "again" in edit:
        more = replace(new, t=round(new.t + float(edit["again"]), 6))
        events = [*events, more]
    if "insert" in edit:
        events = [*events[: place + 1], _inserted(new, edit["insert"]), *events[place + 1 :]]
    return events


def _replaced(events: list[Event], place: int, new: Event | None) -> list[Event]:
    """The event replaced or removed, and the frame that carries it with it."""
    old = events[place]
    found = list(events)
    found[place : place + 1] = [] if new is None else [new]
    carrier = place - 1
    if old.kind == "message" and carrier >= 0 and events[carrier].kind == "frame":
        frame = events[carrier]
        if (frame.flow, frame.dir, frame.data) == (old.flow, old.dir, old.data):
            if new is None or new.transport not in ("ws", "wss"):
                del found[carrier]
            else:
                info = {**frame.info, "length": len(new.data)}
                changed = {key: getattr(new, key) for key in KEYS}
                found[carrier] = replace(
                    frame, data=new.data, info=info, t=new.t - 0.0001, **changed
                )
    return found


def _moved(event: Event, keys: Mapping[str, Any]) -> Event:
    return replace(event, **{key: value for key, value in keys.items() if key in KEYS})


def _inserted(event: Event, facts: Mapping[str, Any]) -> Event:
    new = Event(
        n=0,
        t=round(event.t + float(facts.get("after", 0.0001)), 6),
        at=event.at,
        kind=str(facts["kind"]),
        flow=event.flow,
        transport=event.transport,
        local=event.local,
        remote=event.remote,
        dir=facts.get("dir", event.dir),
        data=_payload(facts),
        info=facts.get("info", {}),
    )
    return _moved(new, facts)


def _payload(facts: Mapping[str, Any]) -> bytes:
    if "b64" in facts:
        return base64.b64decode(facts["b64"])
    return str(facts.get("text", "")).encode()


def _without(mutant: Mutant, data: bytes, name: str) -> bytes:
    head, gap, body = data.partition(b"\r\n\r\n")
    rows = head.split(b"\r\n")
    kept = [row for row in rows if not row.lower().startswith(name.lower().encode() + b":")]
    if len(kept) == len(rows):
        raise MutantError(f"{mutant.id}: there is no {name} in “{mutant.edits[0]['at']}”")
    return b"\r\n".join(kept) + gap + body


def _with(data: bytes, row: str) -> bytes:
    head, gap, body = data.partition(b"\r\n\r\n")
    rows = head.split(b"\r\n")
    at = 1
    while at < len(rows) and rows[at].lower().startswith(b"via:"):
        at += 1
    rows.insert(at, row.encode())
    return b"\r\n".join(rows) + gap + body
