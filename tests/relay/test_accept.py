"""Listening sockets, without a network."""

from __future__ import annotations

import errno
import os
import socket
from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.accept import ACCEPTS, PAUSE, SOONER, Acceptor
from fiberlb.relay.bound import LOOK, settle
from fiberlb.relay.loop import READ
from tests.support.relay_loop import MemoryLoop
from tests.support.relay_world import RelayTestCase, answer, ask, refusal


class Backlog:
    """A listening socket with what waits on it: descriptors or errors."""

    family = socket.AF_INET

    def __init__(self, *waiting: int | OSError) -> None:
        self.waiting = list(waiting)
        self.asked = 0
        self.closed = False

    def fileno(self) -> int:
        """Some number."""
        return 5

    def getsockname(self) -> tuple[str, int]:
        """Some address."""
        return "192.0.2.100", 80

    def _accept(self) -> tuple[int, tuple[str, int]]:
        self.asked += 1
        if not self.waiting:
            raise BlockingIOError
        found = self.waiting.pop(0)
        if isinstance(found, OSError):
            raise found
        return found, ("192.0.2.7", 40000)

    def close(self) -> None:
        """Noted."""
        self.closed = True


class Welcomed(Acceptor):
    """An acceptor that counts whom it takes in."""

    counted = False

    def welcome(self, sock: Any, address: Any) -> None:
        """Counted and closed."""
        self.guests = [*getattr(self, "guests", []), address]
        self.cell.connections += self.counted
        sock.close()


class Others:
    """What other processes hold."""

    def __init__(self, others: int) -> None:
        self.others = others
        self.own = 0

    def write(self, count: int) -> None:
        """Ours."""
        self.own = count

    def total(self) -> int:
        """Of all."""
        return self.own + self.others


