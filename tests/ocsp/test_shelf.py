"""Tests of fiberlb.ocsp.shelf."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.ocsp import MOST_RESPONSE
from fiberlb.ocsp.shelf import Shelf

A, B = "a" * 64, "b" * 64


class ShelfTests(SynchronousTestCase):
    """A directory of responses."""

    def setUp(self) -> None:
        """One that is not there yet."""
        self.path = Path(self.mktemp())
        self.shelf = Shelf(str(self.path))

    def test_kept(self) -> None:
        """Saved, replaced, read again, forgotten."""
        self.assertEqual(self.shelf.load(), {})
        self.shelf.save(A, b"1")
        self.shelf.save(A, b"2")
        self.shelf.save(B, b"3")
        self.assertEqual(Shelf(str(self.path)).load(), {A: b"2", B: b"3"})
        self.shelf.forget(A)
        self.shelf.forget(A)
        self.assertEqual([path.name for path in self.path.iterdir()], [f"{B}.der"])

    def test_others(self) -> None:
        """Other files, and what is too large, are left alone."""
        self.path.mkdir()
        for name in ("x.der", f"{A}.new", f"{A}.der"):
            (self.path / name).write_bytes(b"0" * (MOST_RESPONSE + 1))
        self.assertEqual(self.shelf.load(), {})

    def test_nowhere(self) -> None:
        """Without a directory nothing is kept."""
        shelf = Shelf(None)
        shelf.save(A, b"1")
        shelf.forget(A)
        self.assertEqual(shelf.load(), {})

    def test_failures(self) -> None:
        """What cannot be written or read is told, and is no reason to stop."""
        self.path.write_text("a file where the directory should be")
        with capturedLogs() as caught:
            self.shelf.save(A, b"1")
            self.shelf.forget(A)
        self.assertEqual(len(caught), 2)
        self.assertEqual(self.shelf.load(), {})
        odd = Path(self.mktemp())
        (odd / f"{A}.der").mkdir(parents=True)
        with capturedLogs() as caught:
            self.assertEqual(Shelf(str(odd)).load(), {})
        self.assertEqual(len(caught), 1)
