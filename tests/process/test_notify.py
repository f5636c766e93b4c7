"""Tests of L{fiberlb.process.notify}: with a socket of this process."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.process.notify import LONGEST, Notify, notify, status, watchdog
from tests.support.notified import Listening


class NotifyTests(SynchronousTestCase):
    """Sending."""

    def listening(self, abstract: bool) -> tuple[Listening, Notify]:
        """Both ends."""
        heard = Listening(abstract=abstract)
        self.addCleanup(heard.close)
        sent = notify({"NOTIFY_SOCKET": heard.address})
        assert sent is not None
        self.addCleanup(sent.close)
        return heard, sent

    def test_sent(self) -> None:
        """At a path and at an abstract address."""
        for abstract in (False, True):
            heard, sent = self.listening(abstract)
            self.assertTrue(sent.send("READY=1\nSTATUS=a=b"))
            self.assertEqual(heard.hear(1), {"READY": "1", "STATUS": "a=b"})

    def test_not_taken(self) -> None:
        """A queue that is full does not block, and a manager that is gone is no error."""
        heard, sent = self.listening(False)
        for _ in range(100_000):
            if not sent.send("WATCHDOG=1"):
                break
        else:
            self.fail("the queue has no end")
        os.rename(heard.address, heard.address + "-")
        self.assertFalse(sent.send("READY=1"))
        os.rename(heard.address + "-", heard.address)
        while heard.hear(0) is not None:
            pass
        self.assertTrue(sent.send("READY=1"))

    def test_nobody(self) -> None:
        """Without an address, or with one of another kind, nothing is told."""
        for text in ("", "@", "/", "vsock:2:1", "name"):
            self.assertIsNone(notify({"NOTIFY_SOCKET": text}), text)
        self.assertIsNone(notify({}))


class ValueTests(SynchronousTestCase):
    """What is read and written."""

    def test_watchdog(self) -> None:
        """Seconds; nothing, none and nonsense are for ever."""
        self.assertEqual(watchdog({"WATCHDOG_USEC": "1500000"}), 1.5)
        for text in ("", "0", "-1", "x", "\u0661"):
            self.assertIsNone(watchdog({"WATCHDOG_USEC": text}), text)
        self.assertIsNone(watchdog({}))

    def test_status(self) -> None:
        """One line, of a bounded length: a message of several lines adds no state."""
        self.assertEqual(status("a\nREADY=1"), "STATUS=a READY=1")
        self.assertEqual(len(status("x" * 9999)), len("STATUS=") + LONGEST)
