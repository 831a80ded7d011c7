"""A name server that knows no name and records each question that the target asks.

The target is started in a mount namespace of its own in which /etc/resolv.conf points here. That
takes root; without it name look-ups cannot be watched, and the cases about them are skipped.
"""

import os
import random
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from viaduct.trace.jsonl import Recorder

TYPES = {1: "A", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR"}
PORT = 53  # resolv.conf cannot name another one
ATTEMPTS = 8
ENTER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def read_question(query: bytes) -> tuple[str, str] | None:
    """Name and type asked for in a DNS query; None when it is none."""
    if len(query) < 12 or query[2] & 0x80 or struct.unpack("!H", query[4:6])[0] < 1:
        return None
    labels, at = [], 12
    while at < len(query) and query[at]:
        size = query[at]
        if size > 63 or at + 1 + size > len(query):
            return None
        labels.append(query[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    if at + 5 > len(query):
        return None
    kind = int.from_bytes(query[at + 1 : at + 3], "big")
    return ".".join(labels), TYPES.get(kind, str(kind))


def name_error(query: bytes) -> bytes:
    """The answer NXDOMAIN, with the question repeated."""
    end = 12
    while end < len(query) and query[end]:
        end += 1 + query[end]
    return query[:2] + b"\x81\x83\x00\x01" + bytes(6) + query[12 : end + 5]


def ask(host: str, name: str, seconds: float) -> None:
    """Asks the sink at this address, and returns when it has answered, and so recorded it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = b"\0\1\1\0\0\1" + bytes(6) + labels + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.sendto(query, (host, PORT))
        sock.recv(4096)


class NameSink:
    """Answers from a thread of its own until closed."""

    def __init__(self, sock: socket.socket, directory: Path) -> None:
        self._sock = sock
        self.trace = directory / "dns.jsonl"
        host = sock.getsockname()[0]
        # Who reads the trace learns from its note where to ask.
        self._recorder = Recorder("dns", self.trace, note={"address": host})
        self._resolv = directory / "resolv.conf"
        self._resolv.write_text(f"nameserver {host}\noptions timeout:1 attempts:1\n")
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, directory: Path) -> "NameSink | None":
        """None where this machine does not allow it."""
        if os.geteuid() != 0 or not _can_enter(directory):
            return None
        for _ in range(ATTEMPTS):
            # Any address of 127/8 is ours; a random one keeps runs side by side apart.
            host = f"127.53.{random.randrange(256)}.{random.randrange(1, 255)}"
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.bind((host, PORT))
            except OSError:
                sock.close()
                continue
            return cls(sock, directory)
        return None

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command that runs the given one with its resolver pointed here, as the same
        process.
        """
        return ["unshare", "--mount", "sh", "-c", ENTER, str(self._resolv), *command]

    def _serve(self) -> None:
        while True:
            try:
                query, peer = self._sock.recvfrom(4096)
            except OSError:
                return  # closed
            question = read_question(query)
            if question is None:
                continue
            name, kind = question
            self._recorder.event(
                "dns",
                flow="dns",
                transport="udp",
                local=f"{self._sock.getsockname()[0]}:{PORT}",
                remote=f"{peer[0]}:{peer[1]}",
                dir="in",
                data=query,
                name=name,
                type=kind,
            )
            self._sock.sendto(name_error(query), peer)

    def close(self) -> None:
        # shutdown() wakes the thread; on an unconnected socket it also says that there is no peer.
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._thread.join(0)
        self._sock.close()
        self._thread.join(2)
        self._recorder.close()


def _can_enter(directory: Path) -> bool:
    if shutil.which("unshare") is None or not Path("/etc/resolv.conf").exists():
        return False
    probe = directory / "resolv.probe"
    probe.write_text("")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ENTER, str(probe), "true"],
        capture_output=True,
        timeout=10,
        check=False,
    )
    probe.unlink()
    return done.returncode == 0
