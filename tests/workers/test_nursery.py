"""Tests of L{fiberlb.workers.nursery}: with a channel, without a process."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from twisted.internet.error import ProcessDone
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.nursery import Nursery, TemplateGone
from fiberlb.workers.order import Order
from fiberlb.workers.template import CHANNEL


class Spawning(MemoryReactorClock):
    """Keeps the other end of the channel in place of a process."""

    pid = 77

    def spawnProcess(self, protocol: Any, executable: str, args: Any, **named: Any) -> Any:
        """Nothing is started."""
        self.channel = socket.socket(fileno=os.dup(named["childFDs"][CHANNEL]))
        self.files = named["childFDs"]
        return self


class NurseryTests(SynchronousTestCase):
    """Orders and answers."""

    def setUp(self) -> None:
        """A template that has not said anything."""
        self.reactor = Spawning()
        self.nursery = Nursery(self.reactor, {}, {9: 0})
        self.addCleanup(self.reactor.channel.close)

    def say(self, document: Any, *fds: int) -> None:
        """The template says something."""
        socket.send_fds(self.reactor.channel, [json.dumps(document).encode()], fds)
        self.nursery.doRead()

    def fork(self) -> Any:
        """Order a worker; what comes of it."""
        number = self.nursery.number()
        order = Order(
            number=number,
            slot=2,
            board="",
            directory="/d",
            deadline=1.0,
            log_format="off",
            log_path="x",
        )
        read, write = os.pipe()
        done = self.nursery.fork(order, read, write)
        os.close(read)
        os.close(write)
        data, fds, _, _ = socket.recv_fds(self.reactor.channel, 65536, 4)
        self.assertEqual((Order.decode(data), len(fds)), (order, 2))
        for fd in fds:
            os.close(fd)
        return done

    def test_orders(self) -> None:
        """Each answer finds its order."""
        self.say({"ready": 77})
        self.assertIs(self.successResultOf(self.nursery.ready), self.nursery)
        self.assertEqual(self.nursery.pid, 77)
        first, second = self.fork(), self.fork()
        with open(os.devnull) as file:
            self.say({"forked": 2, "pid": 12}, file.fileno())
        self.assertNoResult(first)
        pid, fd = self.successResultOf(second)
        os.close(fd)
        self.assertEqual(pid, 12)
        self.nursery.doRead()
        self.assertNoResult(first)
        first.addErrback(lambda _: None)
        self.end()

    def end(self) -> None:
        """The template ends."""
        self.reactor.channel.close()
        if self.reactor.getReaders():
            self.nursery.doRead()
        self.nursery.processEnded(Failure(ProcessDone(0)))

    def test_end(self) -> None:
        """What waits fails; the end is told once."""
        waiting = self.fork()
        self.end()
        self.failureResultOf(waiting, TemplateGone)
        self.failureResultOf(self.nursery.ready, TemplateGone)
        self.assertIs(self.successResultOf(self.nursery.ended), self.nursery)
        self.assertEqual(self.reactor.getReaders(), [])

    def test_retire(self) -> None:
        """It is told by the end of the channel."""
        self.nursery.retire()
        self.assertEqual(self.reactor.channel.recv(10), b"")
        self.nursery.ready.addErrback(lambda _: None)
        self.end()
        self.nursery.retire()

    def test_files(self) -> None:
        """It gets the descriptors that it is given, beside the usual ones."""
        self.assertEqual(set(self.reactor.files), {0, 1, 2, CHANNEL, 9})
