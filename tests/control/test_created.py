"""What is told of objects that came, as text."""

from __future__ import annotations

import json
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.created import FIELDS, shown
from fiberlb.control.differences import differences
from fiberlb.control.past import Version
from fiberlb.control.records import Record
from fiberlb.model.resource import Meta, Owner, Resource
from tests.model.test_quick import objects

META = Meta(Owner.API, "", "", 1)


class CreatedTests(SynchronousTestCase):
    """The text is JSON of the differences."""

    def test_every_class(self) -> None:
        """Of objects of every class, to the byte."""
        several = 0
        for one in objects(Random(17)):
            if not isinstance(one, Resource):
                continue
            version = Version(None, Record(one, META, (1, 0)))
            expected = [shown(each) for each in differences(version)]
            self.assertEqual(FIELDS[type(one)](one), json.dumps(expected, ensure_ascii=False))
            several += 1
        self.assertGreater(several, 50)
