"""Tests of L{fiberlb.workers.template}; what it forks is tested live."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase


class FitTests(SynchronousTestCase):
    """A fresh interpreter."""

    def said(self, text: str) -> str:
        """What a program prints."""
        found = subprocess.run(
            [sys.executable, "-P", "-c", text], capture_output=True, text=True, timeout=30
        )
        self.assertEqual(found.stderr, "")
        return found.stdout.strip()

    def test_fit(self) -> None:
        """All that a worker needs is imported, and still every worker can choose its reactor."""
        text = (
            "import fiberlb.workers.__main__, fiberlb.workers.template as t;"
            "[t.bare_context() for _ in range(2)]; print(t.unfit())"
        )
        self.assertEqual(self.said(text), "[]")

    def test_names(self) -> None:
        """Workers have nothing that asks for names, and what does brings no reactor along."""
        text = (
            "import sys, fiberlb.workers.__main__, fiberlb.workers.template;"
            "before = 'twisted.names' in sys.modules; import fiberlb.names.opening;"
            "print(before, 'twisted.internet.reactor' in sys.modules)"
        )
        self.assertEqual(self.said(text), "False False")

    def test_unfit(self) -> None:
        """A reactor that is there, or a thread, is told."""
        text = (
            "import klein, threading, fiberlb.workers.template as t;"
            "e = threading.Event(); w = threading.Thread(target=e.wait); w.start();"
            "print(len(t.unfit())); e.set()"
        )
        self.assertEqual(self.said(text), "3")
