"""Tests of fiberlb.balancing.affinity_table."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.affinity_table import WAYS, WIDTH, AffinityTable, member_number


class TableTests(SynchronousTestCase):
    """Tables of a few places."""

    def table(self, buckets: int = 1) -> AffinityTable:
        """An empty one."""
        self.words = memoryview(bytearray(8 * WAYS * WIDTH * buckets)).cast("Q")
        return AffinityTable(self.words, 7)

    def test_remembered(self) -> None:
        """What was put, until it was not used for the timeout; the last one counts."""
        table = self.table()
        self.assertEqual(table.get(b"a", 100, None), 0)
        table.put(b"a", 5, 100)
        table.put(b"b", 6, 100)
        self.assertEqual((table.get(b"a", 100, 60), table.get(b"b", 100, 60)), (5, 6))
        self.assertEqual(table.get(b"a", 160, 60), 5)
        self.assertEqual(table.get(b"a", 220, 60), 5)
        self.assertEqual(table.get(b"b", 220, 60), 0)
        self.assertEqual(table.get(b"a", 281, 60), 0)
        table.put(b"a", 8, 300)
        self.assertEqual(table.get(b"a", 9000, None), 8)

    def test_bounded(self) -> None:
        """A new client takes the place of the one that was seen longest ago."""
        table = self.table()
        for number in range(WAYS):
            table.put(b"%d" % number, number + 1, 100 + number)
        table.get(b"0", 200, None)
        table.put(b"new", 99, 201)
        found = [table.get(b"%d" % number, 202, None) for number in range(WAYS)]
        self.assertEqual(found, [1, 0, *range(3, WAYS + 1)])
        self.assertEqual(table.get(b"new", 202, None), 99)

    def test_restarted_machine(self) -> None:
        """What is from a time to come is from before the clock began anew."""
        table = self.table()
        for number in range(WAYS):
            table.put(b"%d" % number, 5, 100000)
        self.assertEqual(table.get(b"1", 50, None), 0)
        table.put(b"1", 6, 50)
        table.put(b"x", 7, 50)
        self.assertEqual((table.get(b"1", 51, None), table.get(b"x", 51, None)), (6, 7))

    def test_torn(self) -> None:
        """A place that holds halves of two clients gives nobody's member."""
        table = self.table()
        number = member_number("m")
        table.put(b"a", number, 100)
        self.words[1] ^= 1
        self.assertEqual(table.get(b"a", 100, None), 0)
        self.words[1] ^= 1
        self.words[2] ^= 1 << 40
        self.assertNotEqual(table.get(b"a", 100, None), number)

    def test_many(self) -> None:
        """Clients are spread over all buckets."""
        table = self.table(64)
        for number in range(300):
            table.put(b"%d" % number, number + 1, 100)
        found = sum(table.get(b"%d" % number, 100, None) == number + 1 for number in range(300))
        self.assertGreater(found, 270)
