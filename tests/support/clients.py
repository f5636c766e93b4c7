"""Plain blocking clients for live tests: every wait has a limit."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
from collections.abc import Mapping
from types import TracebackType

import attrs

from tests.support.programs import need

#: Seconds any one wait of a client may take.
PATIENCE = 60.0


@attrs.frozen
class Answer:
    """
    One HTTP answer, its body read whole.

    @ivar headers: by lower-case name; of repeated fields the values joined with C{", "}.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8", "replace")


def _answer(response: http.client.HTTPResponse) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Answer(response.status, response.reason, headers, response.read())


def request(
    port: int,
    target: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    host: str = "127.0.0.1",
    within: float = PATIENCE,
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(host, port, timeout=within)
    try:
        connection.request(method, target, body, dict(headers or {}))
        return _answer(connection.getresponse())
    finally:
        connection.close()


class Session:
    """Requests one after the other on one connection, plain or over TLS."""

    def __init__(
        self, port: int, *, tls: ssl.SSLContext | None = None, server_name: str = "localhost"
    ) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.connection.connect()
        if tls is not None:
            assert self.connection.sock is not None
            self.connection.sock = tls.wrap_socket(
                self.connection.sock, server_hostname=server_name
            )

    def request(
        self,
        target: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The next request; raises what C{http.client} raises when the connection has gone."""
        # http.client would connect again by itself, hiding that the connection was lost.
        self.connection.auto_open = 0
        self.connection.request(method, target, body, dict(headers or {}))
        return _answer(self.connection.getresponse())

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class RawClient:
    """
    Bytes out, bytes in: for what no well-behaved client sends.

    @raise TimeoutError: by any method, when C{PATIENCE} runs out.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self._held = b""

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def finish(self) -> None:
        """Half-close: nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def read_until(self, mark: bytes) -> bytes:
        """Everything up to and with C{mark}; all there was when the peer closed before it."""
        while mark not in self._held:
            piece = self.socket.recv(65536)
            if not piece:
                found, self._held = self._held, b""
                return found
            self._held += piece
        found, _, self._held = self._held.partition(mark)
        return found + mark

    def read(self, count: int) -> bytes:
        """Exactly C{count} bytes; fewer when the peer closed before."""
        while len(self._held) < count:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self._held += piece
        found, self._held = self._held[:count], self._held[count:]
        return found

    def read_all(self) -> bytes:
        """Everything until the peer closes; a reset counts as closing."""
        try:
            while piece := self.socket.recv(65536):
                self._held += piece
        except ConnectionResetError:
            pass
        found, self._held = self._held, b""
        return found

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def exchange(port: int, data: bytes) -> bytes:
    """Send bytes on a new connection, and read until the peer closes."""
    with RawClient(port) as client:
        client.send(data)
        return client.read_all()


def curl(*arguments: str, within: float = PATIENCE) -> subprocess.CompletedProcess[bytes]:
    """Run curl, silent but for errors; its output and exit status."""
    command = [need("curl"), "-sS", "--max-time", str(int(within)), *arguments]
    return subprocess.run(
        command, capture_output=True, timeout=within + 5, check=False, stdin=subprocess.DEVNULL
    )
