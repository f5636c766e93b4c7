"""Tests of L{fiberlb.workers.board}."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.board import COLUMNS, NAME, ROWS, STEP, Board, at_descriptor
from tests.support.programs import temporary_directory


class BoardTests(SynchronousTestCase):
    """Two processes' views of one file."""

    def setUp(self) -> None:
        """Control's and a worker's."""
        self.path = Path(temporary_directory(), NAME)
        self.control, self.worker = Board(str(self.path)), Board(str(self.path))

    def test_sum(self) -> None:
        """A worker adds up what all have written; what a dead one had is gone."""
        columns = self.control.columns(["a", "b"], 1, 1)
        rows = [self.worker.claim(pid) for pid in (11, 12)]
        self.assertEqual(rows, [0, 1])
        one, two = (self.worker.share(row, columns["b"]) for row in (0, 1))
        one.write(3)
        two.write(4)
        self.assertEqual((one.total(), self.control.total(columns["b"])), (7, 7))
        self.assertEqual(self.control.total(columns["a"]), 0)
        self.control.release(11)
        self.assertEqual(two.total(), 4)
        self.assertEqual(self.worker.claim(13), 0)
        self.control.keep({13})
        self.assertEqual(self.control.total(columns["b"]), 0)

    def test_grows(self) -> None:
        """Room is made when it is needed, for those too who have the file open already."""
        row = self.worker.claim(11)
        assert row is not None
        size = self.path.stat().st_blocks
        given = self.control.columns([str(n) for n in range(STEP + 1)], 1, 1)
        self.assertEqual(len(set(given.values())), STEP + 1)
        self.assertGreater(self.path.stat().st_blocks, size)
        share = self.worker.share(row, given[str(STEP)])
        share.write(3)
        self.assertEqual(self.control.total(given[str(STEP)]), 3)
        self.control.release(11)
        self.assertEqual(share.total(), 0)
        again = Board(str(self.path)).columns([str(n) for n in range(STEP + 1)], 2, 2)
        self.assertEqual(again, given)

    def test_full(self) -> None:
        """There are so many rows, and so many columns."""
        self.assertNotIn(None, [self.worker.claim(pid) for pid in range(1, ROWS + 1)])
        self.assertIsNone(self.worker.claim(9999))
        given = self.control.columns([str(n) for n in range(COLUMNS + 1)], 1, 1)
        self.assertEqual(len(given), COLUMNS)

    def test_columns(self) -> None:
        """A listener keeps its column, for another control process too; one is given again late."""
        first = self.control.columns(["a"], 1, 1)
        again = Board(str(self.path))
        self.assertEqual(again.columns(["b", "a"], 2, 1)["a"], first["a"])
        again.columns(["b"], 3, 2)
        self.assertNotEqual(again.columns(["b", "c"], 4, 2)["c"], first["a"])
        again.columns(["b"], 5, 3)
        self.assertEqual(again.columns(["b", "d"], 6, 6)["d"], first["a"])

    def test_another_form(self) -> None:
        """A file of another version is left to those who have it."""
        self.path.write_bytes(b"another")
        Board(str(self.path)).claim(1)
        self.assertEqual(self.path.stat().st_size, 8 * (8 + ROWS + COLUMNS + ROWS * COLUMNS))
        self.assertLess(self.path.stat().st_blocks * 512, 4_000_000, "what is not used takes none")

    def test_shares(self) -> None:
        """Shares of the same place are equal."""
        self.assertEqual(self.worker.share(0, 1), self.worker.share(0, 1))
        self.assertEqual(len({self.worker.share(0, 1), self.worker.share(1, 1)}), 2)

    def test_in_memory(self) -> None:
        """One without a file is opened by the number that it has in a process."""
        number = os.memfd_create("board", os.MFD_CLOEXEC)
        self.addCleanup(os.close, number)
        control, worker = Board(at_descriptor(number)), Board(at_descriptor(number))
        column = control.columns(["a"], 1, 1)["a"]
        row = worker.claim(11)
        assert row is not None
        worker.share(row, column).write(3)
        self.assertEqual(control.total(column), 3)
