"""Tests of C{fiberlb.balancing.peak_ewma}."""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.interface import Loaded
from fiberlb.balancing.peak_ewma import DECAY, FAILURE, Average, PeakEwma
from fiberlb.balancing.round_robin import RoundRobin
from tests.balancing.loaded import weighted


class AverageTests(SynchronousTestCase):
    """What a member costs."""

    def test_peaks(self) -> None:
        """It rises at once and falls slowly."""
        average = Average()
        self.assertEqual(average.cost(5.0), 0.0)
        average.observe(10.0, 0.1)
        average.observe(10.0, 2.0)
        self.assertEqual(average.cost(10.0), 2.0)
        average.observe(10.1, 0.1)
        self.assertGreater(average.cost(10.1), 1.9)
        self.assertLess(average.cost(10.1 + 5 * DECAY), 0.02)

    def test_failures(self) -> None:
        """They cost more than the time they take, more and more, up to a bound."""
        average = Average()
        average.fail(1.0)
        self.assertEqual(average.cost(1.0), FAILURE)
        average.fail(1.0)
        self.assertEqual(average.cost(1.0), 2 * FAILURE)
        for _ in range(20):
            average.fail(1.0)
        self.assertEqual(average.cost(1.0), 60.0)


class Server:
    """A simulation: members that take as long as they take, and requests at a steady rate."""

    def __init__(self, seconds: list[float], seed: int) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.random = Random(seed)
        self.members = weighted(**{f"m{n}": 1 for n in range(len(seconds))})
        for _, _, member in self.members:
            member.latency = Average()

    def run(self, balancer: PeakEwma | RoundRobin[Loaded], requests: int = 4000) -> list[float]:
        """How long each request took; members serve one request after the other."""
        balancer.update(self.members)
        free = {id(member): 0.0 for _, _, member in self.members}
        speed = {id(m): s for (_, _, m), s in zip(self.members, self.seconds, strict=True)}
        ends: list[tuple[float, float, int, Loaded]] = []
        took = []
        for number in range(requests):
            self.now += 0.01
            while ends and ends[0][0] <= self.now:
                end, began, _, member = heappop(ends)
                member.in_flight -= 1
                assert isinstance(member.latency, Average)
                member.latency.observe(end, end - began)
            picked = balancer.pick()
            assert picked is not None
            picked.in_flight += 1
            spent = speed[id(picked)] * self.random.uniform(0.8, 1.2)
            end = free[id(picked)] = max(free[id(picked)], self.now) + spent
            heappush(ends, (end, self.now, number, picked))
            took.append(end - self.now)
        return sorted(took)


class PeakEwmaTests(SynchronousTestCase):
    """Of two the one that is likely to answer sooner."""

    def test_slow_member(self) -> None:
        """One member of four is ten times slower: the 99th percentile is a fraction of turns'."""
        seconds = [0.02, 0.02, 0.02, 0.2]
        turns = Server(seconds, 1).run(RoundRobin())
        server = Server(seconds, 1)
        drawn = server.run(PeakEwma(server.random.random, lambda: server.now))
        place = len(drawn) * 99 // 100
        self.assertLess(drawn[place], turns[place] / 5)

    def test_unknown(self) -> None:
        """Of members that nothing is known of, one with requests is not preferred."""
        balancer = PeakEwma(Random(1).random, lambda: 0.0)
        members = weighted(a=1, b=1)
        members[0][2].in_flight = 3
        balancer.update(members)
        self.assertEqual({balancer.pick() for _ in range(20)}, {members[1][2]})
