"""Objects as JSON text."""

from __future__ import annotations

import json
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import said, secret_fields
from fiberlb.model.l7 import L7Rule
from fiberlb.model.texts import writers
from tests.model.documents import made
from tests.model.test_quick import objects

ALL = writers(lambda cls: ())


class TextTests(SynchronousTestCase):
    """The text is that of what is said."""

    def test_every_class(self) -> None:
        """Of objects of every class, to the byte; secrets are left out."""
        several = 0
        for one in objects(Random(11)):
            document = {n: v for n, v in said(one).items() if n not in secret_fields(type(one))}
            expected = json.dumps(document, separators=(",", ":"))
            self.assertEqual(ALL[type(one)](one), expected)
            several += 1
        self.assertGreater(several, 200)

    def test_left_out(self) -> None:
        """Fields that stand elsewhere."""
        rule = made(L7Rule, id="", name="é", rule_type="path", value='"/\\', policy_id="p")
        found = json.loads(writers(lambda cls: ["policy_id", "enabled"])[L7Rule](rule))
        expected = said(rule)
        del expected["policy_id"], expected["enabled"]
        self.assertEqual(found, expected)
