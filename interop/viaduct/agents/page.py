"""The client page, served over HTTPS by the harness, for targets that serve none of their own."""

import functools
import http.server
import ssl
import threading
from pathlib import Path

from viaduct.agents.driver import BrowserError
from viaduct.targets.pki import Pki

PAGE = Path(__file__).resolve().parents[3] / "build" / "page"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who fetched a page file is of no interest to a run."""


class _Threads(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: browsers open connections ahead of need and drop them half-way."""


class PageServer:
    """Serves the built page at `url` from construction to close()."""

    def __init__(self, pki: Pki, page: Path = PAGE, host: str = "127.0.0.1") -> None:
        if not (page / "index.html").is_file():
            raise BrowserError(f"the client page is not built: {page} is missing; run ci/build")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.certificate, pki.key)
        handler = functools.partial(_Quiet, directory=str(page))
        self._server = _Threads((host, 0), handler)
        # The handshake belongs into the connection's thread, not into the accepting one.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://{host}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            name="page",
            kwargs={"poll_interval": 0.1},
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
