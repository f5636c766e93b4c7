"""One non-blocking socket, and the rules that everything above relies on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.connecting import opening
from fiberlb.relay.connection import LAST_BYTES, NEVER, READ_SIZE, Connection
from fiberlb.relay.loop import READ, WRITE
from fiberlb.relay.nobody import NOBODY
from tests.support.relay_links import Link
from tests.support.relay_loop import MemoryLoop


class Listener:
    """A side that writes down what it hears, and does what the test wants then."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.data = b""
        self.then: dict[str, Callable[[], None]] = {}

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        self.then.get(what, lambda: None)()

    def received(self, data: bytes) -> None:
        """Noted."""
        assert data
        self.data += data
        self._hear("received")

    def ended(self) -> None:
        """Noted."""
        self._hear("ended")

    def drained(self) -> None:
        """Noted."""
        self._hear("drained")

    def lost(self) -> None:
        """Noted."""
        self._hear("lost")

    def connected(self) -> None:
        """Noted."""
        self._hear("connected")

    def refused(self, error: int) -> None:
        """Noted, with the error."""
        self._hear(f"refused {error}")

    def expired(self, now: float) -> None:
        """Noted."""
        self._hear("expired")


class ConnectionTestCase(SynchronousTestCase):
    """A loop and connections on it."""

    def setUp(self) -> None:
        """A loop at rest."""
        self.loop = MemoryLoop(1000.0)

    def pair(self) -> tuple[Connection, Link, Listener]:
        """A connection that is watched, its far end, and who hears of it."""
        link, side = self.loop.link(), Listener()
        conn = Connection(self.loop, link.near, side)
        conn.start()
        return conn, link, side

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.now += seconds
        self.loop.wheel.sweep(self.loop.now)
        self.loop.run()


class WriteTests(ConnectionTestCase):
    """Sending."""

    def test_at_once(self) -> None:
        """What fits is sent at once; nothing is asked of the loop."""
        conn, link, side = self.pair()
        self.assertTrue(conn.write(b"abc"))
        self.assertEqual((link.received, conn.out, self.loop.changes), (b"abc", b"", 0))
        self.loop.run()
        self.assertEqual(side.heard, [])

    def test_partly(self) -> None:
        """The rest follows when there is room; the side hears once that all is taken."""
        conn, link, side = self.pair()
        link.room = 2
        self.assertFalse(conn.write(b"abcdef"))
        self.assertFalse(conn.write(b"ghi"))
        self.assertEqual(conn.out, b"cdefghi")
        for _ in range(3):
            link.take(2)
            self.assertEqual(side.heard, [])
        link.take(1)
        self.assertEqual((link.received, side.heard), (b"abcdefghi", ["drained"]))
        self.assertEqual(conn.events, READ)

    def test_full(self) -> None:
        """Also when there is no room at all."""
        conn, link, side = self.pair()
        link.room = 0
        self.assertFalse(conn.write(b"abc"))
        link.take()
        self.assertEqual((link.received, side.heard), (b"abc", ["drained"]))

    def test_no_call_back(self) -> None:
        """A write that fails does not call back; the side hears of it after the batch."""
        conn, link, side = self.pair()
        link.reset(run=False)
        self.assertTrue(conn.write(b"abc"))
        self.assertTrue(conn.write(b"def"))
        self.assertEqual((side.heard, conn.closed), ([], False))
        self.loop.run()
        self.assertEqual((side.heard, conn.closed), (["lost"], True))

    def test_when_closed(self) -> None:
        """Nothing is sent any more, and nothing is said about it."""
        conn, link, side = self.pair()
        conn.close()
        self.assertTrue(conn.write(b"abc"))
        self.loop.run()
        self.assertTrue(conn.write(b"abc"))
        self.assertEqual((link.received, side.heard), (b"", []))

    def test_moved(self) -> None:
        """When bytes were last taken is known, for the deadlines."""
        conn, link, _ = self.pair()
        link.room = 1
        conn.write(b"abc")
        self.loop.now += 7
        link.take(1)
        self.assertEqual(conn.moved, 1007.0)


