"""A server that says who is let in, and has the keys of an identity provider."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket


class AuthServer:
    """
    Lets in whoever has a cookie.

    @ivar keys: what it answers at C{/jwks}.
    @ivar seen: of each question the fields, their names in lower case.
    @ivar open: the connections so far.
    """

    def __init__(self, port: int = 0) -> None:
        self.keys = b"{}"
        self.seen: list[dict[str, str]] = []
        self.open: list[socket] = []
        outer = self

        class Answering(BaseHTTPRequestHandler):
            """One connection."""

            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                """It is open."""
                super().setup()
                outer.open.append(self.connection)

            def do_GET(self) -> None:
                """Keys, or who it is."""
                outer.seen.append({n.lower(): v for n, v in self.headers.items()})
                inside = "in=yes" in (self.headers["Cookie"] or "")
                body = outer.keys if self.path == "/jwks" else b"who?\n"
                if self.path == "/jwks" or inside:
                    self.send_response(200)
                    self.send_header("X-User", "alice")
                else:
                    self.send_response(302)
                    self.send_header("Location", "https://login.example/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Answering)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        """It is away."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for one in self.open:
            with suppress(OSError):
                one.shutdown(SHUT_RDWR)
