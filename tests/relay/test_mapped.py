"""Tests of fiberlb.relay.mapped."""

from __future__ import annotations

import os
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.affinity_table import SIZE
from fiberlb.relay.mapped import RATES, TABLE, client_table, open_table, rate_table
from fiberlb.treatment.buckets import SECOND, BucketTable


class MappedTests(SynchronousTestCase):
    """Tables in a file."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.path = self.directory / TABLE

    def test_shared(self) -> None:
        """What one process puts another one finds, also one that comes later."""
        one = open_table(str(self.path), os.urandom)
        two = open_table(str(self.path), os.urandom)
        one.put(b"a", 5, 100)
        self.assertEqual(two.get(b"a", 100, None), 5)
        del one, two
        self.assertEqual(open_table(str(self.path), os.urandom).get(b"a", 100, None), 5)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertGreater(self.path.stat().st_blocks * 512, SIZE)

    def test_other_form(self) -> None:
        """A file of another form makes room."""
        self.path.write_bytes(b"x" * 100)
        table = open_table(str(self.path), os.urandom)
        self.assertEqual(table.get(b"a", 100, None), 0)

    def test_without(self) -> None:
        """Without a directory, or where nothing can be written, it is of the process alone."""
        self.assertEqual(client_table(None, os.urandom).get(b"a", 100, None), 0)
        table = client_table(str(self.directory / "nope"), os.urandom)
        table.put(b"a", 5, 100)
        self.assertEqual(table.get(b"a", 100, None), 5)


class RatesTests(SynchronousTestCase):
    """The table of who has come how often."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def test_shared(self) -> None:
        """Processes that map the file count together."""
        one, two = (rate_table(str(self.directory), os.urandom) for _ in range(2))
        self.assertEqual([one.take(b"a", 1, SECOND, 2), two.take(b"a", 1, SECOND, 2)], [0, 0])
        self.assertEqual([t.take(b"a", 1, SECOND, 2) for t in (one, two)], [SECOND, SECOND])
        self.assertEqual((self.directory / RATES).stat().st_mode & 0o777, 0o600)

    def test_without(self) -> None:
        """Without a directory, or where nothing can be written, it is of the process alone."""
        for directory in (None, str(self.directory / "nope")):
            one, two = (rate_table(directory, os.urandom) for _ in range(2))
            self.assertEqual([t.take(b"a", 1, SECOND, 1) for t in (one, two)], [0, 0])
        self.assertEqual(len(self.flushLoggedErrors()), 0)

    def test_together(self) -> None:
        """Two processes at once let in what the rate allows, and hardly anything more."""
        interval, burst, began = SECOND // 5000, 500, time.monotonic_ns()
        until = began + SECOND // 2
        ends = [self.greedy(interval, burst, until) for _ in range(2)]
        admitted = 0
        for pid, end in ends:
            with os.fdopen(end, "rb") as told:
                admitted += int(told.read())
            os.waitpid(pid, 0)
        allowed = (time.monotonic_ns() - began) / interval + burst
        self.assertLess(admitted, allowed * 1.02)
        self.assertGreater(admitted, burst)

    def greedy(self, interval: int, burst: int, until: int) -> tuple[int, int]:
        """A process that comes as often as it can: its id, and where it tells the count."""
        mine, theirs = os.pipe()
        pid = os.fork()
        if pid:
            os.close(theirs)
            return pid, mine
        try:
            table = rate_table(str(self.directory), os.urandom)
            os.write(theirs, str(_admitted(table, interval, burst, until)).encode())
        finally:
            os._exit(0)


def _admitted(table: BucketTable, interval: int, burst: int, until: int) -> int:
    count = 0
    while (now := time.monotonic_ns()) < until:
        count += not table.take(b"a", now, interval, burst)
    return count
