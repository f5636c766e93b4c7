"""The door and the HTTP server of the admin address."""

from __future__ import annotations

import re

from twisted.internet.address import IPv4Address
from twisted.internet.testing import EventLoggingObserver, StringTransport
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.bodies import LARGEST
from fiberlb.api.rest.site import DISCARDED, AdminServer
from tests.api.rest.asking import LOOPBACK, Asking
from tests.control.stage import Stage


class DoorTests(Asking):
    """Who may ask."""

    FILE = "admin: {allowed_hosts: [lb.example]}"

    def test_host(self) -> None:
        """421 for a name that is not ours, for reads and writes, before anything is looked at."""
        for method, path in (("GET", "/v1/pools"), ("POST", "/v1/pools"), ("GET", "/nothing")):
            found = self.ask(method, path, host="evil.example")
            self.refusal(found, 421, "misdirected")
        for host in ("localhost", "[::1]:9876", "192.0.2.1", "lb.example:9876"):
            self.assertEqual(self.ask("GET", "/v1/pools", host=host).status, 200, host)

    def test_reload(self) -> None:
        """The names are those of the file in force."""
        self.stage.reload("")
        self.refusal(self.ask("GET", "/v1/pools", host="lb.example"), 421, "misdirected")

    def test_malformed(self) -> None:
        """400 for what is no Host."""
        self.refusal(self.ask("GET", "/v1/pools", host="a b"), 400, "bad_request")


class ServerTests(SynchronousTestCase):
    """Bytes in, bytes out."""

    def setUp(self) -> None:
        """A connection."""
        self.stage = Stage(self)
        site = AdminServer(self.stage.control, self.stage.clock).site(LOOPBACK)
        site.startFactory()
        self.addCleanup(site.stopFactory)
        self.connection = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        self.transport = StringTransport()
        self.connection.makeConnection(self.transport)

    def send(self, head: str, body: bytes = b"") -> None:
        """A request, or a piece of one."""
        self.connection.dataReceived(head.replace("\n", "\r\n").encode() + body)

    def statuses(self) -> list[bytes]:
        """The status lines that came back."""
        return re.findall(rb"HTTP/1\.1 [0-9]{3} [^\r]*", self.transport.value())

    def head(self, *fields: str) -> str:
        """The head of a POST."""
        lines = ["POST /v1/pools HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        return "\n".join([*lines, *fields, "", ""])

    def test_works(self) -> None:
        """A request as usual; the connection stays open."""
        self.send(self.head("Content-Length: 2"), b"{}")
        self.assertEqual(self.statuses(), [b"HTTP/1.1 201 Created"])
        self.assertFalse(self.transport.disconnecting)

    def test_declared_too_large(self) -> None:
        """413 before the body comes; what comes of it is thrown away, then it is over."""
        self.send(self.head(f"Content-Length: {LARGEST + 5}"))
        self.assertEqual(self.statuses(), [b"HTTP/1.1 413 Content Too Large"])
        self.assertIn(b"FiberLB-Revision: 0\r\n", self.transport.value())
        self.assertIn(b'"code": "too_large"', self.transport.value())
        self.assertFalse(self.transport.disconnecting)
        self.send("", b"x" * (LARGEST + 5))
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(len(self.statuses()), 1)

    def test_asks_first(self) -> None:
        """A client that waits to be asked is refused without being asked."""
        self.send(self.head(f"Content-Length: {LARGEST + 1}", "Expect: 100-continue"))
        self.assertEqual(self.statuses(), [b"HTTP/1.1 413 Content Too Large"])
        self.assertTrue(self.transport.disconnecting)

    def test_chunked_too_large(self) -> None:
        """413 as soon as a body without a length has grown too large."""
        self.send(self.head("Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        for _ in range(LARGEST // 65536):
            self.send("", chunk)
        self.assertEqual(self.statuses(), [])
        self.send("", chunk)
        self.assertEqual(self.statuses(), [b"HTTP/1.1 413 Content Too Large"])
        self.send("", b"0\r\n\r\n")
        self.assertTrue(self.transport.disconnecting)

    def test_endless(self) -> None:
        """Who goes on sending is cut off."""
        self.send(self.head(f"Content-Length: {DISCARDED * 4}"))
        for _ in range(DISCARDED // LARGEST + 2):
            self.send("", b"x" * LARGEST)
        self.assertTrue(self.transport.disconnected or self.transport.disconnecting)
        self.assertEqual(len(self.statuses()), 1)

    def test_host(self) -> None:
        """One Host in HTTP/1.1; HTTP/1.0 may have none."""
        self.send("GET /healthz HTTP/1.1\n\n")
        self.assertEqual(self.statuses(), [b"HTTP/1.1 400 Bad Request"])
        self.transport.clear()
        self.send("GET /healthz HTTP/1.1\nHost: localhost\nHost: evil.example\n\n")
        self.assertEqual(self.statuses(), [b"HTTP/1.1 400 Bad Request"])
        self.transport.clear()
        self.send("GET /healthz HTTP/1.0\n\n")
        self.assertIn(b" 200 OK", self.transport.value())

    def test_log(self) -> None:
        """The log has a line for what was refused, and none for the rest."""
        told = EventLoggingObserver()
        globalLogPublisher.addObserver(told)
        self.addCleanup(globalLogPublisher.removeObserver, told)
        self.send("GET /v1/pools HTTP/1.1\nHost: localhost\n\n")
        self.send("GET /no%0Athing HTTP/1.1\nHost: localhost\n\n")
        lines = [formatEvent(event) for event in told if "status" in event]
        self.assertEqual(len(lines), 1)
        self.assertIn("was refused GET /no%0Athing: 404", lines[0])

    def test_form(self) -> None:
        """A form is not read as one."""
        for form in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            fields = f"Host: localhost\nContent-Type: {form}\nContent-Length: 3\n\n"
            self.send(f"POST /v1/pools HTTP/1.1\n{fields}", b"a=b")
        self.assertEqual(self.statuses(), [b"HTTP/1.1 415 Unsupported Media Type"] * 2)

    def test_raw_octets(self) -> None:
        """An address that is not ASCII does not come in."""
        self.send("GET /v1/pools/ü HTTP/1.1\nHost: localhost\n\n")
        self.assertEqual(self.statuses(), [b"HTTP/1.1 400 Bad Request"])

    def test_length(self) -> None:
        """Every answer with a body says how long it is."""
        self.send("GET /nothing HTTP/1.1\nHost: localhost\n\n")
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        self.assertIn(f"Content-Length: {len(body)}".encode(), head)

    def test_idle(self) -> None:
        """A connection without requests is closed."""
        self.stage.clock.advance(61)
        self.assertTrue(self.transport.disconnecting)
