"""A viaduct-bridge process and the certificates it needs, for the tests of the bridge."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VIADUCT_BUILD", ROOT / "build/sanitize")) / "bin/viaduct-bridge"
PATIENCE = 10.0


@dataclass
class Bridge:
    """A running bridge: the port it listens on and, once it has ended, what it wrote to stderr."""

    process: asyncio.subprocess.Process
    port: int
    errors: str = ""

    async def stop(self) -> str:
        if self.process.returncode is None:
            self.process.terminate()
        _, errors = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        self.errors = errors.decode()
        return self.errors


@asynccontextmanager
async def bridge(listen: str, connect: str, *options: str) -> AsyncIterator[Bridge]:
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--listen", listen, "--connect", connect, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    ready = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().split()
    assert ready[:2] == ["viaduct-bridge", "ready"], ready
    running = Bridge(process, int(ready[2].rstrip("/").rsplit(":", 1)[1].split("/")[0]))
    try:
        yield running
    finally:
        errors = await running.stop()
    assert process.returncode == 0, errors


@dataclass(frozen=True)
class Identity:
    """Files of a certificate for 127.0.0.1, its key, and the CA that issued it."""

    certificate: Path
    key: Path
    ca: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    by: ec.EllipticCurvePrivateKey,
    ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .sign(by, hashes.SHA256())
    )


def make_identity(folder: Path) -> Identity:
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("test CA", ca_key, "test CA", ca_key, True)
    leaf = _certificate("test server", key, "test CA", ca_key, False)
    made = Identity(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    made.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made
