"""Explanations as documents, where there is much to tell."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.explaining import MOST_POLICIES, Surroundings, explanation
from fiberlb.model.asked import Asked
from fiberlb.model.operational import Operational
from tests.control.stage import Stage


class ManyTests(SynchronousTestCase):
    """A listener with more policies than are told of."""

    def test_left_out(self) -> None:
        """The one that takes it is there, and how many are not."""
        count = MOST_POLICIES + 50
        rows = "\n".join(
            f"  - {{name: p{n}, listener_id: l, action: reject, rules: [{{path: /{n}/}}]}}"
            for n in range(count)
        )
        file = f"listeners: [{{name: l, port: 80, protocol: http}}]\nl7_policies:\n{rows}\n"
        snapshot = Stage(self, file).control.snapshot
        assert snapshot is not None
        (plan,) = snapshot.listeners.values()
        around = Surroundings([], lambda ident: ("up", ""), lambda ident: Operational())
        found = explanation(snapshot, plan, Asked(url=f"/{count - 2}/"), around)
        self.assertEqual(len(found["policies"]), MOST_POLICIES)
        self.assertEqual(found["policies"][-1]["name"], f"p{count - 2}")
        self.assertEqual((found["left_out"], found["not_asked"]), (49, 1))
        address = explanation(snapshot, plan, Asked(from_ip="2001:db8::1"), around)
        self.assertEqual(address["request"]["client"], "2001:db8::1")