class ReadTests(ConnectionTestCase):
    """Receiving."""

    def test_one_read(self) -> None:
        """One read an event, so that others get their turn."""
        _, link, side = self.pair()
        link.send(b"x" * (READ_SIZE + 5), run=False)
        self.loop.batch()
        self.assertEqual(len(side.data), READ_SIZE)
        self.loop.batch()
        self.assertEqual(len(side.data), READ_SIZE + 5)

    def test_ended(self) -> None:
        """The end is told once, after the bytes before it, and writing goes on."""
        conn, link, side = self.pair()
        link.send(b"abc", run=False)
        link.end()
        self.assertEqual(side.heard, ["received", "ended"])
        self.assertTrue(conn.write(b"x"))
        self.assertEqual((link.received, side.heard), (b"x", ["received", "ended"]))

    def test_pause(self) -> None:
        """A paused connection is not read; its end is found afterwards, by reading."""
        conn, link, side = self.pair()
        conn.pause()
        conn.pause()
        link.send(b"abc", run=False)
        link.end()
        self.assertEqual(side.heard, [])
        conn.resume()
        conn.resume()
        self.loop.run()
        self.assertEqual((side.data, side.heard), (b"abc", ["received", "ended"]))

    def test_reset_while_paused(self) -> None:
        """A reset is noticed even then."""
        conn, link, side = self.pair()
        conn.pause()
        link.reset()
        self.assertEqual((side.heard, conn.closed), (["lost"], True))

    def test_reset_after_the_end(self) -> None:
        """And after the peer has ended its output."""
        conn, link, side = self.pair()
        link.end()
        link.reset()
        self.assertEqual((side.heard, conn.closed), (["ended", "lost"], True))

    def test_both_ended_while_paused(self) -> None:
        """When both directions have ended in order nothing spins, and no byte is lost."""
        conn, link, side = self.pair()
        conn.pause()
        conn.end_output()
        link.send(b"abc", run=False)
        link.end()
        self.assertEqual(side.heard, [])
        conn.resume()
        self.loop.run()
        self.assertEqual((side.data, side.heard), (b"abc", ["received", "ended"]))

    def test_stale_event(self) -> None:
        """Who was paused or closed earlier in a batch hears nothing later in it."""
        for stop in (Connection.pause, Connection.close, Connection.abort):
            first, first_link, first_side = self.pair()
            second, second_link, second_side = self.pair()
            first_side.then["received"] = lambda stop=stop, conn=second: stop(conn)  # type: ignore[misc]
            second_link.room = 0
            second.write(b"x")
            first_link.send(b"a", run=False)
            second_link.send(b"b", run=False)
            self.loop.batch()
            self.assertEqual(second_side.heard, [], stop)
            first.abort()
            second.abort()
            self.loop.run()


