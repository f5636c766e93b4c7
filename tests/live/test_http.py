"""HTTP through a running FiberLB: nginx behind it, curl and plain sockets in front."""

from __future__ import annotations

import atexit
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.hostile_clients import LeanBalancer
from tests.support.balancer import Balancer
from tests.support.clients import RawClient, Session, curl, exchange, request
from tests.support.members import STATUSES, Member
from tests.support.ports import free_port

_CONFIGURATION = """
pools:
  - {{name: web, members: ["{member}"]}}
listeners:
  - {{name: front, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""
LARGE = 16777216


class Pair:
    """One nginx, and one FiberLB before it."""

    def __init__(self, make: Callable[[str], Balancer]) -> None:
        """Start both."""
        self.member = Member("one").start()
        self.port = free_port()
        text = _CONFIGURATION.format(member=self.member.address, port=self.port)
        self.balancer = make(text).start(self.port)

    def stop(self) -> None:
        """End both."""
        self.balancer.stop()
        self.member.stop()


@cache
def shared(make: Callable[[str], Balancer]) -> Pair:
    """One for all tests that do not spoil it; it ends with the process."""
    pair = Pair(make)
    atexit.register(pair.stop)
    return pair


class HttpCase(SynchronousTestCase):
    """
    One nginx and one FiberLB.

    @cvar spoiled: tests do something to the member, so they have a pair of their own each.
    """

    make: Callable[[str], Balancer] = LeanBalancer
    spoiled = False

    def setUp(self) -> None:
        """Both run."""
        make = type(self).make
        pair = Pair(make) if self.spoiled else shared(make)
        if self.spoiled:
            self.addCleanup(pair.stop)
        self.member, self.balancer, self.port = pair.member, pair.balancer, pair.port
        self.addCleanup(lambda: self.assertNotIn("Traceback", self.balancer.output))

    def echoed(self, *lines: bytes, target: bytes = b"/echo") -> list[bytes]:
        """The lines of a request's head as nginx received them."""
        head = b"GET " + target + b" HTTP/1.1\r\n" + b"\r\n".join([*lines, b"", b""])
        answer = exchange(self.port, head)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        body = answer.partition(b"\r\n\r\n")[2]
        if b"transfer-encoding: chunked" in answer.lower():
            body = unchunked(body)
        return body.rstrip(b"\r\n").split(b"\r\n")

    def url(self, path: str) -> str:
        """Where curl finds it."""
        return f"http://127.0.0.1:{self.port}{path}"


def unchunked(data: bytes) -> bytes:
    """The content of a chunked body."""
    content = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        content += data[:length]
        data = data[length + 2 :]
    return content


