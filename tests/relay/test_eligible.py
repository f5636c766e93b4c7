"""Who may be chosen, and how much each one gets."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Member
from fiberlb.relay.eligible import GRAIN, Pair, configured, standing, weighted
from fiberlb.relay.member_state import MemberState


def pair(name: str, up: bool = True, **fields: Any) -> Pair:
    """A member and its state; the member's id is its name."""
    member = Member(id=name, name=name, pool_id="p", address="192.0.2.1", port=80, **fields)
    return member, MemberState(member, up)


class StandingTests(SynchronousTestCase):
    """Who is up, of the first priority that has any."""

    def names(self, *pairs: Pair) -> list[str]:
        """Who stands."""
        return [member.name for member, _ in standing(pairs)]

    def test_priorities(self) -> None:
        """Lower numbers first, backups last, nobody of weight 0."""
        backup = pair("backup", backup=True)
        second = pair("second", priority=2)
        self.assertEqual(self.names(pair("a"), second, backup, pair("b", weight=0)), ["a"])
        self.assertEqual(self.names(pair("a", up=False), second, backup), ["second"])
        self.assertEqual(self.names(pair("a", up=False), backup), ["backup"])
        self.assertEqual(self.names(pair("a", up=False)), [])

    def test_configured(self) -> None:
        """Keys are shared out over the first priority, up or not."""
        pairs = [pair("a", up=False), pair("b"), pair("c", backup=True), pair("d", weight=0)]
        self.assertEqual([found[0] for found in configured(pairs)], ["a", "b"])
        self.assertEqual(configured([pair("d", weight=0)]), [])


class WeightTests(SynchronousTestCase):
    """Slow starts."""

    def test_off(self) -> None:
        """Without them weights are what is written, and stay so."""
        pairs = [pair("a", weight=3)]
        pairs[0][1].since = 100.0
        self.assertEqual(weighted(pairs, 0.0, 100.0), ([("a", 3, pairs[0][1])], False))

    def test_rising(self) -> None:
        """From a tenth to all of it, in a line; those that have been up have all of theirs."""
        pairs = [pair("old", weight=2), pair("new", weight=2)]
        pairs[1][1].since = 100.0
        shares = []
        for now in (100.0, 105.0, 109.0):
            found, rising = weighted(pairs, 10.0, now)
            self.assertTrue(rising)
            shares.append([weight for _, weight, _ in found])
        whole = 2 * GRAIN
        self.assertEqual(
            shares, [[whole, whole // 10], [whole, whole // 2], [whole, whole * 9 // 10]]
        )
        found, rising = weighted(pairs, 10.0, 110.0)
        self.assertEqual(([weight for _, weight, _ in found], rising), ([2, 2], False))