class CloseTests(ConnectionTestCase):
    """Ending."""

    def test_close(self) -> None:
        """In order; the descriptor is given back after the batch."""
        conn, link, side = self.pair()
        conn.close()
        self.assertTrue(conn.closed)
        self.assertFalse(link.closed)
        self.loop.run()
        self.assertTrue(link.ended)
        self.assertEqual((side.heard, conn.side), ([], NOBODY))

    def test_close_with_rest(self) -> None:
        """After what was written has been taken; nothing is heard meanwhile."""
        conn, link, side = self.pair()
        link.room = 1
        conn.write(b"abc")
        conn.close()
        link.send(b"ignored")
        self.assertFalse(link.closed)
        link.take()
        self.assertEqual(link.received, b"abc")
        self.assertTrue(link.closed)
        self.assertEqual(side.heard, [])

    def test_close_patience(self) -> None:
        """As long as some of it is taken now and then."""
        conn, link, side = self.pair()
        link.room = 1
        conn.write(b"abcdef")
        conn.close()
        for _ in range(3):
            self.advance(LAST_BYTES - 1)
            link.take(1)
        self.assertFalse(link.closed)
        self.advance(LAST_BYTES + 1)
        self.assertTrue(link.closed)
        self.assertEqual(side.heard, [])

    def test_reset_while_closing(self) -> None:
        """A reset then is nobody's business."""
        conn, link, side = self.pair()
        link.room = 1
        conn.write(b"abc")
        conn.close()
        link.reset()
        self.assertEqual((link.closed, side.heard), (True, []))

    def test_abort(self) -> None:
        """At once, what is left is dropped."""
        conn, link, side = self.pair()
        link.room = 1
        conn.write(b"abc")
        conn.abort()
        self.loop.run()
        self.assertEqual((link.received, link.closed, side.heard), (b"a", True, []))

    def test_reset(self) -> None:
        """So that the peer sees it."""
        conn, link, side = self.pair()
        conn.reset()
        self.loop.run()
        self.assertEqual((link.was_reset, side.heard), (True, []))

    def test_twice(self) -> None:
        """Each way after each other does nothing more."""
        ways = (Connection.close, Connection.abort, Connection.reset, Connection.break_off)
        for first in ways[:3]:
            for second in ways:
                conn, link, side = self.pair()
                first(conn)
                second(conn)
                self.loop.run()
                self.assertEqual((link.closed, side.heard), (True, []))

    def test_end_output(self) -> None:
        """Only one direction ends."""
        conn, link, side = self.pair()
        conn.end_output()
        self.assertTrue(link.near_ended)
        link.send(b"abc")
        self.assertEqual(side.data, b"abc")
        link.end()
        self.assertEqual(side.heard, ["received", "ended"])

    def test_end_output_broken(self) -> None:
        """If it cannot, the connection is broken."""
        conn, link, side = self.pair()
        link.reset(run=False)
        conn.end_output()
        self.assertEqual(side.heard, [])
        self.loop.run()
        self.assertEqual(side.heard, ["lost"])

    def test_number_used_again(self) -> None:
        """A number is not used again within a batch, so no event reaches the wrong connection."""
        first, first_link, first_side = self.pair()
        second, second_link, _ = self.pair()
        made: list[tuple[Connection, Link, Listener]] = []
        first_side.then["received"] = lambda: (second.abort(), made.append(self.pair()))  # type: ignore[func-returns-value, assignment]
        first_link.send(b"a", run=False)
        second_link.send(b"b", run=False)
        self.loop.batch()
        third = made[0]
        self.assertNotEqual(third[0].fd, second.fd)
        self.assertEqual(third[2].heard, [])
        fourth = self.pair()
        self.assertEqual(fourth[0].fd, second.fd)
        self.assertEqual(first.fd, first_link.near.fileno())


class FaultTests(ConnectionTestCase):
    """Exceptions of ours."""

    def test_lost(self) -> None:
        """A side without more to say hears that the connection is lost."""
        conn, link, side = self.pair()
        side.then["received"] = lambda: 1 / 0  # type: ignore[assignment]
        link.send(b"a")
        self.assertEqual((side.heard, conn.closed), (["received", "lost"], True))
        self.assertEqual(self.loop.faults, 1)

    def test_failed(self) -> None:
        """One that ends things itself is asked to; if that fails too, it is closed all the same."""
        for wrong in (False, True):
            conn, link, side = self.pair()

            def failed(conn: Connection = conn, wrong: bool = wrong) -> None:
                if wrong:
                    raise RuntimeError("on purpose")
                conn.write(b"sorry")
                conn.close()

            side.failed = failed  # type: ignore[attr-defined]
            try:
                conn.broken()
            except RuntimeError:
                self.assertTrue(wrong)
            self.loop.run()
            self.assertEqual((link.closed, link.received), (True, b"" if wrong else b"sorry"))
            self.assertEqual(side.heard, ["lost"] if wrong else [])

    def test_while_closing(self) -> None:
        """While it is closing nobody is told."""
        conn, link, side = self.pair()
        link.room = 0
        conn.write(b"a")
        conn.close()
        conn.broken()
        self.loop.run()
        self.assertEqual((link.closed, side.heard), (True, []))


