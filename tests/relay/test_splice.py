"""Bulk bytes moved by the kernel."""

from __future__ import annotations

import random
import socket
from typing import Any, cast

from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import READ
from fiberlb.relay.pipes import WORTHWHILE
from fiberlb.relay.reactor import LeanReactor
from fiberlb.relay.splice import pump
from fiberlb.relay.tls_stream import TlsStream
from tests.relay import loops
from tests.relay.loops import SocketWorld
from tests.relay.test_connection import Listener
from tests.support.relay_world import answer, ask, head

#: Octets that no two places of which look alike.
BULK = random.Random(1).randbytes(1 << 20)


class _Splice(loops.LoopContract):
    def setUp(self) -> None:
        """A reactor of our own."""
        self.loop = LeanReactor()
        self.addCleanup(self.dispose)

    def turn(self) -> None:
        """One turn, without waiting."""
        self.loop.runUntilCurrent()
        self.loop.doIteration(0)

    def dispose(self) -> None:
        """All pipes have come back."""
        self.loop.disconnectAll()
        self.assertEqual(self.loop.pipes.used, 0)
        self.loop.pipes.close()
        self.loop._poller.close()


class Moves:
    """What a pump told: C{finished} how often, and the octets moved."""

    def __init__(self) -> None:
        self.finished = 0
        self.moved = 0
        self.taken: list[bool] = []

    def progress(self, count: int, taken: bool) -> None:
        """Noted."""
        self.moved += count
        self.taken.append(taken)

    def finish(self) -> None:
        """Noted."""
        self.finished += 1


