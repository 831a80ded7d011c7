"""A byte connection to the target, with or without TLS: what stream flows and raw cases stand on.
"""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from viaduct.peers.duty import PATIENCE, Unreachable, Violation
from viaduct.targets.description import Address


def tls_context(ca: Path | None, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A client's context which verifies chain and name. ca None: the system's authorities."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def hostport(sockname: tuple[Any, ...]) -> str:
    host, port = str(sockname[0]), int(sockname[1])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Link:
    """One TCP or TLS connection. read() gives b"" at the end; `ended` then says how it ended."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        info: Mapping[str, Any],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.local = hostport(writer.get_extra_info("sockname"))
        self.remote = hostport(writer.get_extra_info("peername"))
        self.info = dict(info)
        self.ended: str | None = None  # eof | reset | error | local

    @classmethod
    async def open(
        cls,
        address: Address,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> "Link":
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(
                    address.host,
                    address.port,
                    ssl=tls,
                    server_hostname=(server_name or address.host) if tls is not None else None,
                    limit=1 << 20,
                )
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(
                f"the certificate of {address} does not verify: {error.verify_message}"
            ) from error
        except (ssl.SSLError, ConnectionResetError) as error:
            raise Violation(f"no TLS with {address}: {error}", "RFC6455-10.6-a") from error
        except TimeoutError as error:
            raise Unreachable(f"no connection to {address} within {PATIENCE:g} s") from error
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise Unreachable(f"cannot connect to {address}: {why}") from error
        info: dict[str, Any] = {}
        secured: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        if secured is not None:
            info["tls"] = secured.version()
            info["sni"] = server_name
            if secured.selected_alpn_protocol() is not None:
                info["alpn"] = secured.selected_alpn_protocol()
        return cls(reader, writer, info)

    async def write(self, data: bytes) -> None:
        """Hands the bytes over and does not wait until they are taken: a target that stops reading,
        to refuse what is too large, must not keep us from reading its answer. Bytes to a connection
        that the other side has ended vanish, as in life; read() tells the end.
        """
        if not self._writer.is_closing():
            self._writer.write(data)
        await asyncio.sleep(0)

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(65536)
        except ConnectionError:
            self.ended = self.ended or "reset"
            return b""
        except (ssl.SSLError, OSError):
            self.ended = self.ended or "error"
            return b""
        if not data:
            self.ended = self.ended or "eof"
        return data

    async def close(self) -> None:
        self.ended = self.ended or "local"
        self._writer.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()  # its close_notify does not come
        except OSError as error:
            # A target that resets or talks on while we leave does no harm: the connection is over.
            self.info["leaving"] = str(error)

    def abort(self) -> None:
        """Ends without a word: a TCP reset."""
        self.ended = self.ended or "local"
        sock: socket.socket | None = self._writer.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return  # already gone
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
