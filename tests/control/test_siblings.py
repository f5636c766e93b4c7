"""The children of a draft's objects."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.siblings import Siblings, parent_of
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.l7 import L7Policy
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.resource import Resource

POLICIES = L7Policy.COLLECTION


def policy(ident: str, listener: str) -> L7Policy:
    """One of a listener."""
    return L7Policy(id=ident, name=ident, listener_id=listener)


class SiblingsTests(SynchronousTestCase):
    """They are known before and after others come, asked for one by one or of many parents."""

    def setUp(self) -> None:
        there = {made.id: made for made in (policy("a", "1"), policy("b", "2"), policy("c", "1"))}
        before = Configuration(1, {POLICIES: there})
        self.objects: dict[str, dict[str, Resource]] = {c: {} for c in COLLECTIONS}
        self.objects[POLICIES].update(there)
        self.siblings = Siblings(self.objects, before)

    def come(self, ident: str, listener: str) -> None:
        """A policy is put in."""
        self.objects[POLICIES][ident] = policy(ident, listener)
        self.siblings.enter(POLICIES, [ident], [listener])

    def each(self) -> list[list[str]]:
        """The ids of the children of three listeners."""
        several = self.siblings.each(POLICIES, ["1", "2", "3"])
        self.assertEqual([*map(list, several)], [self.siblings.of(POLICIES, p) for p in "123"])
        return [[made.id for made in one] for one in several]

    def test_as_it_was(self) -> None:
        """Nothing came: nothing is gone through."""
        found = self.siblings.each(POLICIES, ["1", "2", "3"])
        self.assertEqual([[made.id for made in one] for one in found], [["a", "c"], ["b"], []])
        self.assertEqual(self.each(), [["a", "c"], ["b"], []])

    def test_came(self) -> None:
        """New ones come last, whether the others were asked for before or not."""
        self.come("d", "3")
        self.assertEqual(self.each(), [["a", "c"], ["b"], ["d"]])
        self.come("e", "1")
        self.come("a", "1")
        self.assertEqual(self.each(), [["a", "c", "e"], ["b"], ["d"]])

    def test_replaced(self) -> None:
        """What is told is what there is now."""
        self.come("b", "2")
        found = self.siblings.each(POLICIES, ["2"])
        self.assertIs(found[0][0], self.objects[POLICIES]["b"])

    def test_parent(self) -> None:
        """The parent's id, if there is one."""
        self.assertEqual(parent_of(policy("a", "1")), "1")
        self.assertEqual(parent_of(LoadBalancer(id="x")), "")
