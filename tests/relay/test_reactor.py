"""The lean reactor: a loop for connections, and a Twisted reactor for everything else."""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred

from fiberlb.relay.connection import Connection
from fiberlb.relay.reactor import LeanReactor
from tests.relay import loops
from tests.relay.loops import EXCHANGED, exchange
from tests.relay.test_connection import Listener


class _Lean(loops.LoopContract):
    def setUp(self) -> None:
        """A reactor of our own."""
        self.loop = LeanReactor()
        self.addCleanup(self.dispose)

    def turn(self) -> None:
        """One turn, without waiting."""
        self.loop.runUntilCurrent()
        self.loop.doIteration(0)

    def dispose(self) -> None:
        """Give back what it holds."""
        self.loop.disconnectAll()
        self.loop.pipes.close()
        self.loop._poller.close()


class LeanConnectionTests(_Lean, loops.ConnectionContract):
    """Connections on it."""

    def test_reset_while_paused(self) -> None:
        """A reset is noticed even of a connection that is not read."""
        conn, far, side = self.pair()
        conn.write(b"unread")
        conn.pause()
        far.close()
        self.turn_until(lambda: conn.closed)
        self.assertEqual(side.heard, ["lost"])


class LeanBatchTests(_Lean, loops.BatchContract):
    """Batches on it."""

    def test_stock_number(self) -> None:
        """A number that a stock selectable had is ours once we watch it."""
        near, far = socket.socketpair()
        stock = Stock(self.loop, near)
        far.send(b"a")
        self.turn_until(lambda: stock.seen == b"a")
        stock.end()
        far.close()
        again, far = socket.socketpair()
        self.addCleanup(far.close)
        number = again.detach()
        if number != stock.number:
            os.dup2(number, stock.number)
            os.close(number)
        sock = socket.socket(fileno=stock.number)
        sock.setblocking(False)
        side = Listener()
        conn = Connection(self.loop, sock, side)
        conn.start()
        self.addCleanup(self.end, conn)
        far.send(b"b")
        self.turn_until(lambda: side.data == b"b")
        self.assertEqual(stock.seen, b"a")


class Stock(FileDescriptor):
    """A selectable as Twisted's own are."""

    def __init__(self, reactor: Any, sock: socket.socket) -> None:
        super().__init__(reactor)
        self.sock = sock
        self.number = sock.fileno()
        self.seen = b""
        self.lost = False
        self.startReading()

    def fileno(self) -> int:
        """Its descriptor."""
        return self.sock.fileno()

    def doRead(self) -> Any:
        """Noted; an exclamation mark is an exception."""
        data = os.read(self.number, 100)
        if data == b"!":
            raise RuntimeError("on purpose")
        self.seen += data
        return None

    def connectionLost(self, reason: Any) -> None:
        """Noted."""
        self.lost = True
        self.sock.close()

    def end(self) -> None:
        """It goes, if it has not gone yet."""
        if not self.lost:
            self.stopReading()
            self.sock.close()


class TwistedTests(_Lean):
    """What else runs on it."""

    def stock(self) -> tuple[Stock, socket.socket]:
        """A selectable of Twisted's kind, and its far end."""
        near, far = socket.socketpair()
        self.addCleanup(far.close)
        stock = Stock(self.loop, near)
        self.addCleanup(stock.end)
        return stock, far

    def test_selectable(self) -> None:
        """A stock selectable is served as ever, beside connections."""
        stock, far = self.stock()
        _, other_far, side = self.pair()
        far.send(b"abc")
        other_far.send(b"def")
        self.turn_until(lambda: stock.seen == b"abc" and side.data == b"def")

    def test_selectable_fault(self) -> None:
        """An exception of one is logged, and it is disconnected, as on every reactor."""
        stock, far = self.stock()
        far.send(b"!")
        self.turn_until(lambda: stock.lost)
        self.assertEqual(self.failures(), 1)

    def test_timers(self) -> None:
        """Delayed calls and calls from threads come."""
        done: Deferred[None] = Deferred()
        self.loop.callLater(0.01, done.callback, None)
        called: list[int] = []
        self.loop.callFromThread(called.append, 1)
        self.turn_until(lambda: called == [1])
        while not done.called:
            self.loop.runUntilCurrent()
            self.loop.doIteration(0.02)
        self.successResultOf(done)

    def test_run(self) -> None:
        """It runs: what is due comes, a failure is logged, and stopping waits for no timer."""
        _, far, side = self.pair()
        late = self.loop.callLater(60, side.heard.append, "late")
        self.loop.callLater(0, lambda: 1 / 0)

        def from_thread() -> None:
            far.send(b"stop")

        self.loop.callLater(0.01, self.loop.callFromThread, from_thread)
        side.then["received"] = self.loop.stop
        self.loop.run(installSignalHandlers=False)
        self.assertEqual((side.data, late.active()), (b"stop", True))
        self.assertEqual(self.failures(), 1)

    def test_crash(self) -> None:
        """An exception that nobody has handled is logged, and it runs on."""
        turns: list[int] = []

        def poll(timeout: float | None) -> None:
            turns.append(1)
            if len(turns) == 1:
                raise RuntimeError("on purpose")
            self.loop.crash()

        self.patch(self.loop, "doPoll", poll)
        self.loop.run(installSignalHandlers=False)
        self.assertEqual((len(turns), self.failures()), (2, 1))

    def test_no_wait(self) -> None:
        """It does not wait while there is something to do after the batch."""
        done: list[int] = []
        self.loop.soon(lambda: done.append(1))
        self.loop.doIteration(60)
        self.assertEqual(done, [1])
        conn, _, _ = self.pair()
        conn.abort()
        self.loop.doIteration(60)
        self.assertEqual(conn.sock.fileno(), -1)

    def test_end(self) -> None:
        """When the reactor ends, connections of ours are closed, and Twisted's are told."""
        stock, _ = self.stock()
        conn, _, side = self.pair()
        bad, _, bad_side = self.pair()
        bad_side.then["lost"] = lambda: 1 / 0  # type: ignore[assignment]
        self.loop.disconnectAll()
        self.assertEqual((side.heard, conn.closed, bad.closed), (["lost"], True, True))
        self.assertEqual(conn.sock.fileno(), -1)
        self.assertTrue(stock.lost)
        self.assertEqual(self.failures(), 1)

    def test_exchange(self) -> None:
        """A whole request and its answer."""
        self.assertEqual(exchange(self), EXCHANGED)

    def test_diverted(self) -> None:
        """What happens to a connection can be told to somebody else for a while."""
        conn, far, side = self.pair()
        heard: list[str] = []

        class Between:
            fd = conn.fd
            shared = False
            events = property(lambda self: conn.events)

            def readable(self) -> None:
                heard.append("readable")
                conn.sock.recv(100)

            def event(self, events: int) -> None:
                raise AssertionError(events)

        self.loop.divert(conn, Between())
        far.send(b"a")
        self.turn_until(lambda: heard == ["readable"])
        self.loop.divert(conn, conn)
        far.send(b"b")
        self.turn_until(lambda: side.data == b"b")
        self.assertIsInstance(conn, Connection)
