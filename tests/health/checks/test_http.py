"""Tests of C{fiberlb.health.checks.http}: a scripted member, no socket."""

from __future__ import annotations

import gzip
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.http import BODY_LIMIT, HEAD_LIMIT, http_check
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member

MEMBER = Member(address="192.0.2.1", port=8080)
OK = b"HTTP/1.1 200 OK\r\n"


class Exchange:
    """One check and the member's end of it."""

    def __init__(self, member: Member = MEMBER, **monitor: Any) -> None:
        self.reactor = MemoryReactorClock()
        check = http_check(self.reactor)
        self.result = Deferred.fromCoroutine(check(member, HealthMonitor(**monitor)))
        self.factory: Any = self.reactor.tcpClients[0][2]
        self.transport = StringTransport()

    def accept(self) -> Exchange:
        """The member accepts the connection."""
        self.protocol = self.factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        return self

    def answer(self, *pieces: bytes) -> Exchange:
        """The member sends bytes."""
        for piece in pieces:
            self.protocol.dataReceived(piece)
        return self

    def close(self, cls: type[Exception] = ConnectionDone) -> Exchange:
        """The connection ends."""
        self.protocol.connectionLost(Failure(cls()))
        return self

    @property
    def sent(self) -> list[bytes]:
        """The lines of the request."""
        return self.transport.value().split(b"\r\n")

    @property
    def closed(self) -> bool:
        """Whether the check gave its connection up."""
        return self.transport.disconnecting or self.transport.disconnected


class RequestTests(SynchronousTestCase):
    """What a member gets to see."""

    def test_request(self) -> None:
        """A request of its own connection, with nothing that was not asked for."""
        sent = Exchange().accept().sent
        self.assertEqual(sent[0], b"GET / HTTP/1.1")
        self.assertEqual(
            sorted(sent[1:-2]),
            [
                b"Connection: close",
                b"Host: 192.0.2.1:8080",
                b"User-Agent: fiberlb-health-check",
            ],
        )

    def test_target_is_sent_as_written(self) -> None:
        """No byte of url_path is changed, whatever a URL library would make of it."""
        for path in (
            "//a/../b%7e%2F;?",
            "/a?b=c&&d=%zz#e?f",
            '/[x]|\\^`{}"<>',
            "/a;b;?x=1;y",
            "/:@!$'*,",
        ):
            sent = Exchange(url_path=path).accept().sent
            self.assertEqual(sent[0], b"GET " + path.encode() + b" HTTP/1.1")

    def test_host(self) -> None:
        """The address that is checked, in brackets when it is IPv6, or what is set."""
        v6 = Member(address="2001:db8::1", port=80)
        moved = Member(address="192.0.2.1", port=80, monitor_port=81, monitor_address="192.0.2.2")
        for member, monitor, host in (
            (v6, {}, b"[2001:db8::1]:80"),
            (moved, {}, b"192.0.2.2:81"),
            (MEMBER, {"port": 99}, b"192.0.2.1:99"),
            (MEMBER, {"host_header": "www.example"}, b"www.example"),
        ):
            self.assertIn(b"Host: " + host, Exchange(member, **monitor).accept().sent)

    def test_headers(self) -> None:
        """Further fields are sent, and may replace our own name."""
        headers = (("User-Agent", "probe"), ("X-Token", "grün"))
        sent = Exchange(headers=headers).accept().sent
        self.assertIn(b"User-Agent: probe", sent)
        self.assertIn("X-Token: grün".encode(), sent)
        self.assertEqual(len([line for line in sent if line.startswith(b"User-Agent")]), 1)

    def test_method(self) -> None:
        """The method is the monitor's; a POST says that it has no body."""
        self.assertEqual(Exchange(method="OPTIONS").accept().sent[0], b"OPTIONS / HTTP/1.1")
        self.assertIn(b"Content-Length: 0", Exchange(method="POST").accept().sent)


