"""Members and pools by their ids."""

from __future__ import annotations

from tests.support.relay_world import RelayTestCase, evolve


class MemberTableTests(RelayTestCase):
    """What outlives a snapshot."""

    def test_kept(self) -> None:
        """A change of something else leaves states as they are; who has gone is retired."""
        world = self.world(2)
        table = world.plane._table
        pool = table.pools["pool"]
        first, second = pool.states()
        table.set_usable("m1", False)
        world.apply(*evolve(world.objects(), "pool", name="other"))
        self.assertIs(table.pools["pool"], pool)
        self.assertEqual((pool.states(), second.up), ([first, second], False))
        world.apply(*world.objects(members=["m0"]))
        self.assertEqual((pool.states(), second.gone, first.gone), ([first], True, False))

    def test_unknown(self) -> None:
        """What is said of a member that is not there does no harm, and it has no figures."""
        table = self.world().plane._table
        table.set_usable("nobody", False)
        self.assertEqual(set(table.figures("nobody").values()), {0})
