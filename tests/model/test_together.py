"""Many documents, read together."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.together import FEWEST, together
from tests.model.test_quick import ODD, Counted, Painted, document, model_classes

#: Documents of one form that are tried.
MANY = 2 * FEWEST


class TogetherTests(SynchronousTestCase):
    """What is made together is what is made of each by itself."""

    def compare(self, cls: type, documents: list[Any]) -> int:
        """How many were made; all others are for L{structure}."""
        found = together(cls, documents)
        self.assertEqual(len(found), len(documents))
        for value, made in zip(documents, found, strict=True):
            if made is not None:
                loading = Loading()
                alone = structure(cls, value, ("at",), loading)
                self.assertEqual(loading.problems, [], (cls, value))
                self.assertIs(type(made), cls)
                self.assertEqual(made, alone, value)
                self.assertEqual(repr(made), repr(alone))  # 1, 1.0 and True are equal
        return sum(made is not None for made in found)

    def test_every_class(self) -> None:
        """Random documents of every class, each form many times, some with odd values."""
        random, made = Random(11), 0
        for cls in model_classes():
            for _ in range(8):
                form = document(cls, random)
                several = [{**form} for _ in range(MANY)]
                for one in random.sample(several, 5) if form else ():
                    one[random.choice([*form])] = random.choice(ODD)
                for _ in range(5):
                    several.insert(random.randrange(len(several)), random.choice(ODD))
                made += self.compare(cls, several)
        self.assertGreater(made, 1500)

    def test_random_values(self) -> None:
        """Columns of many different values."""
        random, made = Random(12), 0
        for cls in model_classes():
            several = [document(cls, random) for _ in range(10 * MANY)]
            made += self.compare(cls, several)
        self.assertGreater(made, 1000)

    def usual(self, cls: type, value: Any) -> None:
        """All documents like this one are made."""
        self.assertEqual(self.compare(cls, [value] * MANY), MANY, value)

    def test_usual(self) -> None:
        """Nothing that is ordinary is left out: all actions, keys of other objects, short forms."""
        for policy in (
            {"name": "a", "action": "reject", "rules": []},
            {"action": "REDIRECT_TO_POOL", "redirect_pool_id": "p", "position": 5, "tags": ["x"]},
            {"redirect_url": "https://a/", "enabled": False, "listener_id": "web"},
            {"response": {"status": 200, "body": "a"}},
            {"redirect_pools": [{"pool_id": "a", "weight": 2}, {"pool_id": "b"}]},
            {"action": "reject", "rate_limit": {"rate": "100/s"}, "description": ""},
            {"action": "redirect_to_pool", "redirect_pool_id": "p", "redirect_url": None},
        ):
            self.usual(L7Policy, policy)
        for rule in (
            {"rule_type": "HOST_NAME", "value": "a.example"},
            {"type": "path", "compare_type": "starts_with", "value": "/a", "invert": True},
            {"rule_type": "header", "key": "X", "values": ["a", "b"]},
            {"any": [{"path": "/a"}, {"method": "GET"}]},
            {"host_name": "a.example"},
        ):
            self.usual(L7Rule, rule)

    def test_one_is_odd(self) -> None:
        """It is left out, and none of the others."""
        usual = {"name": "a", "action": "reject"}
        odd: Any
        for odd in (
            {"name": "a\n", "action": "reject"},
            {"name": "a", "action": "redirect_to_pool"},
            {"name": "a", "action": None},
            {"name": "a", "action": 5},
            {"name": "a", "action": "reject", "nonsense": 1},
            {"name": 5},
            [],
            None,
        ):
            found = together(L7Policy, [*[usual] * MANY, odd, *[usual] * MANY])
            self.assertEqual([row for row, made in enumerate(found) if made is None], [MANY])

    def test_values_apart(self) -> None:
        """Some with, some without a value that may be null."""
        several = [{"action": "reject", "position": None if n % 3 else n} for n in range(MANY)]
        self.assertEqual(self.compare(L7Policy, several), MANY)

    def test_few(self) -> None:
        """They are not worth it; nor is a class whose constructor does more."""
        self.assertEqual(together(L7Policy, [{"action": "reject"}] * 3), [None] * 3)
        self.assertEqual(self.compare(Counted, [{"name": "a"}] * MANY), 0)
        self.assertEqual(self.compare(Painted, [{}] * MANY), 0)