class AnswerTests(SynchronousTestCase):
    """What counts as healthy."""

    def passes(self, exchange: Exchange) -> None:
        """The check has ended well and keeps no connection."""
        self.assertIsNone(self.successResultOf(exchange.result))
        self.assertTrue(exchange.closed)

    def fails(self, exchange: Exchange, reason: str) -> None:
        """The check has failed for this reason."""
        why = self.failureResultOf(exchange.result, CheckFailed).value
        self.assertEqual(why.reason, reason)

    def test_lengths(self) -> None:
        """Each way to delimit a body ends the check with the body."""
        for head, *body in (
            (b"Content-Length: 0\r\n\r\n",),
            (b"Content-Length: 4\r\n\r\n", b"ab", b"cd"),
            (b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\nabcd\r\n", b"0\r\n\r\n"),
        ):
            exchange = Exchange().accept().answer(OK + head)
            if body:
                self.assertNoResult(exchange.result)
            self.passes(exchange.answer(*body))

    def test_close_delimited(self) -> None:
        """Without a length the end of the connection is the end of the body."""
        exchange = Exchange().accept().answer(OK + b"\r\nabc")
        self.assertNoResult(exchange.result)
        self.assertIsNone(self.successResultOf(exchange.close().result))

    def test_head(self) -> None:
        """The answer to HEAD has no body, whatever its length says."""
        answer = OK + b"Content-Length: 99\r\n\r\n"
        self.passes(Exchange(method="HEAD").accept().answer(answer))

    def test_interim(self) -> None:
        """Interim answers are passed over."""
        self.passes(
            Exchange()
            .accept()
            .answer(b"HTTP/1.1 103 Early Hints\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n")
        )

    def test_status(self) -> None:
        """Another status is told with what was expected, without waiting for its body."""
        exchange = Exchange().accept()
        exchange.answer(b"HTTP/1.1 503 No\r\nContent-Length: 999\r\n\r\nab")
        self.fails(exchange, "status 503, expected 200-299")
        self.assertTrue(exchange.closed)

    def test_status_before_the_body(self) -> None:
        """The connection is given up also when nothing of the body has come."""
        exchange = Exchange().accept().answer(b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n")
        self.fails(exchange, "status 503, expected 200-299")
        self.assertTrue(exchange.closed)
        exchange.answer(b"late").close()

    def test_expected_codes(self) -> None:
        """The monitor's ranges decide."""
        codes = ((200, 200), (300, 399))
        self.passes(
            Exchange(expected_codes=codes).accept().answer(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        )
        exchange = Exchange(expected_codes=codes).accept()
        self.fails(
            exchange.answer(b"HTTP/1.1 204 No Content\r\n\r\n"), "status 204, expected 200,300-399"
        )

    def test_redirect_is_not_followed(self) -> None:
        """A redirect is an answer like others: no second connection."""
        exchange = Exchange().accept()
        exchange.answer(
            b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.7/\r\nContent-Length: 0\r\n\r\n"
        )
        self.fails(exchange, "status 302, expected 200-299")
        self.assertEqual(len(exchange.reactor.tcpClients), 1)

    def test_nonsense(self) -> None:
        """What is not HTTP/1 is an invalid response."""
        for answer in (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"ICY/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            OK + b"Content-Length: x\r\n\r\n",
            OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            OK + b"Transfer-Encoding: gzip\r\n\r\n",
            OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        ):
            exchange = Exchange().accept().answer(answer)
            self.fails(exchange, "invalid response")
            self.assertTrue(exchange.closed, answer)

    def test_lost(self) -> None:
        """A connection that ends early says how."""
        self.fails(Exchange().accept().close(), "connection closed without an answer")
        self.fails(Exchange().accept().close(ConnectionLost), "connection reset")
        half = Exchange().accept().answer(OK + b"Content-Length: 4\r\n\r\nab").close()
        self.fails(half, "connection closed before the end of the answer")

    def test_refused(self) -> None:
        """A member that is not there refuses."""
        exchange = Exchange()
        why = Failure(ConnectionRefusedError(111, "Connection refused"))
        exchange.factory.clientConnectionFailed(exchange.reactor.connectors[0], why)
        self.fails(exchange, "connection refused")

    def test_too_long(self) -> None:
        """A body past the limit ends the check, and the connection, as a failure."""
        exchange = Exchange().accept().answer(OK + b"\r\n")
        piece = b"x" * 65536
        exchange.answer(*[piece] * (BODY_LIMIT // len(piece)))
        self.assertNoResult(exchange.result)
        self.fails(exchange.answer(piece, piece), "answer longer than 1MiB")
        self.assertTrue(exchange.closed)
        exchange.close()

    def test_flood(self) -> None:
        """Fields or informational answers without end are cut off before they cost much."""
        for begun, piece in (
            (OK, b"X-A: b\r\n"),
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        ):
            exchange = Exchange().accept().answer(begun)
            sent = 0
            while not exchange.closed and sent <= 2 * HEAD_LIMIT:
                exchange.answer(piece * 1000)
                sent += len(piece) * 1000
            self.assertTrue(exchange.closed)
            self.fails(exchange.close(ConnectionLost), "answer too long")

    def test_packed_body_is_not_unpacked(self) -> None:
        """A body that would unpack to more than the limit is counted as it came."""
        body = gzip.compress(bytes(BODY_LIMIT * 4))
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.passes(Exchange().accept().answer(OK + head, body))

    def test_cookies_are_not_kept(self) -> None:
        """What one answer sets is not sent with the next check."""
        reactor = MemoryReactorClock()
        check = http_check(reactor)
        for number in range(2):
            result = Deferred.fromCoroutine(check(MEMBER, HealthMonitor()))
            transport = StringTransport()
            factory: Any = reactor.tcpClients[number][2]
            protocol = factory.buildProtocol(None)
            protocol.makeConnection(transport)
            self.assertNotIn(b"Cookie", transport.value())
            protocol.dataReceived(OK + b"Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
            self.successResultOf(result)


class CancelTests(SynchronousTestCase):
    """A check that is given up leaves nothing behind, at any point."""

    def cancel(self, exchange: Exchange) -> None:
        """Give up and take the failure."""
        exchange.result.cancel()
        self.failureResultOf(exchange.result, CheckFailed, CancelledError)

    def test_connecting(self) -> None:
        """While connecting: the attempt ends."""
        exchange = Exchange()
        self.cancel(exchange)
        self.assertTrue(exchange.reactor.connectors[0].stoppedConnecting)

    def test_waiting(self) -> None:
        """While waiting for the answer: the connection ends."""
        exchange = Exchange().accept()
        self.cancel(exchange)
        self.assertTrue(exchange.closed)
        exchange.close()

    def test_body(self) -> None:
        """Within a body: the connection ends, and its late bytes disturb nothing."""
        exchange = Exchange().accept().answer(OK + b"Content-Length: 4\r\n\r\nab")
        self.cancel(exchange)
        self.assertTrue(exchange.closed)
        exchange.answer(b"cd").close()
