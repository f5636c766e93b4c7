"""How things hang together."""

from __future__ import annotations

from fiberlb.api.octavia.view import View
from tests.api.octavia.asking import OctaviaCase


class ViewTests(OctaviaCase):
    """Which load balancer a pool belongs to."""

    def test_of_pools(self) -> None:
        """The noted one, else the first that uses it, else none."""
        lb = self.balancer()
        view = View(self.stage.control)
        self.assertEqual(view.balancer_of_pool("x"), "")
        noted = self.pool(loadbalancer_id=lb)
        native = self.post("/v1/pools", {"name": "n"}).document["id"]
        self.assertEqual(View(self.stage.control).balancer_of_pool(native), "")
        body = {
            "name": "l",
            "port": 1,
            "protocol": "http",
            "loadbalancer_id": lb,
            "default_pool_id": native,
        }
        self.post("/v1/listeners", body)
        view = View(self.stage.control)
        self.assertEqual([view.balancer_of_pool(i) for i in (noted, native)], [lb, lb])
        self.assertEqual({one.id for one in view.pools(lb)}, {noted, native})
