"""What a listener does with its connections: plans and routes."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.interface import Sources
from fiberlb.model.bounds import Timeouts
from fiberlb.model.pool import Pool
from fiberlb.relay.pool_state import PoolState
from fiberlb.relay.runtime import Route
from fiberlb.routing.actions import Decision
from fiberlb.snapshot import PoolPlan


class RouteTests(SynchronousTestCase):
    """What a decision is made of."""

    def test_route(self) -> None:
        """A route has its decision's name and pool at hand."""
        plan: Any = PoolPlan(Pool(id="p", name="p"), (), None)
        pool = PoolState(plan, Sources(0, lambda: 0.5, lambda: 1000.0))
        route = Route(Decision(pool_id="p"), pool, Timeouts())
        self.assertEqual((route.policy, route.pool), ("", pool))
