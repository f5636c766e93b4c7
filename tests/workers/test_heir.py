"""Tests of L{fiberlb.workers.heir}: with links in memory; processes are in the live tests."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.accept import bind
from fiberlb.relay.binding import Binding
from fiberlb.workers.heir import Heir
from fiberlb.workers.seen import LAST_WORDS, Stage
from tests.support.ports import free_port
from tests.support.programs import temporary_directory
from tests.workers.crews import StageWorker


class HeirTests(SynchronousTestCase):
    """A process without workers, and two workers of an earlier one."""

    def setUp(self) -> None:
        """Each has a socket of the same address."""
        self.reactor = MemoryReactorClock()
        self.also: list[tuple[str, int]] = []
        self.takes = True
        self.heir = Heir(self.reactor, Binding(tcp=bind), 60.0, self.take)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.workers = [StageWorker(slot, Stage.ADOPTED) for slot in range(2)]
        self.heir._seen += self.workers
        self.sockets = [bind("x", *self.address, False, False) for _ in self.workers]
        for sock in self.sockets:
            self.addCleanup(sock.close)

    def take(self, address: tuple[str, int], sock: Any) -> bool:
        """Note it."""
        self.also.append(address)
        return self.takes

    def hand_back(self) -> None:
        """Both do."""
        for worker, sock in zip(self.workers, self.sockets, strict=True):
            self.heir.handed_back(worker, self.address, worker.slot, sock)

    def test_sockets(self) -> None:
        """Binding gives the sockets that were handed back, and new ones elsewhere."""
        self.hand_back()
        self.assertIs(self.heir.bind("x", *self.address, False, True), self.sockets[0])
        self.assertEqual(self.heir.further(self.address), self.sockets[1:])
        self.assertEqual(self.heir.further(self.address), [])
        other = free_port()
        made = self.heir.bind("x", "127.0.0.1", other, False, True)
        self.addCleanup(made.close)
        self.assertEqual(made.getsockname()[1], other)
        self.assertEqual(self.heir.further(("127.0.0.1", other)), [])

    def test_same_port(self) -> None:
        """Another address with the port of one that was handed back is no stranger's."""
        self.hand_back()
        made = self.heir.bind("x", "0.0.0.0", self.port, False, True)
        made.close()

    def test_unix(self) -> None:
        """Copies of a Unix socket are one queue: one of them is enough."""
        path = f"{temporary_directory()}/s"
        first = socket.socket(socket.AF_UNIX)
        self.addCleanup(first.close)
        first.bind(path)
        second = first.dup()
        for worker, sock in zip(self.workers, (first, second), strict=True):
            self.heir.handed_back(worker, (f"unix:{path}", 0), worker.slot, sock)
        self.assertEqual(second.fileno(), -1)
        self.assertIs(self.heir.bind("x", f"unix:{path}", 0, False, True), first)
        self.assertEqual(self.heir.further((f"unix:{path}", 0)), [])

    def test_dismissed(self) -> None:
        """They drain, once; a socket that nobody wants is closed."""
        self.hand_back()
        for _ in range(2):
            self.heir.dismiss()
        for worker in self.workers:
            self.assertEqual(worker.told("Drain"), [{"deadline": 60.0}])
        self.assertEqual([sock.fileno() for sock in self.sockets], [-1, -1])

    def test_late(self) -> None:
        """The sockets of one that comes late are accepted from too, where somebody listens."""
        self.heir.dismiss()
        self.heir.handed_back(self.workers[0], self.address, 0, self.sockets[0])
        self.takes = False
        self.heir.handed_back(self.workers[1], self.address, 0, self.sockets[1])
        self.assertEqual(self.also, [self.address] * 2)
        self.assertEqual(self.sockets[1].fileno(), -1)
        self.assertNotEqual(self.sockets[0].fileno(), -1)
        self.heir._arrived(self.workers[0])
        self.assertEqual(self.workers[0].told("Drain")[-1], {"deadline": 60.0})

    def test_stop(self) -> None:
        """They end with the process, by force when they take too long."""
        self.heir.dismiss()
        done = Deferred.fromCoroutine(self.heir.stop(5.0))
        self.workers[0].stage = Stage.GONE
        self.workers[0].ended.callback(self.workers[0])
        self.heir.hasten(0.0)
        self.assertEqual(self.workers[1].told("Drain")[-1], {"deadline": 0.0})
        self.reactor.advance(5 + LAST_WORDS)
        self.successResultOf(done)
        self.assertEqual([w.killed for w in self.workers], [[], [signal.SIGKILL]])

    def test_never_served(self) -> None:
        """A process that never served leaves them alone."""
        self.hand_back()
        self.heir.hasten(0.0)
        self.successResultOf(Deferred.fromCoroutine(self.heir.stop(5.0)))
        self.assertEqual([w.asked for w in self.workers], [[], []])

    def test_nobody(self) -> None:
        """Without workers, or without a directory to find them in, nothing is waited for."""
        directory = self.mktemp()
        os.mkdir(directory)
        for place in (directory, ""):
            self.successResultOf(Deferred.fromCoroutine(self.heir.gather(place)))
        self.assertEqual(self.reactor.unixServers, [])