class AcceptTests(SynchronousTestCase):
    """Taking in what waits."""

    def setUp(self) -> None:
        """A loop and a clock."""
        self.loop = MemoryLoop(1000.0)
        self.clock = Clock()

    def acceptor(
        self, *waiting: int | OSError, exclusive: bool = False
    ) -> tuple[Welcomed, Backlog]:
        """An acceptor before a backlog."""
        backlog: Any = Backlog(*waiting)
        cell: Any = SimpleNamespace(bound=None, connections=0, relief=None)
        later = self.clock.callLater
        made = Welcomed(self.loop, backlog, cell, None, later, exclusive=exclusive)
        made.guests = []
        made.start()
        return made, backlog

    def sockets(self, count: int) -> list[int]:
        """Descriptors of sockets, as the system hands them out."""
        pairs = [socket.socketpair() for _ in range(count)]
        for _, far in pairs:
            far.close()
        return [near.detach() for near, _ in pairs]

    def test_all(self) -> None:
        """Everybody who waits, each with an address."""
        acceptor, backlog = self.acceptor(*self.sockets(3))
        acceptor.readable()
        self.assertEqual(acceptor.guests, [("192.0.2.7", 40000)] * 3)
        self.assertEqual(backlog.asked, 4)

    def test_bounded(self) -> None:
        """So many in one go, the others are served meanwhile."""
        acceptor, backlog = self.acceptor(*self.sockets(ACCEPTS + 5))
        acceptor.event(READ)
        self.assertEqual(len(acceptor.guests), ACCEPTS)
        acceptor.stop()
        self.assertEqual(len(acceptor.guests), ACCEPTS + 5)
        self.assertEqual(backlog.waiting, [])

    def test_left(self) -> None:
        """
        Whoever leaves a queue to others takes who waits there: of several processes the
        system wakes one, and that may have been this one. Alone it leaves them.
        """
        acceptor, backlog = self.acceptor(*self.sockets(2), exclusive=True)
        acceptor.leave()
        acceptor.leave()
        self.assertEqual((len(acceptor.guests), acceptor.closed), (2, True))
        alone, backlog = self.acceptor(*(found := self.sockets(1)))
        alone.leave()
        self.assertEqual((alone.guests, backlog.waiting), ([], found))
        os.close(found[0])

    def test_gone_already(self) -> None:
        """Who has gone before being taken in is not minded."""
        gone = [OSError(code, "") for code in (errno.ECONNABORTED, errno.EPROTO)]
        acceptor, _ = self.acceptor(*gone, *self.sockets(1))
        acceptor.readable()
        self.assertEqual(len(acceptor.guests), 1)

    def test_exhausted(self) -> None:
        """Without descriptors or memory it pauses a second, and says so once."""
        for code in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
            many = [OSError(code, "") for _ in range(3)]
            acceptor, _ = self.acceptor(*many, *self.sockets(2))
            acceptor.readable()
            for _ in range(3):
                self.assertEqual((acceptor.events, acceptor.guests), (0, []))
                self.clock.advance(PAUSE)
            self.assertEqual((acceptor.events, len(acceptor.guests)), (READ, 2))
            self.assertEqual(len(self.flushLoggedErrors()), 0)
            acceptor.stop()
            self.loop.run()

    def test_exhausted_again(self) -> None:
        """As long as some descriptors come back it goes on soon, and says nothing more."""
        none = [OSError(errno.EMFILE, "") for _ in range(4)]
        acceptor, _ = self.acceptor(
            none[0], *self.sockets(2), none[1], *self.sockets(1), none[2], none[3], *self.sockets(1)
        )
        acceptor.readable()
        for pause, guests in ((PAUSE, 0), (SOONER, 2), (SOONER, 3), (PAUSE, 3)):
            self.assertEqual((acceptor.events, len(acceptor.guests)), (0, guests))
            self.clock.advance(pause * 0.9)
            self.assertEqual(acceptor.events, 0)
            self.clock.advance(pause * 0.11)
        self.assertEqual((acceptor.events, len(acceptor.guests)), (READ, 4))
        self.assertEqual(len(self.flushLoggedErrors()), 0)

    def test_stopped_while_paused(self) -> None:
        """One that stops meanwhile stays stopped."""
        acceptor, backlog = self.acceptor(OSError(errno.EMFILE, ""))
        acceptor.readable()
        acceptor.stop()
        acceptor.stop()
        self.loop.run()
        self.clock.advance(PAUSE)
        self.assertEqual((acceptor.closed, backlog.closed, self.loop.open), (True, True, []))

    def test_stopped_exhausted(self) -> None:
        """Also when it is stopping that finds no descriptors."""
        acceptor, backlog = self.acceptor(OSError(errno.EMFILE, ""))
        acceptor.stop()
        self.loop.run()
        self.clock.advance(PAUSE)
        self.assertEqual((backlog.closed, self.loop.open), (True, []))

    def test_limit(self) -> None:
        """As many as may be open are taken in; the rest waits, unasked, until one has gone."""
        acceptor, backlog = self.acceptor(*self.sockets(5))
        cell = acceptor.cell
        settle(cell, 2, None)
        acceptor.counted = True
        acceptor.readable()
        self.assertEqual((len(acceptor.guests), acceptor.events, backlog.asked), (2, 0, 2))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        cell.connections -= 1
        cell.bound.left()
        self.loop.run()
        self.assertEqual((len(acceptor.guests), acceptor.events), (3, 0))
        settle(cell, -1, None)
        self.loop.run()
        self.assertEqual((len(acceptor.guests), acceptor.events), (5, READ))

    def test_limit_elsewhere(self) -> None:
        """What others hold counts, and is looked at again after a while."""
        acceptor, _ = self.acceptor(*self.sockets(2))
        share = Others(2)
        settle(acceptor.cell, 3, share)
        acceptor.counted = True
        acceptor.readable()
        self.assertEqual((len(acceptor.guests), share.own), (1, 1))
        self.clock.advance(LOOK)
        self.assertEqual((len(acceptor.guests), acceptor.events), (1, 0))
        share.others = 0
        self.clock.advance(LOOK)
        self.assertEqual((len(acceptor.guests), share.own, acceptor.events), (2, 2, READ))

    def test_limit_stopped(self) -> None:
        """Who waits when the listener goes is taken in all the same."""
        acceptor, _ = self.acceptor(*self.sockets(3))
        settle(acceptor.cell, 1, None)
        acceptor.counted = True
        acceptor.readable()
        acceptor.stop()
        acceptor.cell.connections = 0
        acceptor.cell.bound.left()
        self.loop.run()
        self.assertEqual((len(acceptor.guests), self.loop.open), (3, []))

    def test_fault(self) -> None:
        """An exception does not end the listener."""
        acceptor, _ = self.acceptor(*self.sockets(1))
        acceptor.broken()
        acceptor.readable()
        self.assertEqual(len(acceptor.guests), 1)


