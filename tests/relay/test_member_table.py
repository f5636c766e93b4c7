"""Members and pools by their ids."""

from __future__ import annotations

from fiberlb.model.operational import MemberMode, Operational, Operations
from fiberlb.model.pool import Member
from fiberlb.relay.member_state import READY, MemberState
from fiberlb.resolved import resolved
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

    def test_parts(self) -> None:
        """What is said of a member holds for each of its addresses, and for those that come."""
        world = self.world(1)
        member = next(one for one in world.objects() if isinstance(one, Member))
        world.apply(*evolve(world.objects(), member.id, address="dns:web.test", port=80))
        table = world.plane._table
        compiled = world.plane._snapshot
        assert compiled is not None

        def at(*addresses: str) -> dict[str, MemberState]:
            table.use(resolved(compiled, {"dns:web.test": addresses}))
            return {state.address[0]: state for state, _ in table.members.values()}

        first = at("10.0.0.1", "10.0.0.2")
        maintained = Operational(mode=MemberMode.MAINTENANCE)
        table.operate(Operations(members={member.id: maintained}), 0.0)
        self.assertEqual(set(table.restrained()), set(first.values()))
        second = at("10.0.0.2", "10.0.0.3")
        self.assertIs(second["10.0.0.2"], first["10.0.0.2"])
        self.assertTrue(first["10.0.0.1"].gone)
        self.assertEqual(set(table.restrained()), set(second.values()))
        table.operate(Operations(), 0.0)
        self.assertEqual(list(table.restrained()), [])
        self.assertEqual({state.mode for state in second.values()}, {READY})
