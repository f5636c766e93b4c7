"""Tests of L{fiberlb.background}."""

from __future__ import annotations

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.background import Starter


class StarterTests(SynchronousTestCase):
    """Whoever waits is told once."""

    def setUp(self) -> None:
        """A terminal, and the pipe of twistd."""
        self.terminal, terminal = os.pipe()
        self.pipe, pipe = os.pipe()
        self.options: dict[str, Any] = {}
        self.starter = Starter(self.options, terminal)
        os.close(terminal)
        self.options["statusPipe"] = pipe
        for fd in (self.terminal, self.pipe):
            self.addCleanup(os.close, fd)

    def test_good(self) -> None:
        """Twistd says nothing; the word for good comes when it has begun."""
        self.starter.keep_waiting()
        self.assertTrue(self.starter.waits)
        self.assertIsNone(self.options["statusPipe"])
        self.starter.tell()
        self.assertEqual(os.read(self.pipe, 100), b"0")
        self.assertEqual((os.read(self.pipe, 100), os.read(self.terminal, 100)), (b"", b""))
        self.starter.tell()

    def test_bad(self) -> None:
        """The reason is on the terminal, whole."""
        self.starter.keep_waiting()
        self.starter.tell("no " * 100)
        self.assertEqual(os.read(self.terminal, 1000).decode(), f"fiberlb: {'no ' * 100}\n")
        os.set_blocking(self.pipe, False)
        self.assertRaises(BlockingIOError, os.read, self.pipe, 100)
        self.starter.leave()
        self.assertTrue(os.read(self.pipe, 100).startswith(b"1 "))

    def test_foreground(self) -> None:
        """Nobody waits, and who reads has gone."""
        os.close(self.options.pop("statusPipe"))
        self.starter.keep_waiting()
        self.assertFalse(self.starter.waits)
        self.starter.tell("no")
        self.assertEqual(os.read(self.terminal, 100), b"fiberlb: no\n")

    def test_without_a_terminal(self) -> None:
        """Started with its standard error closed."""
        starter = Starter({}, 9999)
        starter.keep_waiting()
        starter.tell("no")
        os.close(self.options["statusPipe"])
