"""Tests of L{fiberlb.workers.living}."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.living import LIVING, hold_life, tell_draining
from fiberlb.workers.takeover import living


class LivingTests(SynchronousTestCase):
    """The file of a worker."""

    def setUp(self) -> None:
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        self.path = os.path.join(self.directory, f"{LIVING}{os.getpid()}")

    def test_lives(self) -> None:
        """It is locked for as long as the process lives."""
        self.assertEqual(hold_life(self.directory), self.path)
        self.assertEqual(living(self.directory, LIVING), {os.getpid()})

    def test_drains(self) -> None:
        """It says so; none is made for that, and nowhere where there is no directory."""
        tell_draining(self.directory)
        self.assertFalse(os.path.exists(self.path))
        Path(self.path).touch()
        tell_draining(self.directory)
        self.assertEqual(Path(self.path).read_text("ascii"), "drains")
        tell_draining("")
