"""Tests of L{fiberlb.workers.columns}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.l7 import CompareType, Condition, L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.pool import Member, Pool, ResolvedMember
from fiberlb.workers.columns import packed, unpacked

NESTED = Condition(rule_type=RuleType.PATH, value="/a")
SOME = (
    L7Policy(id="a", name="first", action=PolicyAction.REJECT),
    L7Policy(id="b", name="second", redirect_pool_id="p", timeouts=(("connect", 2.0),)),
    L7Rule(id="r", policy_id="a", rule_type=RuleType.NOT, rules=(NESTED,)),
    L7Rule(
        id="s",
        policy_id="a",
        rule_type=RuleType.HEADER,
        compare_type=CompareType.REGEX,
        values=("x", "y"),
        key="X-A",
        invert=True,
    ),
    Pool(id="p", name="p"),
    Listener(id="l", name="l", protocol=ListenerProtocol.HTTP, port=80),
    Member(id="m", name="m", address="192.0.2.1", port=80),
    ResolvedMember(id="n", name="n", address="192.0.2.2", port=80, host="h", of="m"),
)


class ColumnTests(SynchronousTestCase):
    """Objects go over field by field."""

    def test_same(self) -> None:
        """Each arrives as it was, of its own class, whatever stands beside it."""
        for some in (SOME, SOME[:1], SOME[::-1], SOME[:2] * 3):
            found = unpacked(packed(some))
            self.assertEqual(found, some)
            self.assertEqual(list(map(type, found)), list(map(type, some)))
            self.assertEqual(list(map(repr, found)), list(map(repr, some)))

    def test_single_values(self) -> None:
        """What there is one of is still that one: most of the code compares by identity."""
        policy, rule = unpacked(packed([SOME[0], SOME[3]]))
        self.assertIs(policy.action, PolicyAction.REJECT)
        self.assertIs(rule.compare_type, CompareType.REGEX)
        self.assertIs(rule.invert, True)

    def test_equal(self) -> None:
        """What is equal and yet not the same is not taken for it."""
        several = ((("connect", 2),), (("connect", 2.0),), (("connect", True),))
        some = [L7Policy(id="a", timeouts=timeouts) for timeouts in several]
        self.assertEqual(list(map(repr, unpacked(packed(some)))), list(map(repr, some)))

    def test_frozen(self) -> None:
        """They are as closed as any, and usable where others are."""
        (made,) = unpacked(packed(SOME[:1]))
        self.assertRaises(AttributeError, setattr, made, "name", "x")
        self.assertEqual(hash(made), hash(SOME[0]))

    def test_fields_alone(self) -> None:
        """No class of the model keeps anything beside its fields, which would be left behind."""
        for cls in COLLECTIONS.values():
            names = {name for base in cls.__mro__ for name in getattr(base, "__slots__", ())}
            fields = {field.name for field in cls.__attrs_attrs__}
            self.assertEqual(names - fields - {"__weakref__"}, set())
