"""What a client says about itself, and who is told."""

from __future__ import annotations

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from tests.support.relay_world import RelayTestCase, ask


class ClaimTests(RelayTestCase):
    """Fields that only a trusted proxy is believed, before rules."""

    def test_hidden(self) -> None:
        """Rules see them of trusted peers only."""
        policy = L7Policy(id="inside", name="inside", listener_id="web", action=PolicyAction.REJECT)
        rule = L7Rule(
            id="r",
            policy_id="inside",
            rule_type=RuleType.HEADER,
            key="X-Real-IP",
            value="10.0.0.1",
        )
        for trusted, sent in (((), True), (("192.0.2.7/32",), False)):
            world = self.world(policies=[policy, rule], trusted=trusted)
            world.client(ask(b"X-Real-IP: 10.0.0.1"))
            self.assertEqual(bool(world.members[0].links), sent)
