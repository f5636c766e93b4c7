"""Tests of L{fiberlb.workers.link}: both ends in one process, the descriptors left out."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols import amp
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers import messages
from fiberlb.workers.link import WorkerLink
from fiberlb.workers.revisions import sealed


class Worker:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.plane = self
        self.access_log = self
        self.broken = False

    async def apply(self, serial: int, data: memoryview, down: bytes, number: int) -> None:
        """Serve a revision, or fail."""
        if self.broken:
            raise KeyError("x")
        self.told.append((serial, data, down, number))

    async def foresee(self, data: memoryview | None) -> None:
        """Read what comes next, or fail."""
        if self.broken:
            raise KeyError("x")
        self.told.append(("foresee", None if data is None else bytes(data)))

    def usable(self, number: int, member: str, usable: bool) -> None:
        """Mind a member's health."""
        self.told.append((number, member, usable))

    def listen(self, host: str, port: int, slot: int, fd: int, flows: int | None) -> None:
        """Accept from a socket."""
        self.told.append((host, port, slot, fd, flows))

    def pass_on(self, host: str, port: int, slot: int, flows: int) -> None:
        """Leave a socket."""
        self.told.append((host, port, slot, flows))

    def unlisten(self, address: tuple[str, int], slot: int, empty: bool) -> None:
        """Let go of a socket."""
        self.told.append((address, slot, empty))

    def reopen(self) -> None:
        """Open the log anew."""
        self.told.append("reopen")

    def drain(self, deadline: float) -> None:
        """Finish what runs, end."""
        self.told.append(deadline)

    def linked(self, link: Any) -> Deferred[None]:
        """A control process is there."""
        self.told.append("linked")
        return Deferred()

    def unlinked(self, link: Any) -> None:
        """It is gone."""
        self.told.append("unlinked")


class LinkTests(SynchronousTestCase):
    """Messages that arrive as calls."""

    def setUp(self) -> None:
        """A worker and a bare AMP end."""
        self.worker = Worker()
        self.control = amp.AMP()
        _, _, self.pump = iosim.connectedServerAndClient(
            lambda: self.control, lambda: WorkerLink(self.worker)
        )

    def ask(self, command: Any, **named: Any) -> Any:
        """The answer to a message."""
        done = self.control.callRemote(command, **named)
        self.pump.flush()
        return None if done is None else self.successResultOf(done)

    def test_calls(self) -> None:
        """Each message is one call, and is answered after it."""
        self.ask(messages.Usable, number=4, member="m", usable=False)
        self.ask(messages.Unlisten, host="::", port=80, slot=1, empty=True)
        self.ask(messages.Reopen)
        self.ask(messages.Drain, deadline=2.5)
        expected = ["linked", (4, "m", False), (("::", 80), 1, True), "reopen", 2.5]
        self.assertEqual(self.worker.told, expected)

    def test_sockets(self) -> None:
        """Sockets come with or without flows, and go with them."""
        link = WorkerLink(self.worker)
        self.assertEqual(link.listen("udp:::", 53, 1, 7), {})
        self.assertEqual(link.listen("udp:::", 53, 1, 7, 8), {})
        self.assertEqual(link.pass_on("udp:::", 53, 1, 9), {})
        expected = [("udp:::", 53, 1, 7, None), ("udp:::", 53, 1, 7, 8), ("udp:::", 53, 1, 9)]
        self.assertEqual(self.worker.told[-3:], expected)

    def test_lost(self) -> None:
        """The end of the connection is told."""
        self.pump.client.transport.loseConnection()
        self.pump.flush()
        self.assertEqual(self.worker.told, ["linked", "unlinked"])

    def test_not_applied(self) -> None:
        """A revision that cannot be served is an answer, which the connection survives."""
        self.worker.broken = True
        link = WorkerLink(self.worker)
        link.makeConnection(StringTransport())
        done = Deferred.fromCoroutine(link.apply(7, sealed(b"x"), sealed(b""), 3))
        self.failureResultOf(done, messages.NotApplied)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_foresee(self) -> None:
        """What comes next arrives, or that it does not; a failure is logged, and no more."""
        link = WorkerLink(self.worker)
        for told in ((sealed(b"data"),), ()):
            done = Deferred.fromCoroutine(link.foresee(*told))
            self.assertEqual(self.successResultOf(done), {})
        self.assertEqual(self.worker.told[1:], [("foresee", b"data"), ("foresee", None)])
        self.worker.broken = True
        done = Deferred.fromCoroutine(link.foresee(sealed(b"data")))
        self.assertEqual(self.successResultOf(done), {})
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_apply(self) -> None:
        """The content of the files arrives, and their descriptors are closed."""
        link = WorkerLink(self.worker)
        link.makeConnection(StringTransport())
        fds = sealed(b"data"), sealed(b"down")
        done = Deferred.fromCoroutine(link.apply(7, *fds, 3))
        self.assertEqual(self.successResultOf(done), {})
        self.assertEqual(self.worker.told[-1], (7, b"data", b"down", 3))
        for fd in fds:
            self.assertRaises(OSError, os.fstat, fd)
