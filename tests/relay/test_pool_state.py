"""One pool: who is picked, and what is retried."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.interface import Sources
from fiberlb.model.pool import Member, Pool, Retries, RetryCause
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.pool_state import PoolState
from fiberlb.snapshot import PoolPlan


def member(name: str, **fields: Any) -> Member:
    """A member whose id is its name."""
    given: dict[str, Any] = {"address": "192.0.2.1", "port": 80, **fields}
    return Member(id=name, name=name, pool_id="p", **given)


class PoolTests(SynchronousTestCase):
    """One pool's state."""

    def pool(self, *members: Member, **fields: Any) -> tuple[PoolState, list[MemberState]]:
        """A pool of these members, all of them up."""
        plan = PoolPlan(Pool(id="p", name="p", **fields), members, None)
        state = PoolState(plan, Sources(0, lambda: 0.5, lambda: 1000.0))
        states = [MemberState(one, True) for one in members]
        state.describe(plan, states)
        return state, states

    def picked(self, pool: PoolState, count: int = 4) -> list[str | None]:
        """The names of the next members."""
        found = [pool.pick() for _ in range(count)]
        return [one.name if one is not None else None for one in found]

    def test_up(self) -> None:
        """Only who is up and has a weight is picked; backups when nobody else is."""
        pool, states = self.pool(member("a"), member("b", weight=0), member("c", backup=True))
        self.assertEqual(self.picked(pool, 2), ["a", "a"])
        states[0].up = False
        pool.refresh()
        self.assertEqual(self.picked(pool, 2), ["c", "c"])
        states[2].up = False
        pool.refresh()
        self.assertEqual(self.picked(pool, 1), [None])
        self.assertEqual(pool.missing(), "all_members_down")

    def test_missing(self) -> None:
        """Why nobody can be picked."""
        self.assertEqual(self.pool()[0].missing(), "no_members")
        pool, _ = self.pool(member("a"), enabled=False)
        self.assertEqual((self.picked(pool, 1), pool.missing()), ([None], "pool_disabled"))

    def test_tried(self) -> None:
        """Those that were tried are left out."""
        pool, _ = self.pool(member("a"), member("b"))
        found = pool.pick(("a",))
        assert found is not None
        self.assertEqual((found.name, pool.pick(("a", "b"))), ("b", None))

    def test_retries(self) -> None:
        """What is retried follows from the pool."""
        pool, _ = self.pool(retries=Retries(attempts=7, on=(RetryCause.STALE,)))
        self.assertEqual((pool.attempts, pool.retry_stale), (0, True))
        pool, _ = self.pool(retries=Retries(attempts=7, on=(RetryCause.CONNECT,)))
        self.assertEqual((pool.attempts, pool.resets, pool.retry_stale), (7, 0, False))
        pool, _ = self.pool(retries=Retries(attempts=7, on=(RetryCause.RESET,)))
        self.assertEqual((pool.attempts, pool.resets, pool.retry_stale), (0, 7, False))
