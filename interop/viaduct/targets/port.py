"""Free ports on loopback, and waiting until somebody listens."""

import socket
import time
from collections.abc import Callable

from viaduct.targets.description import Address, TargetError


def ipv6_loopback() -> bool:
    """Whether this machine has ::1 at all."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports free for TCP and UDP on both families at this moment.

    They are held until all are found, so they differ; a program that binds them later may still
    lose the race against another one, and its target then tries again with others.
    """
    held: list[socket.socket] = []
    ports: list[int] = []
    sixth = ipv6_loopback()
    try:
        while len(ports) < count:
            stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(stream)
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
            if _bindable(port, sixth, held):
                ports.append(port)
    finally:
        for one in held:
            one.close()
    return ports


def _bindable(port: int, sixth: bool, held: list[socket.socket]) -> bool:
    wanted = [(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1")]
    if sixth:
        wanted += [
            (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
            (socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
        ]
    for family, kind, host in wanted:
        one = socket.socket(family, kind)
        held.append(one)
        try:
            one.bind((host, port))
        except OSError:
            return False
    return True


def local_host(address: Address) -> str:
    """Our own address towards that one: what a peer must bind and name to be reached from there."""
    family = socket.AF_INET6 if address.family == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address.host, address.port))
        return str(probe.getsockname()[0])


OPTIONS = (
    "OPTIONS sip:{host} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {local};branch=z9hG4bKprobe{n};rport\r\n"
    "Max-Forwards: 0\r\nFrom: <sip:probe@probe.invalid>;tag=probe\r\nTo: <sip:{host}>\r\n"
    "Call-ID: probe-{n}@probe.invalid\r\nCSeq: {n} OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def wait_listening(
    addresses: tuple[Address, ...],
    seconds: float,
    exited: Callable[[], str | None] = lambda: None,
) -> None:
    """Returns once every address accepts a connection or, on UDP, answers anything to an OPTIONS.

    `exited` tells that waiting is in vain. TargetError names the address that stayed dead.
    """
    deadline = time.monotonic() + seconds
    for address in addresses:
        number = 0
        while True:
            number += 1
            why = _probe(address, number)
            if why is None:
                break
            end = exited()
            if end is not None:
                raise TargetError(end)
            if time.monotonic() > deadline:
                what = "answers no OPTIONS" if address.transport == "udp" else "is not accepting"
                raise TargetError(
                    f"the target {what} at {address}: {why} (tried {number} times in {seconds:g} s)"
                )
            if address.transport != "udp":
                time.sleep(0.05)  # between attempts; a refused connection comes back at once


def _probe(address: Address, number: int) -> str | None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    kind = socket.SOCK_DGRAM if address.transport == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family, kind) as probe:
            probe.settimeout(0.3 if kind == socket.SOCK_DGRAM else 2.0)
            probe.connect((address.host, address.port))
            if kind == socket.SOCK_DGRAM:
                host, port = probe.getsockname()[:2]
                local = Address("udp", host, port).hostport
                request = OPTIONS.format(host=address.hostport, local=local, n=number)
                probe.send(request.encode())
                probe.recv(65535)
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None
