"""How much a project may have."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import SUBNET, OctaviaCase


class QuotaTests(OctaviaCase):
    """Limits."""

    def limit(self, **limits: Any) -> dict[str, Any]:
        """Set limits of the default project."""
        found = self.call("PUT", "quotas/default", {"quota": limits})
        self.assertEqual(found.status, 202, found.body)
        quota: dict[str, Any] = found.document["quota"]
        return quota

    def test_shown(self) -> None:
        """Under both spellings; reset to none."""
        self.assertEqual(self.look("quotas/defaults")["quota"]["pool"], -1)
        quota = self.limit(load_balancer="3", pool=None)
        self.assertEqual((quota["loadbalancer"], quota["load_balancer"], quota["pool"]), (3, 3, -1))
        self.assertEqual(self.look("quotas/default")["quota"], quota)
        self.assertEqual([one["project_id"] for one in self.look("quotas")["quotas"]], ["default"])
        self.assertEqual(self.call("DELETE", "quotas/default").status, 202)
        self.assertEqual(self.look("quotas")["quotas"], [])
        self.fault("PUT", "quotas/default", {"quota": {"colour": 1}}, 400, "colour")

    def test_listed(self) -> None:
        """By project, in pages, with some fields."""
        for project in ("a", "b", "c"):
            self.call("PUT", f"quotas/{project}", {"quota": {"pool": 1}})
        for query, expected in (
            ("project_id=b", ["b"]),
            ("limit=1", ["a"]),
            ("limit=2&marker=a", ["b", "c"]),
            ("pool=2", []),
        ):
            found = self.look(f"quotas?{query}")["quotas"]
            self.assertEqual([each["project_id"] for each in found], expected, query)
        self.assertEqual(self.look("quotas?fields=pool&limit=1")["quotas"], [{"pool": 1}])
        self.fault("GET", "quotas?colour=red", None, 400, "duplicate or invalid")

    def test_whose(self) -> None:
        """Parts count for the project of what they belong to, whoever makes them."""
        balancer = self.balancer(project_id="other")
        pool = self.pool(loadbalancer_id=balancer)
        front = self.listener(balancer)
        policy = self.make("l7policies", listener_id=front, action="REJECT")["id"]
        limits = {"member": 0, "healthmonitor": 0, "l7policy": 1, "l7rule": 0}
        self.assertEqual(self.call("PUT", "quotas/other", {"quota": limits}).status, 202)
        met = "Quota has been met"
        self.refused(f"pools/{pool}/members", 403, met, address="10.0.0.1", protocol_port=1)
        check = {"type": "TCP", "delay": 2, "timeout": 1, "max_retries": 1}
        self.refused("healthmonitors", 403, met, pool_id=pool, **check)
        self.refused("l7policies", 403, met, listener_id=front, action="REJECT")
        rule = {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/"}
        self.refused(f"l7policies/{policy}/rules", 403, met, **rule)

    def test_met(self) -> None:
        """What would be more is refused, also as a part of a whole."""
        self.limit(loadbalancer=1, member=1, listener=0)
        balancer = self.balancer()
        self.refused("loadbalancers", 403, "Load Balancer", vip_subnet_id=SUBNET)
        pool = self.pool(loadbalancer_id=balancer)
        path = f"pools/{pool}/members"
        self.make(path, address="10.0.0.1", protocol_port=1)
        self.refused(path, 403, "Quota has been met", address="10.0.0.1", protocol_port=2)
        both = {"members": [{"address": "10.0.0.1", "protocol_port": n} for n in (1, 2)]}
        self.fault("PUT", path, both, 403, "Member")
        swapped = {"members": [{"address": "10.0.0.1", "protocol_port": 3}]}
        self.assertEqual(self.call("PUT", path, swapped).status, 202)
        self.refused(
            "listeners",
            403,
            "Listener",
            loadbalancer_id=balancer,
            protocol="TCP",
            protocol_port=1,
        )
