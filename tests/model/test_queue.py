"""Tests of L{fiberlb.model.queue}, and of the limits that go with it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.pool import Member, Pool
from fiberlb.model.queue import PoolQueue
from fiberlb.pool_plans import PoolPlan


def load(cls: Any, **fields: Any) -> Any:
    """An object of these fields, or what is wrong with them."""
    loading = Loading()
    made = structure(cls, fields, (), loading)
    return [problem.pointer for problem in loading.problems] or made


class QueueTests(SynchronousTestCase):
    """C{queue}, C{member_max_connections} and C{max_connections}."""

    def test_loaded(self) -> None:
        """The defaults, others, and back."""
        self.assertEqual(load(Pool).queue, PoolQueue(size=1000, timeout=5.0))
        made = load(Pool, queue={"size": 0, "timeout": "10s"}, member_max_connections=1)
        self.assertEqual((made.queue.size, made.queue.timeout), (0, 10.0))
        self.assertEqual(unstructure(made)["queue"], {"size": 0, "timeout": "10s"})

    def test_refused(self) -> None:
        """No limit of nothing, no wait for ever, nothing of it for datagrams."""
        for fields, pointer in (
            ({"member_max_connections": 0}, "/member_max_connections"),
            ({"queue": {"size": -1}}, "/queue/size"),
            ({"queue": {"timeout": "0s"}}, "/queue/timeout"),
            ({"queue": {"timeout": "none"}}, "/queue/timeout"),
            ({"queue": {"length": 5}}, "/queue/length"),
            ({"protocol": "udp", "member_max_connections": 5}, "/member_max_connections"),
            ({"protocol": "udp", "queue": {"size": 5}}, "/queue"),
        ):
            self.assertEqual(load(Pool, **fields), [pointer], fields)
        member = {"address": "192.0.2.1", "port": 1}
        self.assertEqual(load(Member, max_connections=0, **member), ["/max_connections"])
        self.assertEqual(load(Member, max_connections="7", **member).max_connections, 7)

    def test_most(self) -> None:
        """A member's own limit goes before the pool's."""
        members = [Member(id=str(n), address="192.0.2.1", max_connections=n) for n in (None, 3)]
        plan = PoolPlan(Pool(id="p", member_max_connections=5), tuple(members), None)
        self.assertEqual(([plan.most(m) for m in members], plan.limited), ([5, 3], True))
        plan = PoolPlan(Pool(id="p"), tuple(members), None)
        self.assertEqual(([plan.most(m) for m in members], plan.limited), ([None, 3], True))
        self.assertFalse(PoolPlan(Pool(id="p"), tuple(members[:1]), None).limited)
