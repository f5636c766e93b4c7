"""How it is with each object."""

from __future__ import annotations

from tests.api.octavia.asking import OctaviaCase
from tests.control.stage import Health


class StatusTests(OctaviaCase):
    """Operating statuses."""

    def setUp(self) -> None:
        """A load balancer, a listener and a pool of two members with a monitor."""
        super().setUp()
        self.lb = self.balancer()
        self.front = self.listener(self.lb)
        self.home = self.pool(listener_id=self.front)
        self.ids = [
            self.make(f"pools/{self.home}/members", address="10.0.0.1", protocol_port=n)["id"]
            for n in (1, 2)
        ]
        monitor = {"type": "TCP", "delay": 1, "timeout": 1, "max_retries": 1}
        self.make("healthmonitors", pool_id=self.home, **monitor)

    def statuses(self) -> tuple[str, str, str, str]:
        """Of the load balancer, the listener, the pool and the first member."""
        lb = self.look(f"loadbalancers/{self.lb}")["loadbalancer"]
        front = self.look(f"listeners/{self.front}")["listener"]
        home = self.look(f"pools/{self.home}")["pool"]
        member = self.look(f"pools/{self.home}/members/{self.ids[0]}")["member"]
        lb_, front_, home_, member_ = (o["operating_status"] for o in (lb, front, home, member))
        return lb_, front_, home_, member_

    def health(self, *words: str) -> None:
        """What the checks say of the members."""
        for ident, word in zip(self.ids, words, strict=True):
            self.stage.health.known[ident] = Health(word)

    def test_members(self) -> None:
        """One that is down degrades its pool, all of them break it."""
        self.health("up", "up")
        self.assertEqual(self.statuses(), ("ONLINE", "ONLINE", "ONLINE", "ONLINE"))
        self.health("down", "up")
        self.assertEqual(self.statuses(), ("DEGRADED", "ONLINE", "DEGRADED", "ERROR"))
        self.health("down", "down")
        self.assertEqual(self.statuses(), ("ERROR", "ONLINE", "ERROR", "ERROR"))
        self.health("probing", "up")
        self.assertEqual(self.statuses()[3], "OFFLINE")

    def test_disabled(self) -> None:
        """What is disabled is offline."""
        self.change(f"pools/{self.home}", admin_state_up=False)
        self.change(f"listeners/{self.front}", admin_state_up=False)
        self.change(f"loadbalancers/{self.lb}", admin_state_up=False)
        self.assertEqual(self.statuses()[:3], ("OFFLINE", "OFFLINE", "OFFLINE"))
