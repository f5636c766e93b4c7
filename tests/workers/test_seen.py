"""Tests of L{fiberlb.workers.seen}."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers import messages
from fiberlb.workers.pages import Page, make_page
from fiberlb.workers.seen import ControlLink, Seen, Stage


class Takers:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def adopt(self, link: ControlLink, pid: int, slot: int, serial: int) -> Seen:
        """A worker has dialled."""
        raise AssertionError

    def handed_back(self, seen: Seen, address: tuple[str, int], slot: int, sock: Any) -> None:
        """It accepts from this socket."""
        self.told.append((seen, address, slot))

    def hung_up(self, seen: Seen) -> None:
        """Its connection is gone."""
        self.told.append(seen)

    def suspect(self, member: str, cause: str, told: str) -> None:
        """Requests fail at a member."""
        self.told.append((member, cause, told))


class SeenTests(SynchronousTestCase):
    """A worker, seen from control."""

    def setUp(self) -> None:
        """One that has not said anything."""
        self.reactor = MemoryReactorClock()
        self.seen = Seen(1, 0.0)
        self.ends: list[str] = []

    def run_program(self, *words: str) -> None:
        """Watch a process, which the test waits for."""
        program = subprocess.Popen(words)
        self.seen.page = Page(make_page())
        pidfd = os.pidfd_open(program.pid)
        self.seen.watch(self.reactor, program.pid, pidfd, lambda _, how: self.ends.append(how))
        self.program = program

    def end(self) -> None:
        """The process has ended, and the reactor says so."""
        os.waitid(os.P_PID, self.program.pid, os.WEXITED | os.WNOWAIT)
        (reader,) = self.reactor.getReaders()
        reader.doRead()
        self.program.returncode = 0

    def test_exit(self) -> None:
        """Its exit code is told, its page closed, who waits for it is told."""
        self.run_program("sh", "-c", "exit 3")
        waiting = self.seen.hello
        self.end()
        self.assertEqual(self.ends, ["ended with 3"])
        self.assertIs(self.seen.stage, Stage.GONE)
        self.assertIs(self.successResultOf(self.seen.ended), self.seen)
        self.failureResultOf(waiting, ConnectionLost)
        self.assertIsNone(self.seen.page)
        self.assertEqual(self.reactor.getReaders(), [])

    def test_kill(self) -> None:
        """A signal reaches it while it lives, and nobody afterwards."""
        self.run_program("sleep", "60")
        self.seen.hello.addErrback(lambda _: None)
        self.seen.kill(signal.SIGKILL)
        self.end()
        self.assertEqual(self.ends, ["was ended by signal 9"])
        self.seen.kill(signal.SIGKILL)

    def test_ask_nobody(self) -> None:
        """A call to one without a connection fails as one to a connection that is lost."""
        self.failureResultOf(self.seen.ask(messages.Drain, deadline=1.0), ConnectionLost)

    def test_hung_up(self) -> None:
        """The end of its connection is told; calls that wait fail."""
        takers = Takers()
        link = ControlLink(takers, self.seen)
        link.makeConnection(StringTransport())
        asked = self.seen.ask(messages.Drain, deadline=1.0)
        link.connectionLost()
        self.failureResultOf(asked)
        self.assertEqual(takers.told, [self.seen])

    def test_suspect(self) -> None:
        """What it says of a member is passed on."""
        takers = Takers()
        ControlLink(takers, self.seen).suspect("m", "member_reset", "5 failures in a row")
        self.assertEqual(takers.told, [("m", "member_reset", "5 failures in a row")])
