"""What treatments are put together from."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.treatment.draft import Draft, Kept, Reply, Surroundings


class KeptTests(SynchronousTestCase):
    """What is remembered over changes."""

    def test_kept(self) -> None:
        """One thing for each feature and object, until the object is gone."""
        kept = Kept()
        first = kept.get("f", "a", list)
        self.assertIs(kept.get("f", "a", list), first)
        self.assertIsNot(kept.get("f", "b", list), first)
        self.assertIsNot(kept.get("g", "a", list), first)
        kept.prune({"a"}.__contains__)
        self.assertIs(kept.get("f", "a", list), first)
        kept.prune({"b"}.__contains__)
        self.assertIsNot(kept.get("f", "a", list), first)


class DraftTests(SynchronousTestCase):
    """The beginning."""

    def test_empty(self) -> None:
        """Nothing is done, and nothing has to be looked at."""
        draft = Draft(Surroundings(None, {}))
        self.assertEqual((draft.gates, draft.requests, draft.answers, draft.filters), ([],) * 4)
        self.assertTrue(draft.repeats)
        self.assertEqual((Reply().status, Reply().reason), (None, None))
