"""Figures and statuses."""

from __future__ import annotations

from tests.api.octavia.asking import SUBNET, OctaviaCase


class StatsTests(OctaviaCase):
    """What has been counted, and how it is."""

    def test_figures(self) -> None:
        """Of a listener, and of all of a load balancer."""
        balancer = self.balancer()
        listener = self.listener(balancer)
        for path in (f"listeners/{listener}", f"loadbalancers/{balancer}"):
            found = self.look(f"{path}/stats")["stats"]
            self.assertEqual(
                set(found),
                {
                    "active_connections",
                    "bytes_in",
                    "bytes_out",
                    "request_errors",
                    "total_connections",
                },
            )

    def test_tree(self) -> None:
        """Pools that nobody sends to are not in it."""
        balancer = self.balancer(name="b")
        pool = self.pool(listener_id=self.listener(balancer))
        self.pool(loadbalancer_id=balancer)
        self.make(f"pools/{pool}/members", address="10.0.0.1", protocol_port=1)
        monitor = {"type": "TCP", "delay": 1, "timeout": 1, "max_retries": 1}
        self.make("healthmonitors", pool_id=pool, **monitor)
        for word in ("status", "statuses"):
            tree = self.look(f"loadbalancers/{balancer}/{word}")["statuses"]["loadbalancer"]
            [listener] = tree["listeners"]
            [found] = listener["pools"]
            self.assertEqual((tree["name"], found["id"]), ("b", pool))
            self.assertEqual(found["members"][0]["address"], "10.0.0.1")
            self.assertEqual(found["health_monitor"]["type"], "TCP")

    def test_failover(self) -> None:
        """There is nothing to fail over."""
        path = f"loadbalancers/{self.balancer()}/failover"
        self.assertEqual(self.call("PUT", path).status, 202)
        self.fault("GET", path, None, 405, "not allowed")
        self.fault("GET", f"loadbalancers/{SUBNET}/stats", None, 404, "Load Balancer")
