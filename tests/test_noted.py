"""Tests of L{fiberlb.noted}."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.noted import Noted


class NotedTests(SynchronousTestCase):
    """A file from one process to the next."""

    def setUp(self) -> None:
        """A directory."""
        self.path = Path(self.mktemp())
        self.path.mkdir()
        self.file = self.path / "n.json"
        self.noted = Noted(str(self.file))

    def test_kept(self) -> None:
        """What is written is read, by nobody else; nothing else is left there."""
        self.assertEqual(self.noted.read(), {})
        self.noted.write({"a": [1]})
        self.noted.write({"a": [2]})
        self.assertEqual(Noted(str(self.file)).read(), {"a": [2]})
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(os.listdir(self.path), ["n.json"])

    def test_nonsense(self) -> None:
        """What makes no sense is as if there were nothing."""
        for text in (b"", b"{", b"[1]", b"\xff"):
            self.file.write_bytes(text)
            self.assertEqual(self.noted.read(), {})

    def test_nowhere(self) -> None:
        """Without a path nothing is kept."""
        noted = Noted(None)
        noted.write({"a": 1})
        self.assertEqual(noted.read(), {})

    def test_not_written(self) -> None:
        """That it cannot be written is told once each time that begins."""
        gone = self.path.with_name("gone")
        with capturedLogs() as caught:
            for _ in range(2):
                self.path.rename(gone)
                self.noted.write({})
                self.noted.write({})
                gone.rename(self.path)
                self.noted.write({})
        self.assertEqual(len(caught), 2)
