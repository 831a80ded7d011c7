"""Reads the command line, runs one command and turns its outcome into an exit code."""

import argparse
import os
import sys
from collections.abc import Sequence

from viaduct import __version__
from viaduct.catalogue import CatalogueError
from viaduct.cli import coverage, explain, judge, listing, repro, run, serve
from viaduct.cli.usage import UsageError
from viaduct.results import ExitCode
from viaduct.results.expect import ExpectError
from viaduct.run.engine import EngineError
from viaduct.targets import TargetError, TargetFileError
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


def main(arguments: Sequence[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    try:
        return int(args.execute(args))
    except (UsageError, TargetFileError, ExpectError, TraceError) as error:
        return _fail(error, ExitCode.USAGE)
    except (TargetError, EngineError, CatalogueError) as error:
        return _fail(error, ExitCode.HARNESS)
    except KeyboardInterrupt:
        print("viaduct: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; the interpreter must not try to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _fail(error: Exception, code: ExitCode) -> int:
    print(f"viaduct: {error}", file=sys.stderr)
    return code


def entry() -> None:
    sys.exit(main())
