"""Who has come how often."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.treatment.buckets import PLACES, SECOND, SIZE, WAYS, WIDTH, BucketTable, Rates

INTERVAL = SECOND // 100


def table(buckets: int = 64) -> BucketTable:
    """A small one."""
    return BucketTable(memoryview(bytearray(buckets * WAYS * WIDTH * 8)).cast("Q"), 1)


class TakeTests(SynchronousTestCase):
    """One key."""

    def test_burst(self) -> None:
        """As many as the burst at once, then one in each interval."""
        made, now = table(), 5 * SECOND
        told = [made.take(b"a", now, INTERVAL, 10) for _ in range(12)]
        self.assertEqual(told, [0] * 10 + [INTERVAL] * 2)
        self.assertEqual(made.take(b"a", now + INTERVAL - 1, INTERVAL, 10), 1)
        self.assertEqual(made.take(b"a", now + INTERVAL, INTERVAL, 10), 0)
        self.assertEqual(made.take(b"a", now + INTERVAL, INTERVAL, 10), INTERVAL)

    def test_apart(self) -> None:
        """Keys do not know of each other."""
        made = table()
        self.assertEqual([made.take(b"a", 1, INTERVAL, 1) for _ in range(2)], [0, INTERVAL])
        self.assertEqual(made.take(b"b", 1, INTERVAL, 1), 0)

    def test_another_clock(self) -> None:
        """A time from before the machine was started anew is not waited for."""
        made = table()
        for _ in range(10):
            made.take(b"a", 90 * 86400 * SECOND, INTERVAL, 10)
        self.assertEqual(made.take(b"a", SECOND, INTERVAL, 10), 0)

    def test_a_little_ahead(self) -> None:
        """Another process's clock, which is ahead by a turn, is believed."""
        made = table()
        for _ in range(10):
            made.take(b"a", 2 * SECOND, INTERVAL, 10)
        self.assertEqual(made.take(b"a", SECOND, INTERVAL, 10), SECOND + INTERVAL)

    def test_flood(self) -> None:
        """However many keys there are, the table has its size, and who came last is known."""
        made = table(4)
        for number in range(1000):
            made.take(b"%d" % number, number, INTERVAL, 1)
        self.assertEqual(made.take(b"999", 1000, INTERVAL, 1), INTERVAL - 1)
        self.assertEqual(made.take(b"0", 1000, INTERVAL, 1), 0)

    def test_rates(self) -> None:
        """It is made when it is needed first."""
        rates = Rates()
        self.assertIs(rates.table, rates.table)
        self.assertEqual(SIZE, PLACES * WIDTH * 8)


class PropertyTests(SynchronousTestCase):
    """Whatever comes, and whenever."""

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 3 * INTERVAL), st.sampled_from(b"abc")), max_size=200),
        st.integers(1, 20),
    )
    def test_never_more(self, pauses: list[tuple[int, int]], burst: int) -> None:
        """In no stretch of time more than its rate and the burst are let in."""
        made, now = table(), SECOND
        admitted: dict[int, list[int]] = defaultdict(list)
        for pause, key in pauses:
            now += pause
            wait = made.take(bytes([key]), now, INTERVAL, burst)
            if not wait:
                admitted[key].append(now)
            else:
                # So long, and not a moment longer.
                self.assertGreater(wait, 0)
        for times in admitted.values():
            for first, begin in enumerate(times):
                for count, end in enumerate(times[first:], 1):
                    self.assertLessEqual(count, (end - begin) / INTERVAL + burst)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.integers(0, 2 * INTERVAL), max_size=200), st.integers(1, 5))
    def test_always_those_below(self, extra: list[int], burst: int) -> None:
        """Who comes no more often than the rate is never refused, whoever else comes."""
        made, now = table(), SECOND
        for pause in extra:
            now += INTERVAL + pause
            self.assertEqual(made.take(b"calm", now, INTERVAL, burst), 0)
            for _ in range(burst + 1):
                made.take(b"greedy", now, INTERVAL, burst)

    @settings(max_examples=100, deadline=None)
    @given(st.integers(1, 50), st.integers(1, 1000))
    def test_come_again(self, burst: int, later: int) -> None:
        """Who waits as long as it is told is let in, who does not is not."""
        made, now = table(), SECOND
        wait = 0
        while not wait:
            wait = made.take(b"a", now, INTERVAL, burst)
        self.assertEqual(made.take(b"a", now + wait - 1, INTERVAL, burst), 1)
        self.assertEqual(made.take(b"a", now + wait, INTERVAL, burst), 0)
        self.assertEqual(made.take(b"b", now + later, INTERVAL, burst), 0)