class HeadTests(HttpCase):
    """What nginx sees of a request, and a client of an answer."""

    def test_target(self) -> None:
        """The target's bytes arrive as they were sent, whatever they mean."""
        for target in (
            b"/echo?a=%2f%2F&b=%zz&&c",
            b"/echo?",
            b"/echo;x=1?;",
            b"//echo",
            b"/x/../echo",
            b'/./%65cho?q=|"<>\\^`{}',
        ):
            found = exchange(
                self.port, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            self.assertTrue(found.startswith(b"HTTP/1.1 "), target)
            self.member.wait_for_request(".")
        seen = [line.target for line in self.member.requests()]
        self.assertIn("/echo?a=%2f%2F&b=%zz&&c", seen)
        self.assertIn("//echo", seen)
        self.assertIn("/x/../echo", seen)
        self.assertIn("/echo;x=1?;", seen)

    def test_fields(self) -> None:
        """Fields arrive byte for byte, in their order; what concerns one hop does not."""
        lines = (
            b"hOsT: www.example.org:8080",
            b"X-One:  inner   spaces",
            b"Connection: close, X-Private",
            b"x-one: again",
            b"X-Private: secret",
            b"X-Bytes: \xc3\xa9\xff",
            b"Keep-Alive: 5",
            b"TE: gzip",
            b"Upgrade: h2c",
            b"X-Forwarded-For: 6.6.6.6",
            b"X-Forwarded-Proto: https",
            b"Forwarded: for=6.6.6.6",
            b"X-Real-IP: 6.6.6.6",
            b"Cookie: a=1",
            b"Cookie: b=2",
            b"X-Empty:",
        )
        kept = [lines[i] for i in (0, 1, 3, 5, 13, 14, 15)]
        ours = [
            b"X-Forwarded-For: 127.0.0.1",
            b"X-Forwarded-Proto: http",
            b"X-Forwarded-Port: %d" % self.port,
            b"Via: 1.1 fiberlb",
        ]
        self.assertEqual(self.echoed(*lines), [b"GET /echo HTTP/1.1", *kept, *ours])

    def test_statuses(self) -> None:
        """Every status passes with its reason, on one connection, with and without a body."""
        with Session(self.port) as session:
            for status in STATUSES:
                for method in ("GET", "HEAD"):
                    answer = session.request(f"/status/{status}", method=method)
                    self.assertEqual(answer.status, status)
                    direct = request(self.member.port, f"/status/{status}", method=method)
                    self.assertEqual((answer.reason, answer.body), (direct.reason, direct.body))

    def test_validators(self) -> None:
        """Ranges and validators work end to end."""
        with Session(self.port) as session:
            whole = session.request("/bytes/65536")
            part = session.request("/bytes/65536", headers={"Range": "bytes=10-19"})
            self.assertEqual((part.status, part.body), (206, whole.body[10:20]))
            same = session.request("/bytes/65536", headers={"If-None-Match": whole.headers["etag"]})
            self.assertEqual((same.status, same.body), (304, b""))
            self.assertEqual(session.request("/").status, 200)

    def test_old_client(self) -> None:
        """A client of HTTP/1.0 gets the content alone, and the end of the connection."""
        answer = exchange(self.port, b"GET /pieces HTTP/1.0\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertEqual(body, b"onetwothree")
        self.assertNotIn(b"transfer-encoding", head.lower())
        self.assertIn(b"connection: close", head.lower())

    def test_pieces(self) -> None:
        """An answer that comes in pieces comes in pieces."""
        with RawClient(self.port) as client:
            client.send(b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertIn(b"\r\n\r\n3\r\none\r\n", client.read_until(b"3\r\none\r\n"))
            self.assertEqual(client.read_until(b"two\r\n"), b"3\r\ntwo\r\n")
            self.assertEqual(client.read_until(b"0\r\n\r\n"), b"5\r\nthree\r\n0\r\n\r\n")


class ConnectionTests(HttpCase):
    """How connections are used."""

    def test_reuse(self) -> None:
        """Thirty clients one after the other need few connections to the member."""
        used = set()
        for _ in range(30):
            used.add(request(self.port).headers["x-connection"])
        self.assertLessEqual(len(used), 12)

    def test_no_cross_talk(self) -> None:
        """Many clients at once each get their own answers, in order."""

        def ask(number: int) -> list[str]:
            wrong = []
            with Session(self.port) as session:
                for n in range(20):
                    text = f"client {number}, request {n}"
                    body = session.request("/body", method="POST", body=text.encode()).text
                    if body != text:
                        wrong.append(f"{text}: {body}")
            return wrong

        with ThreadPoolExecutor(50) as pool:
            found = [wrong for wrongs in pool.map(ask, range(200)) for wrong in wrongs]
        self.assertEqual(found, [])


class SpoiledTests(HttpCase):
    """Members that come and go."""

    spoiled = True

    def test_upstream_closes(self) -> None:
        """A client's connection outlives those to the member."""
        with Session(self.port) as session:
            self.assertEqual(session.request("/").status, 200)
            self.member.kill()
            self.member.start()
            for _ in range(3):
                self.assertEqual(session.request("/").status, 200)

    def test_idle_race(self) -> None:
        """A member that closes idle connections early costs nobody a request."""
        self.member.stop()
        hasty = Member("one", port=self.member.port, keep_alive="20ms").start()
        self.addCleanup(hasty.stop)
        failed = []
        with Session(self.port) as session:
            for _ in range(500):
                answer = session.request("/")
                if answer.status != 200:
                    failed.append(answer.text)
        self.assertEqual(failed, [])


class TransferTests(HttpCase):
    """Large bodies, by their hash."""

    def digest(self, path: str) -> str:
        """The hash of a file."""
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()

    def test_both_ways(self) -> None:
        """Down and up, many at once, with a length and in chunks, also with Expect."""
        source = f"{self.member.directory}/files/{LARGE}"
        expected = self.digest(source)

        def down(number: int) -> str:
            target = f"{self.balancer.directory}/down-{number}"
            done = curl("-o", target, self.url(f"/bytes/{LARGE}"), within=60)
            return done.stderr.decode() or self.digest(target)

        def up(number: int) -> str:
            target = f"{self.balancer.directory}/up-{number}"
            extra = [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]]
            done = curl(
                *extra[number % 3],
                "-T",
                source,
                "-o",
                target,
                self.url("/body"),
                within=60,
            )
            return done.stderr.decode() or self.digest(target)

        with ThreadPoolExecutor(6) as pool:
            found = [*pool.map(down, range(4)), *pool.map(up, range(3))]
        self.assertEqual(found, [expected] * 7)


class StockTransferTests(TransferTests):
    """The same on Twisted's own reactor."""

    make = Balancer
