"""A run that is interrupted or killed: nothing that it started stays behind."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from viaduct.targets.viaduct import build_directory

INTEROP = Path(__file__).resolve().parents[1]
BUILT = (build_directory() / "bin" / "viaduct-server").is_file()
END_SECONDS = 30


@pytest.mark.skipif(not BUILT, reason="viaduct-server is not built")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_takes_down_the_server(tmp_path: Path, number: signal.Signals) -> None:
    # Started from a shell that ignores SIGINT, the child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "viaduct", "run", "register", "--out", str(tmp_path / "out")],
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(INTEROP)},
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert b" cases, " in process.stderr.readline()
        server = pidfd_of("viaduct-server", scratch)
        process.send_signal(number)
        said = process.stderr.read()
    ended = select.poll()
    ended.register(server, select.POLLIN)
    assert ended.poll(END_SECONDS * 1000), f"viaduct-server outlives {number.name}"
    os.close(server)
    if number is signal.SIGKILL:  # no time to tidy up
        assert process.returncode == -number
        return
    assert process.returncode == 128 + number
    assert b"viaduct: interrupted" in said
    assert not list(scratch.glob("viaduct-*"))


def pidfd_of(name: str, word: Path) -> int:
    """A descriptor of the one process of that name which has the word in its command."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if command[0].endswith(name.encode()) and any(bytes(word) in part for part in command):
                return os.pidfd_open(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    raise AssertionError(f"no {name} runs")
