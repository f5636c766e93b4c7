"""Sieves: who can match, by one search; and what happens when that is slow."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType, L7Rule, PolicyAction, RuleType
from fiberlb.routing.candidates import MOST_ELEMENTS
from fiberlb.routing.entries import Entry, Row
from fiberlb.routing.linear import LARGEST_SIEVE, Engine, Linear, Search, installed
from fiberlb.routing.patterns import PERIOD, RULE_LIMIT, Budget
from fiberlb.routing.request import Request
from fiberlb.routing.sieve import LEAST_SIEVED, LONGEST_TEXT, SLOW, Sieve, sieved, sieves
from tests.routing.made import path_rule, policy, request, rule
from tests.routing.test_policies import compiled, done

REGEX = CompareType.REGEX


class Scripted(Linear):
    """
    In place of RE2: every pattern is of one size and is found.

    @ivar sets: the patterns of each set.
    """

    def __init__(self, size: int | None, room: bool = True) -> None:
        self.sets: list[Sequence[bytes]] = []
        self._size = size
        self._room = room

    def size(self, source: bytes) -> int | None:
        """The same for all."""
        return self._size

    def search(self, sources: Sequence[bytes], large: bool = False) -> Search | None:
        """Finds them all."""
        self.sets.append(tuple(sources))
        return (lambda text: range(len(sources))) if self._room else None


class SieveTests(SynchronousTestCase):
    """One set."""

    def setUp(self) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.searched = 0

    def clock(self) -> float:
        """Time goes on by what a search takes."""
        return self.now

    def search(self, text: bytes) -> Sequence[int] | None:
        """Finds the patterns 0 and 2, in the time that it is told to take."""
        self.searched += 1
        self.now += self.takes
        return None if text == b"none" else [0, 2]

    def sieve(self) -> Sieve:
        """Three patterns, of two owners."""
        return Sieve(self.search, [4, 4, 9], self.clock)

    def test_owners(self) -> None:
        """Whose patterns are found; nobody knows when RE2 does not."""
        made = self.sieve()
        self.assertEqual(made.owners, (4, 9))
        self.assertEqual(made.find(b"a"), [4, 9])
        self.assertIsNone(made.find(b"none"))

    def test_long(self) -> None:
        """Long texts are not searched."""
        made = self.sieve()
        self.assertIsNone(made.find(b"a" * (LONGEST_TEXT + 1)))
        self.assertEqual(self.searched, 0)
        self.assertIsNotNone(made.find(b"a" * LONGEST_TEXT))

    def test_slow(self) -> None:
        """After too much time in slow searches there are none until the second is over."""
        made = self.sieve()
        self.takes = RULE_LIMIT / 4
        for _ in range(5):
            self.assertIsNotNone(made.find(b"a"))
        self.assertIsNone(made.find(b"a"))
        self.assertEqual(self.searched, 5)
        self.now += PERIOD
        self.assertIsNotNone(made.find(b"a"))
        self.assertIsNotNone(made.find(b"a"))

    def test_quick(self) -> None:
        """Ordinary searches do not add up, however many there are."""
        made = self.sieve()
        self.takes = SLOW * 0.9
        for _ in range(1000):
            self.assertIsNotNone(made.find(b"a"))


class PortionTests(SynchronousTestCase):
    """Rules into sets."""

    def portions(self, linear: Scripted, *rules: Sequence[bytes]) -> tuple[list[Sieve], list[int]]:
        """Sets of these rules' patterns, and whose are in none."""
        return done(sieves(list(enumerate(rules)), linear, lambda: 0.0))

    def test_size(self) -> None:
        """As many patterns in a set as it may hold, a rule's own never in two."""
        linear = Scripted(LARGEST_SIEVE // 4)
        made, left = self.portions(linear, [b"a"], [b"b", b"c"], [b"d", b"e"], [b"f"])
        self.assertEqual(linear.sets, [(b"a", b"b", b"c"), (b"d", b"e", b"f")])
        self.assertEqual([one.owners for one in made], [(0, 1), (2, 3)])
        self.assertEqual(left, [])
        self.assertEqual(made[1].find(b"x"), [2, 2, 3])

    def test_left(self) -> None:
        """Rules that RE2 does not take, or has no room for, are in none."""
        self.assertEqual(self.portions(Scripted(None), [b"a"], [b"b"]), ([], [0, 1]))
        self.assertEqual(self.portions(Scripted(LARGEST_SIEVE), [b"a", b"b"]), ([], [0]))
        self.assertEqual(self.portions(Scripted(1, room=False), [b"a", b"b"], [b"c"]), ([], [0, 1]))
        self.assertEqual(self.portions(Scripted(1)), ([], []))


class EntryTests(SynchronousTestCase):
    """Policies into sieves."""

    def sieved(
        self, *some: tuple[L7Rule, ...], engine: Engine = installed
    ) -> tuple[set[int], list[int]]:
        """
        Places of the policies that C{self.asked} can match, of those found by sieves;
        and of those that are in none.
        """
        budget = Budget(lambda: 0.0, lambda rule_id, why: None, engine)
        reject = PolicyAction.REJECT
        made = compiled(*[policy(str(n), *rules, action=reject) for n, rules in enumerate(some)])
        entries = [Entry(n, one, one.rules, ()) for n, one in enumerate(made)]
        collects, left = done(sieved(entries, budget))
        found: list[Row] = []
        for collect in collects:
            collect(self.asked, found)
        return {position for position, _, _ in found}, [one.position for one in left]

    asked: Request = request(b"/a5/x")

    def patterns(self, count: int) -> list[tuple[L7Rule, ...]]:
        """Policies that nothing leads to."""
        return [(path_rule(f"[a-c]{number}/", REGEX),) for number in range(count)]

    def test_found(self) -> None:
        """Those whose pattern is in the request's text."""
        self.assertEqual(self.sieved(*self.patterns(10)), ({5}, []))

    def test_few(self) -> None:
        """A few are evaluated instead, and all where there is no RE2."""
        few = self.patterns(LEAST_SIEVED - 1)
        self.assertEqual(self.sieved(*few), (set(), list(range(LEAST_SIEVED - 1))))
        many = self.patterns(10)
        self.assertEqual(self.sieved(*many, engine=lambda: None), (set(), list(range(10))))

    def test_others(self) -> None:
        """What RE2 does not take and what is inverted stays, in order."""
        some = self.patterns(10)
        some[3] = (path_rule("(?=a)", REGEX),)
        some[1] = (path_rule("a", REGEX, invert=True),)
        some[7] = (path_rule("(?=a)", REGEX), path_rule("5", CompareType.CONTAINS))
        self.assertEqual(self.sieved(*some), ({5, 7}, [1, 3]))

    def test_aspects(self) -> None:
        """Each aspect has sieves of its own, if it has policies enough."""
        headers = [
            (rule(RuleType.HEADER, CompareType.CONTAINS, f"{n}", key="X-A"),) for n in range(10)
        ]
        self.asked = request(b"/a5/x", b"h", b"X-A: 1, 2")
        found = self.sieved(*self.patterns(10), *headers, (path_rule("/x", CompareType.CONTAINS),))
        self.assertEqual(found, ({5, 11, 12, 20}, []))
        found = self.sieved(*self.patterns(10), *headers[:3])
        self.assertEqual(found, ({5}, [10, 11, 12]))

    def test_undecided(self) -> None:
        """Where a request has more than is looked at, everybody can match."""
        rules = [
            (rule(RuleType.HEADER, CompareType.CONTAINS, f"q{n}", key="X-A"),) for n in range(10)
        ]
        self.asked = request(b"/", b"h", b"X-A: " + b"a," * MOST_ELEMENTS + b"b")
        self.assertEqual(self.sieved(*rules), (set(range(10)), []))
        self.asked = request(b"/", b"h", b"X-A: " + b"a" * LONGEST_TEXT + b"b")
        self.assertEqual(self.sieved(*rules), (set(range(10)), []))
        self.asked = request()
        self.assertEqual(self.sieved(*rules), (set(), []))
