"""Which of many objects differ from others."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.differing import differing
from tests.model.test_quick import objects


@attrs.frozen
class Counted:
    """One of whose fields does not count."""

    name: str
    number: int = attrs.field(default=0, eq=False)


class DifferingTests(SynchronousTestCase):
    """What is told is what comparing two objects tells."""

    def test_every_class(self) -> None:
        """Objects of every class with each other, and with equal ones made anew."""
        by_class: dict[Any, list[Any]] = {}
        for one in objects(Random(3)):
            by_class.setdefault(type(one), []).append(one)
        self.assertGreater(len(by_class), 20)
        for cls, several in by_class.items():
            others = [*several[1:], several[0]]
            wanted = [a != b for a, b in zip(several, others, strict=True)]
            self.assertEqual(differing(cls, several, others), wanted, cls)
            again = [attrs.evolve(one) for one in several]
            self.assertEqual(differing(cls, several, again), [False] * len(several), cls)

    def test_odd(self) -> None:
        """Fields that do not count, and objects of other classes."""
        one, same = Counted("a", 1), Counted("a", 2)
        self.assertEqual(differing(Counted, [one, one], [same, Counted("b")]), [False, True])
        self.assertEqual(differing(Counted, [one], ["a"]), [True])
