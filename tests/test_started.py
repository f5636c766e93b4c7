"""Tests of L{fiberlb.started}: what needs no process; the rest is tested live."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.scripts._twistd_unix import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.started import Process
from fiberlb.succession import VARIABLE, tell
from fiberlb.tap import Options
from fiberlb.workers.upgrade import Refused


class ProcessTests(SynchronousTestCase):
    """Before and after twistd has done its part."""

    def process(self, twistd: Any) -> Process:
        """One that was started with these options of twistd."""
        made = Process(twistd, Options(), None)
        self.addCleanup(made.waiting.tell)
        return made

    def test_pid_file(self) -> None:
        """That of an image before this one is removed by twistd at the end, as its own is."""
        twistd = {"pidfile": "/x/own.pid"}
        self.process(twistd).settle()
        self.assertEqual(twistd["pidfile"], "/x/own.pid")
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self.addCleanup(signal.pthread_sigmask, signal.SIG_SETMASK, masked)
        os.environ.update(tell(os.getpid(), held={}, pid_file="/x/before.pid"))
        twistd = {"pidfile": ""}
        process = self.process(twistd)
        self.assertNotIn(VARIABLE, os.environ)
        process.settle()
        self.assertEqual(twistd["pidfile"], "/x/before.pid")

    def test_log(self) -> None:
        """The log that twistd is about to make; one that is there is somebody's."""
        path = os.path.abspath(self.mktemp())
        words = ["twistd", "-n", "-l", path, "fiberlb"]
        self.patch(sys, "argv", words)
        self.patch(sys, "orig_argv", ["python", *words])
        self.assertEqual(self.process(ServerOptions()).log, path)
        with open(path, "w", encoding="ascii"):
            pass
        self.assertIsNone(self.process(ServerOptions()).log)

    def test_unknown(self) -> None:
        """Not started by twistd: it cannot be upgraded."""
        self.patch(sys, "argv", ["trial"])
        process: Any = self.process({})
        done = Deferred.fromCoroutine(process.upgrade(None))
        self.failureResultOf(done, Refused)
