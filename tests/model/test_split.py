"""Requests split over several pools."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import Listener
from fiberlb.model.referring import references
from fiberlb.model.split import SplitPersistence, WeightedPool
from tests.model.documents import made, problems

WEB = {"name": "web", "port": 80, "protocol": "http"}


class SplitTests(SynchronousTestCase):
    """Pools, their weights, and the cookie."""

    def test_defaults(self) -> None:
        """A pool without a weight has one; the cookie has a name."""
        self.assertEqual(made(WeightedPool, pool_id="a").weight, 1)
        found = made(SplitPersistence, timeout_seconds=60)
        self.assertEqual((found.cookie_name, found.timeout_seconds), ("FIBERLB_SPLIT", 60))
        self.assertIn("name of a cookie", problems(SplitPersistence, {"cookie_name": "a b"})[0])

    def test_listener(self) -> None:
        """The default of a listener; each pool is a reference."""
        pools = [{"pool_id": "a", "weight": 95}, {"pool_id": "b", "weight": 5}]
        found = made(Listener, default_pools=pools, split_persistence={"cookie_name": "x"}, **WEB)
        named = [(word, path) for to, word, path in references(found) if to == "pools"]
        self.assertEqual(
            named,
            [("a", ("default_pools", 0, "pool_id")), ("b", ("default_pools", 1, "pool_id"))],
        )
        for document, wanted in (
            (
                {"default_pools": pools, "default_pool_id": "a"},
                "default_pools: default_pool_id and default_pools exclude each other",
            ),
            ({"default_pools": []}, "default_pools: must name a pool"),
            ({"split_persistence": {}}, "split_persistence: does nothing without default_pools"),
            (
                {"default_pools": pools, "split_persistence": {}, "protocol": "tcp"},
                "split_persistence: is a cookie, and needs HTTP",
            ),
            (
                {"default_pools": pools, "protocol": "udp"},
                "default_pools: does not go with udp",
            ),
        ):
            self.assertEqual(problems(Listener, {**WEB, **document}), [wanted])
        made(Listener, default_pools=pools, **{**WEB, "protocol": "tcp"})
