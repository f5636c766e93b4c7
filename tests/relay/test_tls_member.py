"""Tests of fiberlb.relay.tls_member: real TLS over a socket pair, step by step."""

from __future__ import annotations

import errno
import ssl
import struct
from typing import Any

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.tls_member import TlsMemberConnection, opening_tls
from fiberlb.snapshot import MemberTlsPlan
from fiberlb.tls.member_link import MemberLink
from tests.relay.tls_client import RecordingSide, StepLoop, pair
from tests.support.certificates import leaf
from tests.tls.members import OTHER, ROOT, V12, V13, plan, pool_tls, server

GOOD = leaf("api.test", issuer=ROOT)


class Meeting:
    """
    One of our connections to a member, and the member.

    @ivar tls: the member's half.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        link: MemberLink | None = None,
        timeout: float | None = 5.0,
        settings: MemberTlsPlan | None = None,
    ) -> None:
        self.loop = StepLoop()
        self.side = RecordingSide()
        self.link = link or MemberLink(pool_tls(settings or plan()), "192.0.2.1")
        ours, self.raw = pair()
        self.conn: Any = opening_tls(self.loop, ours, self.link, self.side, timeout)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def turn(self) -> None:
        """Both do what they can."""
        self.loop.settle()
        try:
            self.incoming.write(self.raw.recv(1 << 20))
        except (BlockingIOError, ConnectionResetError):
            pass

    def push(self) -> None:
        """Put on the wire what the member has written."""
        sent = self.outgoing.read()
        if sent:
            self.raw.sendall(sent)

    def handshake(self) -> Meeting:
        """To its end, well or not."""
        for _ in range(6):
            self.turn()
            try:
                self.tls.do_handshake()
            except ssl.SSLError:
                pass
            self.push()
        self.loop.settle()
        return self

    def say(self, data: bytes) -> None:
        """The member sends."""
        self.tls.write(data)
        self.push()
        self.loop.settle()

    def close(self) -> None:
        """The end of the test."""
        self.raw.close()
        self.loop.close()


class TlsMemberTests(SynchronousTestCase):
    """The handshake, and what is different afterwards."""

    def meet(self, *arguments: Any, **named: Any) -> Meeting:
        """A meeting that ends with the test."""
        made = Meeting(*arguments, **named)
        self.addCleanup(made.close)
        return made

    def meetings(self) -> list[Meeting]:
        """After good handshakes, in both versions."""
        found = [self.meet(server(GOOD, least=v, most=v)).handshake() for v in (V12, V13)]
        for one in found:
            self.assertEqual(one.side.heard, ["connected"])
        return found

    def test_both_ways(self) -> None:
        """Bytes go both ways once the member is believed."""
        for one in self.meetings():
            self.assertTrue(one.conn.write(b"question"))
            one.turn()
            self.assertEqual(one.tls.read(100), b"question")
            one.say(b"answer")
            self.assertEqual(one.side.data, b"answer")

    def test_refused(self) -> None:
        """Whoever is not believed is refused once, with the words for it."""
        for version in (V12, V13):
            context = server(leaf("api.test", issuer=OTHER), least=version, most=version)
            one = self.meet(context).handshake()
            self.assertEqual((one.side.heard, one.side.errno), (["refused"], errno.EPROTO))
            self.assertEqual(one.conn.failure, "certificate is signed by an unknown authority")
            self.assertTrue(one.conn.closed)

    def test_slow(self) -> None:
        """The limit is for connecting and shaking hands together, and the words tell them apart."""
        one = self.meet(server(GOOD), timeout=5.0)
        one.loop.advance(3.0)
        one.loop.settle()
        one.loop.advance(3.0)
        self.assertEqual((one.side.heard, one.side.errno), (["refused"], errno.ETIMEDOUT))
        self.assertEqual(one.conn.failure, "TLS handshake not finished in time")
        two = self.meet(server(GOOD))
        two.loop.advance(6.0)
        self.assertEqual((two.side.errno, two.conn.failure), (errno.ETIMEDOUT, ""))

    def test_garbage_and_end(self) -> None:
        """What is no TLS, and an end in the middle."""
        for sent, words in (
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "member does not speak TLS on this port"),
            (b"", "connection closed during the TLS handshake"),
        ):
            one = self.meet(server(GOOD))
            one.loop.settle()
            one.raw.sendall(sent)
            one.raw.shutdown(1)
            one.loop.settle()
            self.assertEqual((one.side.errno, one.conn.failure), (errno.EPROTO, words))

    def test_cut(self) -> None:
        """An end with a goodbye is one, and an end without is told apart."""
        for one, two in zip(self.meetings(), self.meetings(), strict=True):
            self.assertRaises(ssl.SSLWantReadError, one.tls.unwrap)
            one.push()
            one.loop.settle()
            self.assertEqual((one.side.heard[-1], one.conn.cut), ("ended", False))
            two.raw.shutdown(1)
            two.loop.settle()
            self.assertEqual((two.side.heard[-1], two.conn.cut), ("ended", True))

    def test_answer_before_more(self) -> None:
        """What the member has said is read before more is sent: it may have closed."""
        for one in self.meetings():
            one.side.on_received = one.conn.abort
            self.assertTrue(one.conn.write(b"first"))
            one.turn()
            one.tls.write(b"no")
            one.push()
            one.raw.setsockopt(1, 13, struct.pack("ii", 1, 0))
            one.raw.close()
            self.assertFalse(one.conn.write(b"second" * 5000))
            one.loop.settle()
            self.assertEqual((one.side.data, one.side.heard), (b"no", ["connected", "received"]))

    def test_sessions(self) -> None:
        """The next connection resumes, also after an abort, and not after a refusal."""
        for version in (V12, V13):
            context = server(GOOD, least=version, most=version)
            link = MemberLink(pool_tls(plan()), "192.0.2.1")
            for number in range(3):
                one = self.meet(context, link).handshake()
                one.say(b"x")
                self.assertEqual(one.tls.session_reused, number > 0)
                one.conn.abort()
            # OpenSSL forgets the session of a member that ends without a goodbye.
            one = self.meet(context, link).handshake()
            one.say(b"x")
            one.raw.close()
            one.loop.settle()
            again = self.meet(context, link).handshake()
            again.say(b"x")
            self.assertFalse(again.tls.session_reused)
            self.assertTrue(self.meet(context, link).handshake().tls.session_reused)
            bad = self.meet(context, link)
            bad.loop.settle()
            bad.raw.sendall(b"nonsense" * 10)
            bad.loop.settle()
            self.assertFalse(self.meet(context, link).handshake().tls.session_reused)

    def test_refusal_of_ours(self) -> None:
        """In TLS 1.3 a member refuses our certificate when we believe to be connected."""
        context = server(GOOD, least=V13, asks_for=OTHER.pem)
        one = self.meet(context).handshake()
        self.assertEqual(one.side.heard, ["connected", "lost"])
        self.assertIn("member refused the TLS connection: alert", one.conn.failure)

    def test_goodbye(self) -> None:
        """The member is told of the end in TLS too."""
        for one in self.meetings():
            one.conn.abort()
            one.loop.settle()
            one.incoming.write(one.raw.recv(1000))
            self.assertEqual(one.tls.read(10), b"")

    def test_paused(self) -> None:
        """Paused is what its owner has paused, whatever is watched for."""
        for one in self.meetings():
            self.assertFalse(one.conn.paused)
            one.conn.pause()
            self.assertTrue(one.conn.paused)
            one.conn.resume()
            self.assertFalse(one.conn.paused)

    def test_unreachable(self) -> None:
        """A socket that could not be connected is refused as such, without words of TLS."""
        loop, side = StepLoop(), RecordingSide()
        self.addCleanup(loop.close)
        ours, theirs = pair()
        self.addCleanup(theirs.close)
        link = MemberLink(pool_tls(plan()), "192.0.2.1")
        conn = TlsMemberConnection(loop, ours, link, side)
        conn.start()
        conn.break_off()
        self.assertEqual((side.errno, conn.failure), (errno.ECONNRESET, ""))
        self.assertIsInstance(conn.ssl, SSL.Connection)
