"""Tests of L{fiberlb.starting}."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.starting import EXPECTED, TAKE_OVER, CannotStart, break_off, sentence
from fiberlb.workers.living import LIVING


class SentenceTests(SynchronousTestCase):
    """Reasons in words."""

    def test_words(self) -> None:
        """Each kind of reason says what it is about."""
        busy = CannotListenError("127.0.0.1", 80, OSError(errno.EADDRINUSE, "in use"))
        missing = FileNotFoundError(errno.ENOENT, "not there", "/x")
        self.assertEqual(sentence(busy), "the admin API cannot listen on 127.0.0.1:80: in use")
        self.assertEqual(sentence(missing), "/x: not there")
        self.assertEqual(sentence(CannotStart("because")), "because")
        self.assertEqual(sentence(CannotStart()), "CannotStart")

    def test_expected(self) -> None:
        """A defect is none of the reasons."""
        self.assertFalse(issubclass(AssertionError, EXPECTED))


class BreakOffTests(SynchronousTestCase):
    """A process that is asked to end while it starts."""

    def setUp(self) -> None:
        """A start, and a state directory without workers."""
        self.clock = Clock()
        self.ends: list[object] = []
        self.starting: Deferred[None] = Deferred()
        self.starting.addErrback(self.ends.append)
        self.directory = self.mktemp()
        Path(self.directory).mkdir()

    def break_off(self, directory: str | None) -> Deferred[None]:
        """What comes of it."""
        return Deferred.fromCoroutine(break_off(self.starting, self.clock, directory))

    def worker(self) -> None:
        """A worker lives."""
        file = open(Path(self.directory, f"{LIVING}1"), "w")  # noqa: SIM115
        self.addCleanup(file.close)
        fcntl.flock(file, fcntl.LOCK_EX)

    def test_at_once(self) -> None:
        """Nobody is to be taken over."""
        for directory in (None, self.directory):
            self.setUp()
            self.successResultOf(self.break_off(directory))
            self.assertEqual(len(self.ends), 1)

    def test_taken_over(self) -> None:
        """With workers it goes on to its end."""
        self.worker()
        done = self.break_off(self.directory)
        self.assertNoResult(done)
        self.starting.callback(None)
        self.successResultOf(done)
        self.assertEqual((self.ends, self.clock.getDelayedCalls()), ([], []))
        self.successResultOf(self.break_off(self.directory))

    def test_too_long(self) -> None:
        """But not for ever."""
        self.worker()
        done = self.break_off(self.directory)
        self.clock.advance(TAKE_OVER)
        self.successResultOf(done)
        self.assertEqual(len(self.ends), 1)
