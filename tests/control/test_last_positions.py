"""Where the next policy of a listener goes."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.last_positions import LastPositions
from fiberlb.model.l7 import L7Policy
from fiberlb.model.pool import Pool


class LastPositionsTests(SynchronousTestCase):
    """The highest position is known whatever comes and goes."""

    def test_moved(self) -> None:
        """It rises with what comes, and is found again when a policy is replaced or goes."""
        low = L7Policy(name="low", listener_id="web", position=10)
        high = attrs.evolve(low, name="high", position=50)
        there, asked = [low], []

        def policies(listener: str) -> list[L7Policy]:
            asked.append(listener)
            return there

        last = LastPositions(policies)
        self.assertEqual([last.of("web"), last.of("web"), asked], [10, 10, ["web"]])
        there.append(high)
        last.moved(high, None)
        last.moved(attrs.evolve(low, position=5), None)
        last.moved(Pool(name="a", protocol=None), None)  # type: ignore[arg-type]
        self.assertEqual([last.of("web"), asked], [50, ["web"]])
        there.remove(high)
        last.moved(high, high)
        self.assertEqual([last.of("web"), asked], [10, ["web", "web"]])
        there.clear()
        last.forget("web")
        self.assertEqual(last.of("web"), 0)
