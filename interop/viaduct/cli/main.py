"""Reads the command line, runs one command and turns its outcome into an exit code."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from viaduct import __version__
from viaduct.catalogue import CatalogueError
from viaduct.cli import coverage, explain, judge, listing, repro, run, serve
from viaduct.cli.usage import NothingMeant, UsageError
from viaduct.results import ExitCode
from viaduct.results.expect import ExpectError
from viaduct.run.engine import EngineError
from viaduct.targets import FaultError, TargetError, TargetFileError
from viaduct.trace.jsonl import TraceError

COMMANDS = (run, judge, repro, listing, explain, coverage, serve)

EPILOG = """exit codes:
  0  all pass (warnings and known failures included)
  1  findings
  2  usage: a wrong option, selection or file
  3  harness error
  4  nothing ran
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="viaduct",
        description="Judges SIP over WebSocket, TLS, TCP and UDP, message by message.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"viaduct {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return top


def main(arguments: Sequence[str] | None = None, caught: Sequence[int] = ()) -> int:
    """`caught`: the signals that have asked for the end, as they come in."""
    args = parser().parse_args(arguments)
    try:
        code = int(args.execute(args))
        # An interrupt that struck where Python can raise nothing, in a finalizer, still counts.
        return _interrupted(caught[0]) if caught and args.execute is not serve.execute else code
    except NothingMeant as error:
        return _fail(error, ExitCode.NOTHING_RAN)
    except (UsageError, TargetFileError, FaultError, ExpectError, TraceError) as error:
        return _fail(error, ExitCode.USAGE)
    except (TargetError, EngineError, CatalogueError) as error:
        return _fail(error, ExitCode.HARNESS)
    except KeyboardInterrupt:
        return _interrupted(caught[0] if caught else signal.SIGINT)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; the interpreter must not try to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _interrupted(number: int) -> int:
    print("viaduct: interrupted", file=sys.stderr)
    return 128 + number


def _fail(error: Exception, code: ExitCode) -> int:
    print(f"viaduct: {error}", file=sys.stderr)
    return code


def entry() -> None:
    caught: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        raise KeyboardInterrupt

    # A CI ends a job by SIGTERM, a closed terminal by SIGHUP: what was started ends then too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    sys.exit(main(caught=caught))