class DeadlineTests(ConnectionTestCase):
    """Time."""

    def timed(self) -> tuple[Connection, Link, Listener]:
        """A connection whose side wants no deadline after the first one."""
        conn, link, side = self.pair()
        side.then["expired"] = lambda: setattr(conn, "deadline", NEVER)
        return conn, link, side

    def test_expired(self) -> None:
        """The side hears it once it has passed, and sets another one."""
        conn, _, side = self.timed()
        conn.hasten(1005.0)
        self.advance(4.9)
        self.assertEqual(side.heard, [])
        self.advance(0.5)
        self.assertEqual(side.heard, ["expired"])
        self.advance(500)
        self.assertEqual(side.heard, ["expired"])

    def test_later(self) -> None:
        """Moving it later is storing it."""
        conn, _, side = self.timed()
        conn.hasten(1005.0)
        conn.deadline = 1100.0
        self.advance(99)
        self.assertEqual(side.heard, [])
        self.advance(2)
        self.assertEqual(side.heard, ["expired"])

    def test_earlier(self) -> None:
        """Moving it earlier counts from then on."""
        conn, _, side = self.timed()
        conn.hasten(NEVER)
        conn.hasten(1005.0)
        self.advance(5.5)
        self.assertEqual(side.heard, ["expired"])

    def test_closed(self) -> None:
        """A closed connection has none, nor gets one."""
        conn, _, side = self.pair()
        conn.hasten(1005.0)
        conn.abort()
        self.assertEqual(list(self.loop.wheel), [])
        conn.hasten(1001.0)
        self.assertEqual(list(self.loop.wheel), [])
        self.advance(10)
        self.assertEqual(side.heard, [])

    def test_closes_then(self) -> None:
        """A side may close when it hears it."""
        conn, link, side = self.pair()
        side.then["expired"] = conn.close
        conn.hasten(1001.0)
        self.advance(2)
        self.assertTrue(link.closed)
        self.assertEqual(list(self.loop.wheel), [])


class OpeningTests(ConnectionTestCase):
    """Connections to members, while they are being opened."""

    def opening(self, **given: Any) -> tuple[Connection, Link, Listener]:
        """One that has not come to anything yet."""
        link, side = self.loop.link(), Listener()
        link.established = False
        conn = opening(self.loop, link.near, side, given.get("timeout"))
        self.loop.run()
        self.assertEqual((side.heard, conn.connecting, conn.events), ([], True, WRITE))
        return conn, link, side

    def test_connected(self) -> None:
        """It stands: from then on it is read."""
        conn, link, side = self.opening()
        link.answer()
        self.assertEqual((side.heard, conn.events, conn.connecting), (["connected"], READ, False))

    def test_refused(self) -> None:
        """It failed: closed already when the side hears it."""
        conn, link, side = self.opening()
        side.then["refused 111"] = lambda: self.assertTrue(conn.closed)
        link.answer(111)
        self.assertEqual((side.heard, link.closed), (["refused 111"], True))

    def test_timeout(self) -> None:
        """The side hears its deadline."""
        conn, _, side = self.opening(timeout=3.0)
        side.then["expired"] = conn.abort
        self.advance(3.5)
        self.assertEqual(side.heard, ["expired"])

    def test_last_words(self) -> None:
        """What a member said before it stopped listening is read, then its end."""
        conn, link, side = self.opening()
        link.answer()
        link.send(b"no" * READ_SIZE, run=False)
        link.reset(run=False)
        conn.write(b"more")
        self.loop.batch([])
        self.assertEqual(len(side.data), 2 * READ_SIZE)
        self.assertEqual(side.heard[-1], "lost")

    def test_last_words_paused(self) -> None:
        """Not when nobody has room for them."""
        conn, link, side = self.opening()
        link.answer()
        side.then["received"] = conn.pause
        link.send(b"no" * READ_SIZE, run=False)
        link.reset(run=False)
        conn.write(b"more")
        self.loop.batch([])
        self.assertEqual(side.heard, ["connected", "received", "lost"])