class PumpTests(_Splice):
    """One direction between two connections."""

    def pumped(self, left: int | None) -> tuple[Any, Any, Moves]:
        """Two connections, as C{pair} gives them, and what is told of the first to the second."""
        source, sink, moves = self.pair(), self.pair(), Moves()
        self.assertTrue(pump(source[0], sink[0], left, moves.progress, moves.finish))
        return source, sink, moves

    def flow(self, far: socket.socket, data: bytes, near: socket.socket, count: int) -> bytes:
        """Send into one far end as fast as it takes, read at the other as much as is said."""
        view = memoryview(data)
        found = bytearray()

        def done() -> bool:
            nonlocal view
            try:
                view = view[far.send(view) :] if view else view
            except BlockingIOError:
                pass
            found.extend(self.read(near))
            return not view and len(found) >= count

        self.turn_until(done)
        return bytes(found)

    def test_exactly(self) -> None:
        """So many bytes are moved; what follows is the source's side's, as before."""
        (source, far, side), (sink, near, other), moves = self.pumped(len(BULK))
        self.assertEqual(self.flow(far, BULK, near, len(BULK)), BULK)
        self.assertEqual((moves.finished, moves.moved), (1, len(BULK)))
        self.assertEqual((side.heard, other.heard), ([], []))
        far.send(b"more")
        self.turn_until(lambda: side.data == b"more")
        self.assertEqual(
            (source.events, sink.events, source.end, sink.end), (READ, READ, None, None)
        )
        self.assertEqual(self.loop.pipes.used, 0)

    def test_more_behind(self) -> None:
        """What lies behind in the same socket is not taken along."""
        (_, far, side), (_, near, _), moves = self.pumped(5)
        far.send(b"12345behind")
        self.turn_until(lambda: side.data == b"behind")
        self.assertEqual((self.read(near), moves.finished), (b"12345", 1))

    def test_slow_sink(self) -> None:
        """A sink that does not take them stops the source; nothing is lost."""
        (source, far, _), (sink, near, _), moves = self.pumped(len(BULK))
        sent = 0
        for _ in range(200):
            try:
                sent += far.send(BULK[sent : sent + 4096])
            except BlockingIOError:
                pass
            self.turn()
        self.assertLess(sent, len(BULK))
        self.assertFalse(source.events & READ)
        self.assertTrue(sink.end.stalled)
        self.assertFalse(moves.taken[-1])
        self.assertEqual(self.flow(far, BULK[sent:], near, len(BULK)), BULK)
        self.assertEqual(moves.finished, 1)

    def test_source_ends(self) -> None:
        """When the source ends early its side hears it, and the pump is gone."""
        (source, far, side), (sink, near, _), moves = self.pumped(100)
        far.send(b"abc")
        far.shutdown(socket.SHUT_WR)
        self.turn_until(lambda: "ended" in side.heard)
        self.assertEqual((self.read(near), moves.finished, side.data), (b"abc", 0, b""))
        self.assertEqual((source.end, sink.end, self.loop.pipes.used), (None, None, 0))

    def test_source_breaks(self) -> None:
        """Its side hears that too."""
        (source, far, side), (sink, _, other), _ = self.pumped(100)
        source.write(b"unread")
        far.close()
        self.turn_until(lambda: source.closed)
        self.assertEqual((side.heard, other.heard, sink.end), (["lost"], [], None))

    def test_sink_breaks(self) -> None:
        """As does the sink's; a pipe with bytes in it is not used again."""
        for fill in (False, True):
            (source, far, side), (sink, near, other), moves = self.pumped(len(BULK))
            if fill:
                self.fill(far, sink)
            else:
                sink.write(b"unread")
            near.close()
            try:
                far.send(b"x" * 100)
            except BlockingIOError:
                pass
            self.turn_until(lambda sink=sink: sink.closed)  # type: ignore[misc]
            # What comes after that is the source's side's.
            self.assertNotIn("lost", side.heard)
            self.assertEqual((other.heard, moves.finished), (["lost"], 0))
            self.assertEqual((source.end, self.loop.pipes.used), (None, 0))
            self.assertEqual(len(self.loop.pipes._free), 0 if fill else 1)
            self.loop.pipes.close()

    def fill(self, far: socket.socket, sink: Connection) -> None:
        """Send until the sink takes no more."""

        def stalled() -> bool:
            try:
                far.send(b"x" * 4096)
            except BlockingIOError:
                pass
            return bool(sink.end and sink.end.stalled)

        self.turn_until(stalled)

    def test_closed(self) -> None:
        """Closing either of them ends it, in any state, without a word."""
        for which in (0, 1):
            for fill in (False, True):
                (source, far, side), (sink, _, other), moves = self.pumped(len(BULK))
                if fill:
                    self.fill(far, sink)
                (source, sink)[which].abort()
                self.turn()
                self.assertEqual((side.heard, other.heard, moves.finished), ([], [], 0))
                self.assertEqual((source.end, sink.end, self.loop.pipes.used), (None, None, 0))

    def test_reset_while_stalled(self) -> None:
        """A source that is reset meanwhile is noticed."""
        (source, far, side), (sink, _, _), _ = self.pumped(len(BULK))
        self.fill(far, sink)
        source.write(b"unread")
        far.close()
        self.turn_until(lambda: source.closed)
        self.assertEqual(side.heard, ["lost"])

    def test_both_ways(self) -> None:
        """A pair may be pumped in both directions at once."""
        one, two, there, back = self.pair(), self.pair(), Moves(), Moves()
        self.assertTrue(pump(one[0], two[0], None, there.progress, there.finish))
        self.assertTrue(pump(two[0], one[0], None, back.progress, back.finish))
        self.assertEqual(self.flow(one[1], BULK, two[1], len(BULK)), BULK)
        self.assertEqual(self.flow(two[1], BULK, one[1], len(BULK)), BULK)
        one[1].shutdown(socket.SHUT_WR)
        self.turn_until(lambda: one[2].heard == ["ended"])
        self.assertIsNotNone(one[0].end)
        two[1].shutdown(socket.SHUT_WR)
        self.turn_until(lambda: two[2].heard == ["ended"])
        self.assertEqual((one[0].end, two[0].end, self.loop.pipes.used), (None, None, 0))

    def test_other_direction(self) -> None:
        """The other direction works as ever meanwhile: reading, ending, and paused ends."""
        (_, _, _), (sink, near, other), _ = self.pumped(1000)
        near.send(b"abc")
        self.turn_until(lambda: other.data == b"abc")
        sink.pause()
        near.shutdown(socket.SHUT_WR)
        for _ in range(5):
            self.turn()
        sink.resume()
        self.turn_until(lambda: other.heard[-1] == "ended")

    def test_orderly_end_while_stalled(self) -> None:
        """When both directions of the source have ended, what it sent is still moved."""
        (source, far, side), (sink, near, _), moves = self.pumped(None)
        self.fill(far, sink)
        source.end_output()
        far.shutdown(socket.SHUT_WR)
        for _ in range(5):
            self.turn()
        self.assertEqual(side.heard, [])
        count = 0

        def moved() -> bool:
            nonlocal count
            count += len(self.read(near))
            return side.heard == ["ended"]

        self.turn_until(moved)
        count += len(self.read(near))
        self.assertEqual((count, moves.moved), (moves.moved, count))
        self.assertGreater(count, loops.BUFFER)

    def test_fault(self) -> None:
        """An exception of ours in a pumped connection closes it."""
        (source, far, side), _, _ = self.pumped(1000)
        source.end.outgoing._progress = None
        far.send(b"abc")
        self.turn_until(lambda: source.closed)
        self.assertEqual(side.heard, ["lost"])
        self.faults = 1

    def test_not_done(self) -> None:
        """Not with bytes waiting before, not on closed connections, not on other kinds."""
        moves = Moves()

        def tried(source: Connection, sink: Connection) -> bool:
            done = pump(source, sink, 100, moves.progress, moves.finish)
            self.assertEqual((source.end, sink.end), (None, None))
            return done

        for spoil in (
            lambda conn: conn.write(bytes(1 << 20)),
            lambda conn: conn.abort(),
            lambda conn: setattr(conn, "connecting", True),
            lambda conn: setattr(conn, "closing", True),
        ):
            source, sink = self.pair()[0], self.pair()[0]
            spoil(sink)
            self.assertFalse(tried(source, sink))
            sink.connecting = sink.closing = False
        near, far = socket.socketpair()
        other = TlsStream(self.loop, near, cast(Any, near), Listener())
        plain = self.pair()[0]
        self.assertFalse(tried(other, plain) or tried(plain, other))
        near.close()
        far.close()
        pipes, self.loop.pipes = self.loop.pipes, None
        self.assertFalse(tried(plain, self.pair()[0]))
        self.loop.pipes = pipes


