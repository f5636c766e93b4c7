"""Tests of L{fiberlb.model.foreign}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model import foreign
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import kinds
from fiberlb.model.foreign import our_word
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member, Retries
from tests.model.documents import problems


class ForeignTests(SynchronousTestCase):
    """Words of others."""

    def test_place(self) -> None:
        """The same word means what there is where it stands."""
        self.assertEqual(our_word("max_retries", kinds(HealthMonitor)), "rise")
        self.assertEqual(our_word("maxRetries", kinds(Retries)), "attempts")
        self.assertEqual(our_word("host", kinds(Member)), "address")
        self.assertEqual(our_word("host", kinds(HealthMonitor)), "host_header")
        self.assertIsNone(our_word("host", kinds(Retries)))
        self.assertIsNone(our_word("colour", kinds(Member)))

    def test_told(self) -> None:
        """They are what an unknown key is told with; what is nearly right comes first."""
        (told,) = problems(HealthMonitor, {"type": "http", "delay": "1s"})
        self.assertIn("interval", told)
        (told,) = problems(HealthMonitor, {"type": "http", "intervall": "1s"})
        self.assertIn("interval", told)

    def test_ours(self) -> None:
        """Each is a key somewhere, and none of theirs is."""
        ours = {
            name for cls in (*COLLECTIONS.values(), HealthMonitor, Retries) for name in kinds(cls)
        }
        ours |= {child for cls in COLLECTIONS.values() for child in getattr(cls, "CHILDREN", ())}
        ours |= {"pools", "listeners", "pool_id"}
        for theirs, meant in foreign._OURS.items():
            self.assertLessEqual({*meant}, ours, theirs)
