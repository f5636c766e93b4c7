"""Tests of fiberlb.commands.waiting."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

_PROGRAM = (
    "from fiberlb.commands.waiting import Waiting\n"
    "with Waiting() as waiting:\n    waiting.tell('1 of 2')\nprint('done')"
)


class WaitingTests(SynchronousTestCase):
    """What is shown meanwhile."""

    def test_terminal(self) -> None:
        """One line that goes away, beside the output."""
        ours, theirs = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=120,
            check=True,
        )
        os.close(theirs)
        shown = os.read(ours, 65536)
        os.close(ours)
        self.assertEqual((done.stdout, shown), (b"done\n", b"\r\x1b[K1 of 2\r\x1b[K"))

    def test_elsewhere(self) -> None:
        """Nothing where nobody looks."""
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], capture_output=True, timeout=120, check=True
        )
        self.assertEqual((done.stdout, done.stderr), (b"done\n", b""))
