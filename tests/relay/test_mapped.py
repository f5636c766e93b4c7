"""Tests of fiberlb.relay.mapped."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.affinity_table import SIZE
from fiberlb.relay.mapped import TABLE, client_table, open_table


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