class WelcomeTests(RelayTestCase):
    """What becomes of those who are taken in."""

    def test_read_at_once(self) -> None:
        """A request that is there already is read before the loop is asked."""
        world = self.world()
        client = world.client(ask(), run=False)
        self.assertEqual(client.unread, 0)
        world.loop.run()
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer())

    def test_counted(self) -> None:
        """Accepted ones, open ones and requests are counted."""
        world = self.world()
        first, member = self.start(world)
        world.client()
        member.send(answer())
        cell = world.cell
        self.assertEqual((cell.accepted, cell.connections, cell.requests), (2, 2, 1))
        first.reset()
        self.assertEqual((cell.accepted, cell.connections), (2, 1))

    def test_addresses(self) -> None:
        """Peers are known by their plain address."""
        for peer, shown in (("::ffff:192.0.2.9", b"192.0.2.9"), ("fe80::1%eth0", b"fe80::1")):
            world = self.world()
            world.client(ask(), peer=peer)
            seen = world.members[0].link.received
            self.assertIn(b"X-Forwarded-For: " + shown + b"\r\n", seen)
            world.members[0].link.send(answer())
            self.assertEqual(world.entries[0].client.encode(), shown)

    def test_denied(self) -> None:
        """Clients that are not allowed are told so before they ask, and nothing else."""
        world = self.world(listener={"allowed_cidrs": ("10.0.0.0/8", "2001:db8::/32")})
        client = world.client(ask())
        self.assertEqual(client.received, refusal("denied_address"))
        self.assertTrue(client.near_ended)
        for peer in ("10.0.0.1", "::ffff:10.0.0.1", "2001:db8::5"):
            allowed = world.client(ask(), peer=peer)
            world.members[0].link.send(answer())
            self.assertEqual(allowed.received, answer())
        self.assertEqual(world.reasons, ["denied_address", None, None, None])
        self.assertEqual(world.entries[0].method, b"")

    def test_trusted(self) -> None:
        """A trusted peer's word about the client counts, also in the log; nobody else's does."""
        for peer, told, shown in (
            (
                "10.0.0.1",
                b"X-Forwarded-For: 192.0.2.9, 10.0.0.1\r\nVia: 1.1 fiberlb\r\n",
                "192.0.2.9",
            ),
            (
                "192.0.2.1",
                b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n",
                "192.0.2.1",
            ),
        ):
            world = self.world(trusted=["10.0.0.0/8"])
            lines = (b"X-Forwarded-For: 192.0.2.9", b"X-Forwarded-Proto: https")
            client = world.client(peer=peer)
            for _ in range(3):
                client.send(ask(*lines, b"X-Forwarded-Port: 443"))
                seen = world.members[0].link.news()
                self.assertIn(told, seen)
                self.assertEqual(seen.count(b"X-Forwarded-Proto: "), 1)
                world.members[0].link.send(answer())
            client.send(ask())
            world.members[0].link.send(answer())
            self.assertEqual([entry.client for entry in world.entries], [shown] * 3 + [peer])
