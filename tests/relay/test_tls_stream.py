"""Tests of fiberlb.relay.tls_stream: real TLS over a socket pair, step by step."""

from __future__ import annotations

import socket
import ssl
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.connection import LAST_BYTES, READ_SIZE
from fiberlb.relay.loop import READ
from tests.relay.tls_client import KeyUpdates, TlsPair
from tests.support.certificates import leaf
from tests.tls.handshake import V12, V13, client_context, slot

SLOT = slot(leaf("a.test"))
#: More than the buffers of a pair and of OpenSSL hold.
MUCH = b"0123456789abcdef" * 65536


class StreamCase(SynchronousTestCase):
    """A pair after its handshake, in each version."""

    def pairs(self) -> list[TlsPair]:
        """Fresh ones."""
        made = []
        for version in (V12, V13):
            one = TlsPair(SLOT, context=client_context(version, version))
            self.addCleanup(one.close)
            made.append(one.handshake())
            one.side.heard.clear()
        return made


class ReadingTests(StreamCase):
    """Bytes from the client."""

    def test_small(self) -> None:
        """One record is told at once."""
        for one in self.pairs():
            one.say(b"hello")
            self.assertEqual((one.side.heard, one.side.data), (["received"], b"hello"))

    def test_much(self) -> None:
        """Many records come whole, in order, and not one by one."""
        for one in self.pairs():
            one.say(MUCH)
            self.assertEqual(one.side.data, MUCH)
            self.assertLess(one.side.heard.count("received"), len(MUCH) // 16384)

    def test_bound(self) -> None:
        """One event brings no more than about a read's worth."""
        for one in self.pairs():
            sizes: list[int] = []
            side = one.side
            side.on_received = partial(
                lambda side, sizes: sizes.append(len(side.data)), side, sizes
            )
            one.say(MUCH)
            steps = [b - a for a, b in zip([0, *sizes], sizes, strict=False)]
            self.assertLessEqual(max(steps), READ_SIZE)

    def test_small_reads_drain(self) -> None:
        """What OpenSSL holds of a record is told without another event."""
        for one in self.pairs():
            receive = one.conn.recv
            one.conn.recv = lambda size, receive=receive: receive(10)
            one.tls.write(b"x" * 1000)
            one.push()
            one.loop.step()
            self.assertEqual(one.side.data, b"x" * 1000)
            self.assertEqual(one.loop.settle(), 0)

    def test_pause(self) -> None:
        """A paused connection reads nothing and does not spin; then it goes on where it was."""
        for one in self.pairs():
            one.side.on_received = one.conn.pause
            one.tls.write(b"first")
            one.push()
            one.loop.settle()
            one.tls.write(b"second")
            one.push()
            one.raw.shutdown(socket.SHUT_WR)
            self.assertLess(one.loop.settle(), 3)
            self.assertEqual(one.side.heard, ["received"])
            one.side.on_received = lambda: None
            one.conn.resume()
            one.loop.settle()
            self.assertEqual(one.side.heard, ["received", "received", "ended"])
            self.assertEqual(one.side.data, b"firstsecond")

    def test_end(self) -> None:
        """A close_notify is the end, told once, after what came before it; writing goes on."""
        for one in self.pairs():
            one.tls.write(b"question")
            self.assertRaises(ssl.SSLWantReadError, one.tls.unwrap)
            one.turn()
            self.assertEqual(one.side.heard, ["received", "ended"])
            one.conn.resume()
            one.raw.shutdown(socket.SHUT_WR)
            one.loop.settle()
            self.assertEqual(one.side.heard, ["received", "ended"])
            self.assertTrue(one.conn.write(b"answer"))

    def test_end_after_full_records(self) -> None:
        """The end is told also when it came along with more than fits one read."""
        for one in self.pairs():
            one.conn.pause()
            one.tls.write(b"x" * 16384)
            self.assertRaises(ssl.SSLWantReadError, one.tls.unwrap)
            one.push()
            one.conn.resume()
            one.loop.settle()
            self.assertEqual(one.side.heard, ["received", "ended"])

    def test_cut(self) -> None:
        """An end without close_notify is the end too: many clients have no other."""
        for one in self.pairs():
            one.raw.shutdown(socket.SHUT_WR)
            one.loop.settle()
            self.assertEqual(one.side.heard, ["ended"])
            self.assertFalse(one.conn.closed)

    def test_reset(self) -> None:
        """A connection that breaks is lost, and the next one does not notice."""
        for one in self.pairs():
            one.conn.write(b"unread")
            one.raw.close()
            one.loop.settle()
            self.assertEqual(one.side.heard, ["lost"])
            self.assertTrue(one.conn.closed)
            self.pairs()[0].say(b"x")

    def test_forged_record(self) -> None:
        """A record that was tampered with ends the connection; the client is told why."""
        for one in self.pairs():
            one.tls.write(b"hello")
            record = bytearray(one.outgoing.read())
            record[-1] ^= 1
            one.raw.send(record)
            one.turn()
            self.assertEqual(one.side.heard, ["lost"])
            why = self.assertRaises(ssl.SSLError, one.tls.read, 10)
            self.assertIn("BAD_RECORD_MAC", str(why).upper().replace(" ", "_"))

    def test_key_updates(self) -> None:
        """Key updates, with an answer and without, do not disturb what is said."""
        one = KeyUpdates(SLOT)
        self.addCleanup(one.close)
        for answer in (False, True, True):
            one.raw.send(one.update(answer) + one.record(23, b"on and "))
            one.loop.settle()
        self.assertEqual(one.side.data, b"on and on and on and ")
        self.assertTrue(one.conn.write(b"answer"))

    def test_key_update_flood(self) -> None:
        """A flood of key updates is taken one by one, so that others get their turn."""
        one = KeyUpdates(SLOT)
        self.addCleanup(one.close)
        one.raw.send(b"".join(one.update(False) for _ in range(150)) + one.record(23, b"x"))
        before = one.loop.batches
        one.loop.settle()
        self.assertGreater(one.loop.batches - before, 100)
        self.assertEqual(one.side.data, b"x")


class WritingTests(StreamCase):
    """Bytes to the client."""

    def test_small(self) -> None:
        """What the socket takes is gone at once."""
        for one in self.pairs():
            self.assertTrue(one.conn.write(b"hello"))
            self.assertTrue(one.conn.write(b""))
            self.assertEqual(one.hear(), b"hello")
            self.assertEqual(one.side.heard, [])

    def test_much(self) -> None:
        """What it does not take follows, in order, more added meanwhile; then it is told."""
        for one in self.pairs():
            self.assertFalse(one.conn.write(MUCH))
            self.assertFalse(one.conn.write(b"and more"))
            self.assertNotEqual(one.conn.out, b"")
            self.assertEqual(one.hear(2 * len(MUCH)), MUCH + b"and more")
            self.assertEqual(one.side.heard, ["drained"])
            self.assertEqual(one.conn.events, READ)

    def test_medium(self) -> None:
        """Several records that the socket has room for go at once, without another event."""
        for one in self.pairs():
            one.conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            self.assertTrue(one.conn.write(MUCH[:100000]))
            self.assertEqual(one.hear(), MUCH[:100000])

    def test_slow_client(self) -> None:
        """A client that does not read costs no events, and its progress shows."""
        for one in self.pairs():
            one.conn.write(MUCH)
            self.assertLess(one.loop.settle(), 3)
            one.loop.now += 5
            one.pull()
            one.loop.settle()
            self.assertEqual(one.conn.moved, one.loop.now)

    def test_both_ways(self) -> None:
        """Reading goes on while a send waits."""
        for one in self.pairs():
            one.conn.write(MUCH)
            one.say(b"hello")
            self.assertEqual(one.side.data, b"hello")
            self.assertEqual(one.hear(2 * len(MUCH)), MUCH)

    def test_write_to_the_gone(self) -> None:
        """A send that fails never calls back; the side hears of it after the batch, once."""
        for one in self.pairs():
            one.raw.close()
            one.conn.write(b"x")
            one.conn.write(b"x")
            self.assertEqual(one.side.heard, [])
            one.loop.settle()
            self.assertEqual(one.side.heard[-1:], ["lost"])
            self.assertEqual(one.side.heard.count("lost"), 1)

    def test_write_after_close(self) -> None:
        """Dropped."""
        for one in self.pairs():
            one.conn.close()
            self.assertTrue(one.conn.write(b"late"))
            self.assertEqual(one.hear(), b"")


class ClosingTests(StreamCase):
    """The end, from our side."""

    def test_close(self) -> None:
        """The client gets a close_notify, and the side hears nothing."""
        for one in self.pairs():
            one.conn.write(b"bye")
            one.conn.close()
            one.conn.close()
            one.loop.settle()
            self.assertEqual(one.hear(), b"bye")
            self.assertTrue(one.eof)
            self.assertEqual(one.side.heard, [])
            self.assertEqual(one.conn.sock.fileno(), -1)

    def test_close_waits(self) -> None:
        """What was written is sent first, then the close_notify."""
        for one in self.pairs():
            one.conn.write(MUCH)
            one.conn.close()
            self.assertFalse(one.conn.closed)
            self.assertEqual(one.hear(2 * len(MUCH)), MUCH)
            self.assertTrue(one.conn.closed)
            self.assertEqual(one.side.heard, [])

    def test_close_with_full_socket(self) -> None:
        """A close_notify that finds no room waits for it, and does not spin."""
        for one in self.pairs():
            while not one.conn.out:
                one.conn.write(b"x" * 1000)
            # Everything is taken but the goodbye.
            unsent, one.conn.out = one.conn.out, b""
            one.conn.close()
            self.assertFalse(one.conn.closed)
            self.assertLess(one.loop.settle(), 3)
            one.pull()
            one.loop.settle()
            self.assertTrue(unsent)
            self.assertTrue(one.conn.closed)

    def test_close_is_bounded(self) -> None:
        """A client that takes nothing does not keep a closing connection for ever."""
        for one in self.pairs():
            one.conn.write(MUCH)
            one.conn.close()
            one.loop.advance(LAST_BYTES / 2)
            self.assertFalse(one.conn.closed)
            one.loop.advance(LAST_BYTES)
            self.assertTrue(one.conn.closed)
            self.assertEqual(one.side.heard, [])

    def test_abort(self) -> None:
        """Aborted: no close_notify, so that the client sees that something is missing."""
        for one in self.pairs():
            one.conn.write(b"half of it")
            one.conn.abort()
            one.loop.settle()
            one.pull()
            self.assertEqual(one.tls.read(100), b"half of it")
            # A bare SSLError in early releases of Python 3.11, SSLEOFError in later ones.
            ended = self.assertRaises(ssl.SSLError, one.tls.read, 100)
            self.assertIn("eof", str(ended).lower())
            self.assertEqual(one.side.heard, [])

    def test_end_output(self) -> None:
        """Half-closed: the client gets its end and can still send."""
        for one in self.pairs():
            one.conn.write(MUCH)
            one.conn.end_output()
            self.assertEqual(one.hear(2 * len(MUCH)), MUCH)
            self.assertTrue(one.eof)
            self.assertFalse(one.conn.closed)
        # A client of TLS 1.2 may not go on after a close_notify.
        one.say(b"still here")
        self.assertEqual(one.side.data, b"still here")
        self.assertEqual(one.side.heard, ["drained", "received"])

    def test_break_off(self) -> None:
        """An exception of ours ends it, told as lost."""
        for one in self.pairs():
            one.conn.broken()
            self.assertEqual(one.side.heard, ["lost"])
