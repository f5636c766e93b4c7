"""JSON Schemas of the model."""

from __future__ import annotations

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.l7 import L7Rule
from fiberlb.model.listener import Listener, TlsConfig
from fiberlb.model.pool import Member, Pool
from fiberlb.model.schema import definition, needed, nested, properties, summary


class SchemaTests(SynchronousTestCase):
    """What is derived from a class."""

    def test_valid(self) -> None:
        """Every class has a schema that is one."""
        for cls in COLLECTIONS.values():
            for each in (cls, *nested(cls).values()):
                Draft202012Validator.check_schema(definition(each))

    def test_told(self) -> None:
        """Fields have the words of the docstring, without its markup, and their defaults."""
        found = properties(Member)
        self.assertIn("share of the traffic", found["weight"]["description"])
        self.assertNotIn("C{", str(found))
        self.assertEqual(found["weight"]["default"], 1)
        self.assertNotIn("default", found["address"])
        self.assertEqual(needed(Member), ["address"])
        self.assertEqual(summary(Member), "One server of a pool.")

    def test_nested(self) -> None:
        """Objects within objects, optional ones too."""
        self.assertIs(nested(Listener)["TlsConfig"], TlsConfig)
        self.assertIn("Drain", nested(Pool))

    def test_recursive(self) -> None:
        """Objects that hold objects of their own class."""
        self.assertEqual(set(nested(L7Rule)), {"Condition"})
        self.assertEqual(properties(L7Rule)["rules"]["items"], {"$ref": "#/$defs/Condition"})
