"""What every loop does for connections, as tests that run on each of them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.connecting import opening
from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import READ, WRITE
from tests.relay.test_connection import Listener
from tests.support.relay_world import World

#: Turns after which something spins.
_MOST_TURNS = 2000
BUFFER = 32768


class LoopContract(SynchronousTestCase):
    """
    A loop on the system's sockets; a test module says which.

    @ivar loop: it.
    @ivar faults: exceptions that this test provokes.
    """

    loop: Any
    faults = 0

    def turn(self) -> None:
        """One turn of the reactor, without waiting."""
        raise NotImplementedError

    def failures(self) -> int:
        """How many failures were logged since the last call."""
        return len(self.flushLoggedErrors())

    def tearDown(self) -> None:
        """Nothing has failed but what was meant to."""
        self.assertEqual((self.failures(), self.loop.faults), (self.faults, self.faults))

    def turn_until(self, done: Callable[[], bool]) -> None:
        """Turns until it is so."""
        for _ in range(_MOST_TURNS):
            if done():
                return
            self.turn()
        raise AssertionError("it never comes to that")

    def pair(self, later: bool = False) -> tuple[Connection, socket.socket, Listener]:
        """A connection, its far end and its side; it is watched, or to be so later."""
        near, far = socket.socketpair()
        for end in (near, far):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.addCleanup(far.close)
        side = Listener()
        conn = Connection(self.loop, near, side)
        if later:
            conn.start_later()
        else:
            conn.start()
        self.addCleanup(self.end, conn)
        return conn, far, side

    def end(self, conn: Connection) -> None:
        """It closes at the end of the test, if it has not before."""
        conn.abort()
        self.turn()
        self.turn()

    def read(self, far: socket.socket) -> bytes:
        """What has come at the far end."""
        try:
            return far.recv(1 << 20)
        except BlockingIOError:
            return b""


class ConnectionContract(LoopContract):
    """Connections on it."""

    def test_received(self) -> None:
        """Bytes are told, then the end, once."""
        _, far, side = self.pair()
        far.send(b"abc")
        self.turn_until(lambda: side.data == b"abc")
        far.shutdown(socket.SHUT_WR)
        self.turn_until(lambda: "ended" in side.heard)
        for _ in range(5):
            self.turn()
        self.assertEqual(side.heard, ["received", "ended"])

    def test_written(self) -> None:
        """What does not fit follows."""
        conn, far, side = self.pair()
        data = bytes(range(256)) * 2000
        self.assertFalse(conn.write(data))
        found = bytearray()

        def taken() -> bool:
            found.extend(self.read(far))
            return len(found) == len(data)

        self.turn_until(taken)
        self.assertEqual((bytes(found), side.heard, conn.events), (data, ["drained"], READ))

    def test_both(self) -> None:
        """Reading goes on while bytes wait to be sent."""
        conn, far, side = self.pair()
        conn.write(bytes(1 << 20))
        far.send(b"abc")
        self.turn_until(lambda: side.data == b"abc")
        self.assertTrue(conn.out)

    def test_pause(self) -> None:
        """A paused one is not read."""
        conn, far, side = self.pair()
        conn.pause()
        far.send(b"abc")
        for _ in range(5):
            self.turn()
        self.assertEqual(side.heard, [])
        conn.resume()
        self.turn_until(lambda: side.data == b"abc")

    def test_later(self) -> None:
        """One that is watched later hears everything, and has its time."""
        conn, far, side = self.pair(later=True)
        far.send(b"abc")
        self.loop.watch_all()
        self.turn_until(lambda: side.data == b"abc")
        self.assertEqual(conn.events, READ)
        self.assertIn(conn, list(self.loop.wheel))

    def test_later_change(self) -> None:
        """Whatever changes what it is watched for is in time."""
        for begin in (Connection.settle, Connection.resume):
            conn, far, side = self.pair(later=True)
            begin(conn)
            far.send(b"abc")
            self.turn_until(lambda side=side: side.data == b"abc")  # type: ignore[misc]
        conn, far, side = self.pair(later=True)
        self.assertFalse(conn.write(bytes(1 << 20)))
        conn.pause()
        far.close()
        self.turn_until(lambda: conn.closed)
        self.assertEqual(side.heard, ["lost"])

    def test_later_closed(self) -> None:
        """One that has ended is not watched any more."""
        conn, far, side = self.pair(later=True)
        conn.write(b"abc")
        conn.close()
        self.loop.watch_all()
        self.turn_until(lambda: conn.sock.fileno() == -1)
        self.assertEqual((self.read(far), far.recv(1), side.heard), (b"abc", b"", []))
        self.assertNotIn(conn, list(self.loop.wheel))

    def test_reset(self) -> None:
        """A reset is told as lost; the descriptor is closed."""
        conn, far, side = self.pair()
        conn.write(b"unread")
        far.close()
        self.turn_until(lambda: conn.closed)
        self.assertEqual(side.heard, ["lost"])
        self.turn_until(lambda: conn.sock.fileno() == -1)

    def test_write_failed(self) -> None:
        """So is a write that fails, after the call."""
        conn, far, side = self.pair()
        conn.pause()
        far.close()
        self.assertTrue(conn.write(b"abc"))
        self.turn_until(lambda: conn.closed)
        self.assertEqual(side.heard, ["lost"])

    def test_close(self) -> None:
        """A close is seen at the far end, and nothing is told."""
        conn, far, side = self.pair()
        conn.write(b"abc")
        conn.close()
        self.turn_until(lambda: conn.sock.fileno() == -1)
        self.assertEqual((self.read(far), far.recv(1), side.heard), (b"abc", b"", []))

    def test_close_with_rest(self) -> None:
        """Bytes that did not fit are sent before."""
        conn, far, side = self.pair()
        conn.write(bytes(1 << 20))
        conn.close()
        found = [0]

        def taken() -> bool:
            found[0] += len(self.read(far))
            return conn.closed

        self.turn_until(taken)
        found[0] += len(self.read(far))
        self.assertEqual((found[0], side.heard), (1 << 20, []))

    def test_end_output(self) -> None:
        """One direction may end before the other."""
        conn, far, side = self.pair()
        conn.end_output()
        self.assertEqual(far.recv(10), b"")
        far.send(b"abc")
        self.turn_until(lambda: side.data == b"abc")

    def test_orderly_end_while_paused(self) -> None:
        """Both directions end while nobody reads: nothing spins, and nothing is lost."""
        conn, far, side = self.pair()
        conn.pause()
        conn.end_output()
        far.send(b"abc")
        far.shutdown(socket.SHUT_WR)
        for _ in range(5):
            self.turn()
        self.assertEqual(side.heard, [])
        conn.resume()
        self.turn_until(lambda: "ended" in side.heard)
        self.assertEqual((side.data, side.heard), (b"abc", ["received", "ended"]))

    def test_opening(self) -> None:
        """A connection that is being opened is told when it stands."""
        near, far = socket.socketpair()
        self.addCleanup(far.close)
        near.setblocking(False)
        side = Listener()
        conn = opening(self.loop, near, side, None)
        self.addCleanup(self.end, conn)
        self.assertEqual(conn.events, WRITE)
        self.turn_until(lambda: side.heard == ["connected"])
        far.send(b"abc")
        self.turn_until(lambda: side.data == b"abc")

    def test_not_opened(self) -> None:
        """One that cannot be opened is told why."""
        port = socket.create_server(("127.0.0.1", 0))
        near = socket.socket()
        near.setblocking(False)
        self.addCleanup(port.close)
        address = port.getsockname()
        port.close()
        near.connect_ex(address)
        side = Listener()
        opening(self.loop, near, side, None)
        self.turn_until(lambda: bool(side.heard))
        self.assertEqual(side.heard, [f"refused {errno.ECONNREFUSED}"])
        self.turn_until(lambda: near.fileno() == -1)

    def test_end_with_bytes(self) -> None:
        """Bytes that are the last arrive before the end that follows them."""
        conn, far, _ = self.pair()
        self.assertTrue(conn.write(b"abc", True))
        conn.end_output()
        self.assertEqual((far.recv(10), far.recv(10)), (b"abc", b""))


class BatchContract(LoopContract):
    """What holds within a batch, and between batches."""

    def test_fault(self) -> None:
        """An exception closes the connection that raised it; the others go on."""
        conn, far, side = self.pair()
        other, other_far, other_side = self.pair()
        side.then["received"] = lambda: 1 / 0  # type: ignore[assignment]
        far.send(b"abc")
        other_far.send(b"def")
        self.turn_until(lambda: conn.closed and other_side.data == b"def")
        self.assertEqual(side.heard, ["received", "lost"])
        self.assertFalse(other.closed)
        self.faults = 1

    def test_fault_in_fault(self) -> None:
        """Also when telling it of that raises too."""
        conn, far, side = self.pair()
        side.then["received"] = side.then["lost"] = lambda: 1 / 0  # type: ignore[assignment]
        far.send(b"abc")
        self.turn_until(lambda: conn.closed)
        self.assertEqual(self.loop.faults, 1)
        self.assertEqual(self.failures(), 2)
        self.loop.faults = 0

    def test_deadline_fault(self) -> None:
        """An exception of a deadline too."""
        conn, _, side = self.pair()
        side.then["expired"] = lambda: 1 / 0  # type: ignore[assignment]
        conn.hasten(self.loop.now)
        self.loop.wheel.sweep(self.loop.now + 1)
        self.assertEqual((side.heard, conn.closed), (["expired", "lost"], True))
        self.faults = 1

    def test_number(self) -> None:
        """A number is not used again before the batch is over."""
        pairs = [self.pair() for _ in range(3)]
        numbers = {conn.fd for conn, _, _ in pairs}
        made: list[int] = []

        def close_all() -> None:
            if not made:
                for conn, _, _ in pairs:
                    conn.abort()
                conn, _, _ = self.pair()
                made.append(conn.fd)

        for _, far, side in pairs:
            side.then["received"] = close_all
            far.send(b"x")
        self.turn_until(lambda: bool(made))
        self.assertNotIn(made[0], numbers)
        self.assertEqual(sum(len(side.heard) for _, _, side in pairs), 1)

    def test_stale(self) -> None:
        """Who is paused within a batch is not told of what came before."""
        one, two = self.pair(), self.pair()

        def pause(other: Connection) -> Callable[[], None]:
            return other.pause

        one[2].then["received"] = pause(two[0])
        two[2].then["received"] = pause(one[0])
        for _, far, _ in (one, two):
            far.send(b"x")
        for _ in range(5):
            self.turn()
        self.assertEqual(len(one[2].heard) + len(two[2].heard), 1)

    def test_soon(self) -> None:
        """Tasks are called in order after the events; one that fails does not stop the others."""
        order: list[int] = []
        self.loop.soon(lambda: order.append(1))
        self.loop.soon(lambda: order.append(1 // 0))
        self.loop.soon(lambda: self.loop.soon(lambda: order.append(3)))
        self.loop.soon(lambda: order.append(2))
        self.assertEqual(order, [])
        self.turn_until(lambda: order == [1, 2, 3])
        self.faults = 1

    def test_time(self) -> None:
        """The time does not stand still while nothing happens."""
        before = self.loop.now
        self.turn_until(lambda: self.loop.refresh() > before)
        self.assertGreater(self.loop.now, before)

    def test_fault_of(self) -> None:
        """Whoever handles an exception can have a connection closed for it."""
        conn, _, side = self.pair()
        try:
            raise RuntimeError("on purpose")
        except RuntimeError:
            self.loop.fault(conn)
        self.assertEqual((side.heard, conn.closed), (["lost"], True))
        self.faults = 1


class SocketWorld:
    """
    A listener and a member on a loop with the system's sockets.

    @ivar members: the far ends of the connections to the member, which do not block.
    """

    def __init__(self, case: LoopContract, **given: Any) -> None:
        self.case = case
        self.world = World(**given)
        self.cell = self.world.cell
        self.members: list[socket.socket] = []
        services = self.cell.services
        object.__setattr__(services, "loop", case.loop)
        object.__setattr__(services, "dial", self._dial)
        self._acceptor = self.world.acceptors[0]
        self._acceptor.loop = case.loop
        case.addCleanup(self.end)

    def client(self, data: bytes) -> socket.socket:
        """A client that has sent these bytes; its far end, which does not block."""
        near, far = self._pair()
        far.send(data)
        self._acceptor.welcome(near, ("192.0.2.7", 1))
        return far

    def start(self, data: bytes) -> tuple[socket.socket, socket.socket]:
        """A client whose request has reached the member: the far ends of both."""
        count = len(self.members)
        client = self.client(data)
        self.case.turn_until(lambda: len(self.members) > count)
        member = self.members[-1]
        self.case.turn_until(lambda: bool(self.case.read(member)))
        return client, member

    def end(self) -> None:
        """What still stands is closed."""
        loop = self.case.loop
        for item in list(loop.wheel):
            item.abort()
        for _ in range(3):
            self.case.turn()
        self.case.assertEqual(list(loop.wheel), [])

    def _pair(self) -> tuple[socket.socket, socket.socket]:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        self.case.addCleanup(far.close)
        return near, far

    def _dial(self, loop: Any, state: Any, side: Any, timeout: float | None) -> Connection:
        near, far = self._pair()
        self.members.append(far)
        return opening(self.case.loop, near, side, timeout)


def exchange(case: LoopContract) -> bytes:
    """A whole request and its answer through the data plane's own connections."""
    world = SocketWorld(case)
    client, member = world.start(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    member.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    case.turn_until(lambda: world.cell.connections == 0)
    return client.recv(1000)


#: What C{exchange} gives.
EXCHANGED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
