"""Which requests are copied."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.mirror import MirrorSettings
from fiberlb.treatment.draft import Draft, Kept, Surroundings
from fiberlb.treatment.mirroring import Copies, Mirror, copied, mirror


class MirrorTests(SynchronousTestCase):
    """Shares, and what is counted."""

    def test_share(self) -> None:
        """Each share is exact over a hundred, and never far from it before."""
        for percent in (1, 7, 33, 50, 99, 100):
            made = Mirror(None, percent, Copies())
            count = 0
            for number in range(1, 301):
                count += made.wants()
                self.assertTrue(number * percent / 100 - 1 < count <= number * percent / 100)

    def test_kept(self) -> None:
        """Copies are counted for the pool that gets them, whoever has sent them."""
        kept = Kept()
        pool = object()
        drafts = [Draft(Surroundings(None, {"p": pool}, kept)) for _ in range(2)]
        for draft in drafts:
            mirror(MirrorSettings(pool_id="p", percent=10), draft)
            draft.mirror.copies.sent += 1
            self.assertIs(draft.mirror.pool, pool)
            self.assertFalse(draft.empty)
        self.assertEqual(copied(kept, "p")["copies_sent"], 2)
        self.assertEqual(set(copied(kept, "q").values()), {0})
