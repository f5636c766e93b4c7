"""Attributes of distinguished names."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.dn import ATTRIBUTES, NAMES


class NameTests(SynchronousTestCase):
    """What attributes are called."""

    def test_names(self) -> None:
        """Short and long names lead to the short one, and none to two."""
        self.assertEqual(NAMES["o"], "o")
        self.assertEqual(NAMES["organizationname"], "o")
        self.assertEqual(NAMES["email"], "emailaddress")
        self.assertEqual(len(NAMES), sum(map(len, ATTRIBUTES.values())))
