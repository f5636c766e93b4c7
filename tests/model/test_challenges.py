"""Tests of L{fiberlb.model.challenges}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.challenges import HTTP_PREFIX, Challenges


class ChallengesTests(SynchronousTestCase):
    """What is to be answered."""

    def test_truth(self) -> None:
        """It is true while there is something; keys do not show."""
        self.assertFalse(Challenges())
        self.assertTrue(Challenges({HTTP_PREFIX + "t": b"x"}))
        made = Challenges({}, {"a.test": ("CHAIN", "SECRET")})
        self.assertTrue(made)
        self.assertNotIn("SECRET", repr(made))
