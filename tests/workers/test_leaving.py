"""Tests of L{fiberlb.workers.leaving}; whole processes are in the live tests."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.leaving import Leaving, split
from fiberlb.workers.living import LIVING
from fiberlb.workers.takeover import living
from fiberlb.workers.worker import PATIENCE, SOCKET


class SplitTests(SynchronousTestCase):
    """The fork itself."""

    def test_split(self) -> None:
        """The copy counts as a living worker for as long as it lives."""
        directory = self.mktemp()
        os.mkdir(directory)
        go, going = os.pipe()
        if split(directory, lambda: os.close(going)):
            try:
                os.read(go, 1)
            finally:
                os._exit(0)
        (pid,) = living(directory, LIVING)
        self.assertNotEqual(pid, os.getpid())
        os.close(going)
        os.waitpid(pid, 0)
        os.close(go)
        self.assertEqual(living(directory, LIVING), set())


class Reactor(MemoryReactorClock):
    """Keeps the connections that are handed to it."""

    def __init__(self) -> None:
        super().__init__()
        self.adopted: list[Any] = []

    def adoptStreamConnection(self, fd: int, family: int, factory: Any) -> None:
        """See L{IReactorSocket}."""
        self.adopted.append(factory.buildProtocol(None))


class Link:
    """Notes the messages."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def callRemote(self, command: Any, **named: Any) -> Deferred[Any]:
        """As of AMP."""
        self.told.append((command.__name__, named))
        return succeed({})


class LeavingTests(SynchronousTestCase):
    """The copy, in this process."""

    def setUp(self) -> None:
        """It serves at one socket."""
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        self.reactor = Reactor()
        self.drained: list[tuple[float, float]] = []
        self.done: Deferred[None] = Deferred()
        self.told: list[str] = []
        self.sock = socket.socket()
        self.addCleanup(self.sock.close)
        self.leaving = Leaving(
            self.reactor,
            self,
            self.directory,
            60.0,
            lambda: self.told.append("farewell"),
            lambda code: self.told.append(f"end {code}"),
        )
        self.addCleanup(os.close, self.leaving._page)

    def sockets(self) -> Sequence[tuple[tuple[str, int], int, socket.socket]]:
        """As of a plane."""
        return [(("::", 80), 0, self.sock)]

    def drain(self, deadline: float, patience: float) -> Deferred[None]:
        """As of a plane."""
        self.drained.append((deadline, patience))
        return self.done

    def hasten(self, deadline: float) -> None:
        """As of a plane."""
        self.drained.append((deadline, -1))

    def test_found(self) -> None:
        """It dials until there is a control process, and hands everything over."""
        self.leaving.look()
        self.reactor.advance(0.2)
        self.assertEqual(self.reactor.adopted, [])
        door = socket.socket(socket.AF_UNIX)
        self.addCleanup(door.close)
        door.bind(os.path.join(self.directory, SOCKET))
        door.listen()
        self.reactor.advance(0.2)
        self.assertEqual(len(self.reactor.adopted), 1)
        link = Link()
        self.successResultOf(self.leaving.linked(link))
        names = [name for name, _ in link.told]
        self.assertEqual(names, ["Hello", "HandBack", "HandedBack"])
        self.assertEqual(link.told[0][1]["pid"], os.getpid())
        self.assertEqual(link.told[1][1]["fd"], self.sock.fileno())
        self.leaving.terminate()
        self.assertEqual(self.drained, [])

    def test_drained(self) -> None:
        """It drains once, may be told to hurry, and ends with nothing undone but its own."""
        path = os.path.join(self.directory, f"{LIVING}{os.getpid()}")
        with open(path, "w", encoding="ascii"):
            pass
        self.leaving.drain(30.0)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "drains")
        self.leaving.drain(5.0)
        self.assertEqual(self.drained, [(30.0, PATIENCE), (5.0, -1)])
        self.done.callback(None)
        self.assertEqual(self.told, ["farewell", "end 0"])
        self.assertFalse(os.path.exists(path))

    def test_nobody(self) -> None:
        """When nobody comes it ends after its time, or on SIGTERM."""
        self.leaving.look()
        self.reactor.pump([0.5] * 122)
        self.assertEqual(self.drained, [(60.0, PATIENCE)])
        self.leaving.terminate()
        self.assertEqual(len(self.drained), 2)

    def test_lost(self) -> None:
        """A control process that goes again is looked for anew."""
        link = Link()
        self.leaving.linked(link)
        self.leaving.unlinked(Link())
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.leaving.unlinked(link)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
