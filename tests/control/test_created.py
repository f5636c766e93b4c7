"""What is told of objects that came, as text."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.created import FIELDS, mapping, shown
from fiberlb.control.differences import differences
from fiberlb.control.past import Version
from fiberlb.control.records import Record
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Meta, Owner, Resource
from tests.model.test_quick import objects

META = Meta(Owner.API, "", "", 1)


def told(several: list[Any]) -> list[str]:
    """What is told of objects of one class."""
    columns = FIELDS[type(several[0])](several)
    return ["".join(texts) for *texts, _ in zip(*columns, several, strict=False)]


def expected(one: Resource) -> str:
    """JSON of how an object differs from its defaults."""
    version = Version(None, Record(one, META, (1, 0)))
    return json.dumps([shown(each) for each in differences(version)], ensure_ascii=False)


class CreatedTests(SynchronousTestCase):
    """The text is JSON of the differences."""

    def test_every_class(self) -> None:
        """Of objects of every class, to the byte."""
        several = 0
        for one in objects(Random(17)):
            if not isinstance(one, Resource):
                continue
            self.assertEqual(told([one]), [expected(one)])
            several += 1
        self.assertGreater(several, 50)

    def test_together(self) -> None:
        """Many of a class at once: those that a field differs in, and those that it does not."""
        of: dict[type, list[Resource]] = {}
        for one in objects(Random(18)):
            if isinstance(one, Resource):
                of.setdefault(type(one), []).append(one)
        for several in of.values():
            few = several[:1] * 5
            for some in (several, several * 3, few, [*few, *several[1:2]]):
                self.assertEqual(told(some), [expected(one) for one in some])
        self.assertGreater(len(of), 5)
        self.assertEqual(told([Pool(id="a"), Pool(id="b")]), ["[]", "[]"])

    def test_mapping(self) -> None:
        """Texts by texts, as JSON has them."""
        for texts in ({}, {"a": "b"}, {'"': "\n", "\u00e9": "\\", "c": ""}):
            self.assertEqual(mapping(texts), json.dumps(texts, ensure_ascii=False))
