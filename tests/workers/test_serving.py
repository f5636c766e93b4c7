"""Tests of L{fiberlb.workers.serving}."""

from __future__ import annotations

import socket

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import ListenerProtocol
from fiberlb.relay.datagram_sockets import bind_datagrams
from fiberlb.relay.loop import READ, StockLoop
from fiberlb.relay.services import Services
from fiberlb.workers.pages import Page, make_page
from fiberlb.workers.serving import ServingPlane
from tests.support.ports import free_port
from tests.workers.test_slots import listening


class ServingTests(SynchronousTestCase):
    """A plane whose sockets are given to it."""

    def setUp(self) -> None:
        """One address."""
        self.reactor = MemoryReactorClock()
        loop = StockLoop(self.reactor, lambda what: None)
        self.plane = ServingPlane(
            self.reactor, Services(loop, float, lambda: "id"), None, random=lambda: 0.5
        )
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)

    def serve(self, *names: str) -> None:
        """Listeners, the first one at the address."""
        ports = [self.port, *(free_port() for _ in names[1:])]
        made = listening(**dict(zip(names, ports, strict=False)))
        ready = self.successResultOf(Deferred.fromCoroutine(self.plane.prepare(made)))
        self.assertEqual(ready.sockets, {})
        self.plane.activate(ready)
        self.reactor.advance(0)

    def hand(self, slot: int) -> socket.socket:
        """Hand a socket over; a copy of it, as another process would have."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(self.address)
        sock.listen()
        sock.setblocking(False)
        copy = sock.dup()
        self.addCleanup(copy.close)
        self.plane.listen(self.address, slot, sock)
        return copy

    def slots(self) -> list[int]:
        """The slots that are accepted from."""
        return sorted(slot for _, slot, _ in self.plane.sockets())

    def test_order(self) -> None:
        """A socket may come before its revision or after it, several of one address too."""
        self.hand(0)
        self.assertEqual(self.slots(), [])
        self.serve("a")
        self.assertEqual(self.slots(), [0])
        self.hand(1)
        self.hand(1)
        self.assertEqual(self.slots(), [0, 1])
        self.assertEqual([s.listener_id for s in self.plane.listeners()], ["a", "a"])

    def test_other_listener(self) -> None:
        """Another listener takes the address over with its socket."""
        self.serve("a")
        self.hand(0)
        self.serve("b")
        self.assertEqual([s.listener_id for s in self.plane.listeners()], ["b"])

    def test_flows(self) -> None:
        """A socket of datagrams is read when the flows of the worker before are there."""
        made = listening(a=self.port)
        plan = made.listeners["a"]
        udp = attrs.evolve(plan.listener, protocol=ListenerProtocol.UDP)
        address = ("udp:127.0.0.1", self.port)
        plan = attrs.evolve(plan, listener=udp, addresses=(address,))
        made = attrs.evolve(made, listeners={"a": plan})
        ready = self.successResultOf(Deferred.fromCoroutine(self.plane.prepare(made)))
        self.plane.activate(ready)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for one in (ours, theirs):
            one.setblocking(False)
        sock = bind_datagrams("a", "127.0.0.1", self.port, False, True)
        self.plane.listen(address, 3, sock, theirs)
        (port,) = self.plane._ports.values()
        self.assertEqual(port.events, 0)
        ours.close()
        (taking,) = self.reactor.getReaders()
        taking.doRead()
        self.assertEqual(port.events, READ)
        # A second copy of it, and one of an address that nobody serves.
        for host in ("udp:127.0.0.1", "udp:::"):
            extra = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.addCleanup(extra[0].close)
            self.plane.listen((host, self.port), 3, sock.dup(), extra[1])
            self.assertEqual(extra[1].fileno(), -1)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(theirs.close)
        ours.setblocking(False)
        self.plane.pass_on(address, 3, ours)
        self.assertEqual((port.events, self.plane._ports), (0, {}))
        (giving,) = self.reactor.getWriters()
        giving.doWrite()
        self.reactor.advance(0)
        theirs.setblocking(False)
        self.assertEqual(theirs.recv(10), b"")
        self.plane.leave()
        self.reactor.advance(0)

    def test_let_go(self) -> None:
        """What waits is left for others, or taken when nobody else will."""
        self.serve("a")
        left, emptied = self.hand(0), self.hand(1)
        clients = [socket.create_connection(self.address) for _ in range(20)]
        self.plane.unlisten(self.address, 0, False)
        self.plane.unlisten(self.address, 1, True)
        self.assertEqual(self.slots(), [])
        self.assertRaises(BlockingIOError, emptied.accept)
        taken = self.plane._cells["a"].accepted
        for _ in range(20 - taken):
            left.accept()[0].close()
        self.assertRaises(BlockingIOError, left.accept)
        for client in clients:
            client.close()

    def test_leave(self) -> None:
        """All of them, also those that wait for a revision."""
        self.serve("a")
        self.hand(0)
        self.plane.listen(("127.0.0.1", 1), 0, socket.socket())
        self.plane.leave()
        self.assertEqual(self.slots(), [])
        self.assertEqual(self.plane._waiting, {})

    def test_flush(self) -> None:
        """Figures go to their places; what has none is left out."""
        self.serve("a", "b")
        page = Page(make_page())
        self.addCleanup(page.close)
        self.plane._cells["a"].accepted = 3
        self.plane._cells["b"].accepted = 4
        self.plane.flush(page, {"a": 5}, everything=True)
        self.plane.flush(page, {"a": 5})
        self.assertEqual(page.read(5), (0, 0, 3, 0))
        self.assertEqual(self.plane.closing, 0)
