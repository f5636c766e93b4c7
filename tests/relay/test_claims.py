"""What a client says about itself, and who is told."""

from __future__ import annotations

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from tests.support.relay_world import PEER, RelayTestCase, World, answer, ask, refusal

_CLAIMS = ("X-Forwarded-Proto", "Forwarded", "X-Real-IP", "x-client-ip", "X-SSL-Client-Verify")


class ClaimTests(RelayTestCase):
    """Fields that only a trusted proxy is believed, before rules (product page, decision 13)."""

    def guarded(self, key: str, invert: bool = False) -> World:
        """A world that rejects what has such a field, or has none; 10.0.0.0/8 is trusted."""
        policy = L7Policy(id="p", name="p", listener_id="web", action=PolicyAction.REJECT)
        rule = L7Rule(
            id="r", policy_id="p", rule_type=RuleType.HEADER, key=key, value="1", invert=invert
        )
        return self.world(policies=[policy, rule], trusted=["10.0.0.0/8"])

    def rejected(self, world: World, peer: str, *lines: bytes) -> bool:
        """Whether a request with these fields is rejected."""
        client = world.client(ask(*lines), peer=peer)
        if client.received:
            self.assertIn(refusal("rejected", closes=False)[:40], bytes(client.received))
            return True
        world.members[0].link.send(answer())
        return False

    def test_untrusted(self) -> None:
        """They see what a trusted peer says, and nothing of anyone else, in any spelling."""
        for key in _CLAIMS:
            for spelled in (key, key.upper(), key.lower()):
                line = spelled.encode() + b": 1"
                world = self.guarded(key)
                self.assertFalse(self.rejected(world, PEER, b"A: 1", line, b"B: 2", line), key)
                self.assertTrue(self.rejected(world, "10.0.0.1", b"A: 1", line), key)

    def test_absent(self) -> None:
        """What is not seen counts as absent: a rule that asks for its absence holds."""
        world = self.guarded("X-Forwarded-Proto", invert=True)
        self.assertTrue(self.rejected(world, PEER, b"X-Forwarded-Proto: 1"))
        self.assertFalse(self.rejected(world, "10.0.0.1", b"X-Forwarded-Proto: 1"))

    def test_others(self) -> None:
        """Other fields are seen, also those that end here; without such rules none is hidden."""
        for key in ("Upgrade", "X-Other", "Via"):
            world = self.guarded(key)
            self.assertFalse(world.cell.plan.hides)
            lines = (b"Connection: upgrade", key.encode() + b": 1")
            self.assertTrue(self.rejected(world, PEER, *lines))
        self.assertTrue(self.guarded("Forwarded").cell.plan.hides)
