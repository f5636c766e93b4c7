"""Tests of L{fiberlb.workers.sole}."""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import Settings
from fiberlb.relay.accept import bind
from fiberlb.relay.binding import Binding
from fiberlb.workers.seen import Stage
from fiberlb.workers.sole import SolePlane
from tests.support.ports import free_port
from tests.support.relay_loop import MemoryLoop
from tests.workers.crews import StageWorker
from tests.workers.test_slots import listening


class SoleTests(SynchronousTestCase):
    """A plane that finds a worker with two sockets."""

    def setUp(self) -> None:
        """They have been handed over."""
        self.loop = MemoryLoop(1000.0)
        self.plane = SolePlane(
            MemoryReactorClock(),
            self.loop,
            None,
            Settings(),
            Binding(tcp=bind),
            wall=lambda: 5.0,
            random=lambda: 0.5,
            random_bytes=bytes,
        )
        self.successResultOf(Deferred.fromCoroutine(self.plane.begin("")))
        self.port = free_port()
        self.worker = StageWorker(0, Stage.ADOPTED)
        self.plane._heir._seen.append(self.worker)
        self.sockets = [bind("x", "127.0.0.1", self.port, False, False) for _ in range(3)]
        for sock in self.sockets:
            self.addCleanup(sock.close)
        for sock in self.sockets[:2]:
            self.plane._heir.handed_back(self.worker, ("127.0.0.1", self.port), 0, sock)

    def serve(self, **named: int) -> None:
        """Prepare and activate."""
        work = self.plane.prepare(listening(**named))
        self.plane.activate(self.successResultOf(Deferred.fromCoroutine(work)))

    def accepting(self) -> set[socket.socket]:
        """What it accepts from."""
        found = [*self.plane._acceptors.values()]
        found += [one for several in self.plane._further.values() for one in several]
        return {acceptor.sock for acceptor in found if not acceptor.closed}

    def test_taken_over(self) -> None:
        """Every socket is accepted from, the worker drains, and a late socket is added."""
        self.serve(a=self.port)
        self.assertEqual(self.accepting(), set(self.sockets[:2]))
        self.assertEqual(len(self.worker.told("Drain")), 1)
        self.assertEqual(len(self.plane.listeners()), 1)
        self.plane._heir.handed_back(self.worker, ("127.0.0.1", self.port), 1, self.sockets[2])
        self.assertEqual(self.accepting(), set(self.sockets))
        self.assertFalse(self.plane.accept_also(("127.0.0.1", 1), None))

    def test_changes(self) -> None:
        """Another listener at the address has all of them; without one all are let go."""
        self.serve(a=self.port)
        self.serve(b=self.port)
        cells = {one.cell.id for one in self.plane._further["127.0.0.1", self.port]}
        self.assertEqual(cells, {"b"})
        self.serve()
        self.assertEqual(self.accepting(), set())

    def test_stop(self) -> None:
        """The worker ends with the process."""
        self.serve(a=self.port)
        done = self.plane.stop(5.0)
        self.plane.hasten(0.0)
        self.assertEqual(self.worker.told("Drain")[-1], {"deadline": 0.0})
        self.assertNoResult(done)
        self.worker.ended.callback(self.worker)
        self.successResultOf(done)
