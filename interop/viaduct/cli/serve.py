"""viaduct serve: the bundled server to point a client at, judged while it runs."""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from viaduct.cli import shelf
from viaduct.cli.run import say
from viaduct.cli.screen import style_of
from viaduct.report.terminal import finding as finding_lines
from viaduct.results import ExitCode
from viaduct.rules import judge
from viaduct.rules.finding import Finding
from viaduct.targets import Description, TargetError, ViaductTarget
from viaduct.trace.jsonl import loads
from viaduct.trace.model import Event, Header, Trace

DESCRIPTION = """Starts the bundled server on free ports, with the page for browsers, says where it
is, and judges everything it sees until Ctrl-C: what a client does wrong is printed at once."""

SECONDS = 0.5  # between two looks at the server's trace
SHARE = 5  # a look that took long is followed by a pause this many times longer


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "serve",
        help="reference stack for your client; judges while it runs",
        description=DESCRIPTION,
    )
    parser.add_argument("--domain", default="sip.test", help="the SIP domain (default: sip.test)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep trace, log and CA there")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="start it with this deviation"
    )
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> ExitCode:
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
        return serve(args.domain, tuple(args.fault), args.keep)
    with tempfile.TemporaryDirectory(prefix="viaduct-") as name:
        return serve(args.domain, tuple(args.fault), Path(name))


def serve(domain: str, faults: tuple[str, ...], folder: Path) -> ExitCode:
    www = shelf.page()
    target = ViaductTarget(faults=faults, domain=domain, www=www)
    watch: Watch | None = None
    try:
        description = target.start(folder)
        say(welcome(description, www is not None))
        sys.stdout.flush()
        trace = target.server_trace
        if trace is None:
            raise TargetError("the server records no trace")
        watch = Watch(trace, description)
        follow(watch, target)
    except KeyboardInterrupt:
        if watch is None:
            raise
        print(f"\n{watch.messages:,} messages judged, {len(watch.seen)} findings")
        return ExitCode.FINDINGS if watch.seen else ExitCode.OK
    finally:
        target.stop()


def follow(watch: "Watch", target: ViaductTarget) -> NoReturn:
    """Prints findings as they come, until interrupted; TargetError when the server ends."""
    style = style_of(sys.stdout)
    while (end := target.exited()) is None:
        before = time.monotonic()
        for found in watch.look():
            say(finding_lines(found, shelf.book(), watch.events, style))
        sys.stdout.flush()
        threading.Event().wait(max(SECONDS, SHARE * (time.monotonic() - before)))
    raise TargetError(end)


def welcome(description: Description, page: bool) -> Iterator[str]:
    yield f"viaduct-server {description.version}, domain {description.domain}; anybody may register"
    for address in description.addresses:
        path = description.ws_path if address.transport in ("ws", "wss") else ""
        scheme = f"{address.transport}://" if path else f"{address.transport:<4} "
        yield f"  {scheme}{address.hostport}{path}"
    for door in description.front:
        kind = "https, wss and tls" if door.transport == "secure" else "http, ws and tcp"
        yield f"  {door.hostport}  front door: {kind} on one port"
    if page:
        doors = [door for door in description.front if door.transport == "secure"]
        for door in doors[:1]:
            server = f"wss://{door.hostport}{description.ws_path}"
            for user in ("alice", "bob"):
                query = f"?uri=sip:{user}@{description.domain}&server={server}"
                yield f"  page of {user}: https://{door.hostport}/{query}"
    if description.ca is not None:
        yield f"  CA to trust: {description.ca}"
    yield "What clients do wrong is printed here. Ctrl-C ends."
    yield ""


class Watch:
    """Reads the server's trace as it grows, and judges all of it each time there is more.

    All of it, since what a message owes depends on those before it.
    """

    def __init__(self, path: Path, description: Description) -> None:
        self._path = path
        self._sut = description.sut
        self._place = 0
        self._head = b""
        self._trace = Trace(Header(), ())
        self.seen: dict[Finding, None] = {}
        self.events: Mapping[int, Event] = {}

    @property
    def messages(self) -> int:
        return sum(
            event.kind == "message" and bool(event.data.strip()) for event in self._trace.events
        )

    def look(self) -> list[Finding]:
        """The findings that were not there before."""
        if not self._read():
            return []
        fresh = [found for found in judge(self._trace) if found not in self.seen]
        self.seen.update(dict.fromkeys(fresh))
        return fresh

    def _read(self) -> bool:
        """Whether there are new events. A line that is still being written waits."""
        if not self._path.exists():
            return False
        with self._path.open("rb") as file:
            file.seek(self._place)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        if not new:
            return False
        self._place += len(new)
        if not self._head:
            self._head, _, new = new.partition(b"\n")
        part = loads(self._head + b"\n" + new, str(self._path))
        header = Header(at=part.header.at, sut=self._sut, sut_vantages=(part.header.at,))
        self._trace = Trace(header, (*self._trace.events, *part.events))
        self.events = {event.n: event for event in self._trace.events}
        return bool(part.events)