class BodyTests(_Splice):
    """Bodies of answers, and tunnels, through the data plane."""

    def serve(self, member: socket.socket, data: bytes, client: socket.socket) -> bytes:
        """Send as the member as fast as it goes; what the client gets in the end."""
        view = memoryview(data)
        found = bytearray()

        def done() -> bool:
            nonlocal view
            try:
                view = view[member.send(view) :] if view else view
            except BlockingIOError:
                pass
            found.extend(self.read(client))
            return not view and len(found) >= len(data)

        self.turn_until(done)
        return bytes(found)

    def test_download(self) -> None:
        """A long body arrives whole; both connections are used again, and the log knows it."""
        world = SocketWorld(self)
        client, member = world.start(ask())
        for _ in range(3):
            self.assertEqual(self.serve(member, answer(BULK), client), answer(BULK))
            self.turn_until(lambda: self.loop.pipes.used == 0)
            client.send(ask())
            self.turn_until(lambda: bool(self.read(member)))
        self.assertEqual([e.sent for e in world.world.entries], [len(BULK)] * 3)
        self.assertEqual(len(world.members), 1)

    def test_pipelined(self) -> None:
        """Requests that come during it are answered after it."""
        world = SocketWorld(self)
        client, member = world.start(ask())
        member.send(answer(BULK)[:1000])
        self.turn_until(lambda: self.loop.pipes.used == 1)
        client.send(ask(target=b"/next"))
        self.assertTrue(self.serve(member, answer(BULK)[1000:], client).endswith(BULK[-100:]))
        self.turn_until(lambda: b"/next" in self.read(member))
        self.assertEqual(self.serve(member, answer(b"x"), client), answer(b"x"))

    def test_short(self) -> None:
        """A body that is not long enough is copied."""
        world = SocketWorld(self)
        client, member = world.start(ask())
        data = answer(BULK[: WORTHWHILE - 1])
        member.send(data[:100])
        for _ in range(5):
            self.turn()
        self.assertEqual(self.loop.pipes.used, 0)
        self.assertTrue(self.serve(member, data[100:], client).endswith(data[-10:]))

    def test_more_than_said(self) -> None:
        """Bytes behind the body are not the client's, and end the member's connection."""
        world = SocketWorld(self)
        client, member = world.start(ask())
        got = self.serve(member, answer(BULK), client)
        member.send(b"behind")
        self.turn_until(lambda: world.cell.plan.only.pool.states()[0].sessions == 0)
        self.assertEqual((got, self.read(client)), (answer(BULK), b""))

    def test_truncated(self) -> None:
        """A member that ends or breaks in the middle: the client sees it."""
        for end in (lambda m: m.shutdown(socket.SHUT_RDWR), lambda m: m.close()):
            world = SocketWorld(self)
            client, member = world.start(ask())
            self.serve(member, answer(BULK)[:200000], client)
            end(member)
            self.turn_until(lambda world=world: world.cell.connections == 0)  # type: ignore[misc]
            self.turn()
            self.assertEqual(self.tail(client), b"")
            self.assertEqual(world.world.reasons, ["truncated"])

    def tail(self, client: socket.socket) -> bytes:
        """The end of the connection."""
        try:
            return client.recv(100)
        except ConnectionResetError:
            return b""

    def test_client_gone(self) -> None:
        """A client that goes cancels it."""
        world = SocketWorld(self)
        client, member = world.start(ask())
        member.send(answer(BULK)[:100000])
        self.turn_until(lambda: self.loop.pipes.used == 1)
        client.close()
        self.turn_until(lambda: world.cell.connections == 0)
        self.assertEqual(world.world.reasons, ["client_abort"])
        self.assertEqual(world.cell.plan.only.pool.states()[0].sessions, 0)

    def test_slow_client(self) -> None:
        """One that takes no byte for too long is cut off, the log says why."""
        world = SocketWorld(self, listener={"timeouts": {"client_write_idle": 20.0}})
        client, member = world.start(ask())
        data = memoryview(answer(BULK * 4))
        self.turn_until(lambda: self.stuck(member, data, client))
        for seconds in (19.0, 21.5):
            self.assertEqual(world.cell.connections, 1)
            self.loop.wheel.sweep(self.loop.now + seconds)
        self.turn()
        self.assertEqual(world.cell.connections, 0)
        self.assertEqual(world.world.reasons, ["client_write_timeout"])

    def stuck(self, member: socket.socket, data: memoryview, client: socket.socket) -> bool:
        """Send as the member; whether the client's connection has stopped to take any."""
        try:
            member.send(data[:65536])
        except BlockingIOError:
            pass
        ends = [item.end for item in self.loop.wheel if item.end is not None]
        return any(end.stalled for end in ends)

    def test_tunnel(self) -> None:
        """A tunnel with much to carry, in both directions, is pumped and ends in order."""
        world = SocketWorld(self)
        client, member = world.start(ask(b"Connection: Upgrade", b"Upgrade: x"))
        switch = head(b"Connection: Upgrade", b"Upgrade: x", status=b"101 X")
        member.send(switch)
        self.turn_until(lambda: self.read(client) == switch)
        self.assertEqual(self.serve(member, BULK, client), BULK)
        self.assertEqual(self.serve(client, BULK, member), BULK)
        self.assertEqual(self.loop.pipes.used, 2)
        client.send(b"last")
        client.shutdown(socket.SHUT_WR)
        self.turn_until(lambda: self.read(member) == b"last")
        self.turn_until(lambda: self.ended(member))
        self.assertEqual(self.serve(member, b"answer", client), b"answer")
        member.close()
        self.turn_until(lambda: world.cell.connections == 0)
        (entry,) = world.world.entries
        self.assertEqual(entry.received, len(BULK) + 4)
        self.assertEqual(entry.sent, len(switch) + len(BULK) + 6)
        self.assertIsNone(entry.reason)

    def ended(self, far: socket.socket) -> bool:
        """Whether the other side has ended its output."""
        try:
            return far.recv(1) == b""
        except BlockingIOError:
            return False
