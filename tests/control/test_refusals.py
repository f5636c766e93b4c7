"""What refusals say."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control import refusals
from fiberlb.control.refusals import Mention, Refusal
from fiberlb.errors import Position

POOL = Mention("pools", "1", "app")


class RefusalTests(SynchronousTestCase):
    """Sentences and codes."""

    def test_sentences(self) -> None:
        """Each names what it is about."""
        place = Position("/etc/f.yaml", 12, 3)
        for why, words in (
            (refusals.NotFound("pools", "app"), "nothing called 'app' in pools"),
            (refusals.Ambiguous("pools", "app", ["1", "2"]), "2 pools are named 'app'"),
            (refusals.OwnedByFile(POOL, place), "change it in /etc/f.yaml, line 12"),
            (refusals.InUse(POOL, [Mention("listeners", "9", "")]), "is used by 9 of listeners"),
            (refusals.Stale("7"), "its tag is '7' now"),
            (refusals.Stale(None), "there is no such object"),
            (refusals.Contended(), "try again"),
            (refusals.Stopping(), "takes no changes"),
        ):
            self.assertIn(words, str(why))

    def test_codes(self) -> None:
        """Each has a code of its own."""
        classes = [
            cls for cls in vars(refusals).values() if isinstance(cls, type) and cls is not Mention
        ]
        known = [cls.code for cls in classes if issubclass(cls, Refusal)]
        self.assertEqual(len(known), len(set(known)))
