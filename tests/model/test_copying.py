"""Objects like others but for some fields."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.copying import COPIERS, all_replacers, evolved, gathering, plain, replacers
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.pool import Member

POLICY = L7Policy(name="a", action=PolicyAction.REJECT, tags=("x",))
RULE = L7Rule(rule_type=RuleType.PATH, value="/")


def twice(number: int) -> int:
    """What a second time would be seen of."""
    return number * 2


@attrs.frozen
class Doubled:
    """One whose constructor minds a second time."""

    number: int = attrs.field(converter=twice)


class CopyTests(SynchronousTestCase):
    """Copies are of the same class, and as frozen as what they were made of."""

    def test_evolved(self) -> None:
        """As attrs does it; what was given stays as it was."""
        for made in (POLICY, RULE, Member(address="::1")):
            found = evolved(made, id="b", name="c")
            self.assertEqual(found, attrs.evolve(made, id="b", name="c"))
            self.assertEqual(hash(found), hash(attrs.evolve(made, id="b", name="c")))
            self.assertIs(type(found), type(made))
            self.assertEqual((made.id, found.id), ("", "b"))
            self.assertEqual(evolved(made), made)

    def test_frozen(self) -> None:
        """Nothing can be set, nor taken away, once it is made."""
        found: Any = evolved(POLICY, id="b")
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            found.id = "c"
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            del found.id

    def test_unknown_field(self) -> None:
        """A field that the class does not have is a mistake, as of attrs."""
        self.assertRaises(AttributeError, COPIERS[L7Policy], POLICY, {"nonsense": 1})

    def test_replaced(self) -> None:
        """The values come in the order of the fields."""
        placed = replacers("id", "policy_id")
        found = placed[L7Rule](RULE, "a", "b")
        self.assertEqual(found, attrs.evolve(RULE, id="a", policy_id="b"))
        self.assertIs(placed[L7Rule], placed[L7Rule])

    def test_all_replaced(self) -> None:
        """Many at once, each with its own values; also of a class that is not plain."""
        others = [evolved(RULE, value=str(n)) for n in range(3)]
        found = all_replacers("id", "policy_id")[L7Rule](others, "abc", ["d", "e", "f"])
        wanted = [
            attrs.evolve(made, id=ident, policy_id=parent)
            for made, ident, parent in zip(others, "abc", "def", strict=True)
        ]
        self.assertEqual(found, wanted)
        self.assertEqual({*map(type, found)}, {L7Rule})
        several = all_replacers("number")[Doubled]([Doubled(1), Doubled(2)], [3, 4])
        self.assertEqual(several, [Doubled(3), Doubled(4)])

    def test_not_plain(self) -> None:
        """A class whose constructor does more is left to attrs."""
        self.assertFalse(plain(Doubled))
        self.assertFalse(plain(HealthMonitor))
        self.assertTrue(plain(L7Policy))
        self.assertEqual(evolved(Doubled(2)), Doubled(4))
        self.assertEqual(replacers("number")[Doubled](Doubled(2), 3), Doubled(3))

    def test_gathering(self) -> None:
        """One field of many; nothing but a name is taken for one."""
        self.assertEqual(gathering("name")([POLICY, evolved(POLICY, name="b")]), ["a", "b"])
        self.assertRaises(ValueError, gathering, "name.x")
