"""Load balancers."""

from __future__ import annotations

from tests.api.octavia.asking import NETWORK, SUBNET, OctaviaCase


class LoadBalancerTests(OctaviaCase):
    """Their life."""

    def test_life(self) -> None:
        """Made, shown, changed, deleted; active at once."""
        made = self.make("loadbalancers", name="a", vip_subnet_id=SUBNET, tags=["x", "x"])
        self.assertEqual(
            (made["vip_address"], made["vip_network_id"], made["provisioning_status"]),
            ("127.88.0.1", NETWORK, "ACTIVE"),
        )
        self.assertEqual((made["tags"], made["tenant_id"]), (["x"], made["project_id"]))
        self.assertIsNotNone(made["vip_port_id"])
        path = f"loadbalancers/{made['id']}"
        self.assertEqual(self.look(path)["loadbalancer"], made)
        self.assertEqual(self.change(path, name=None, description="d")["name"], "")
        self.assertEqual(self.call("DELETE", path).status, 204)
        self.fault("GET", path, None, 404, f"Load Balancer {made['id']} not found.")

    def test_needs_a_vip(self) -> None:
        """Something must say where."""
        self.refused("loadbalancers", 400, "VIP must contain one of", name="a")
        self.refused("loadbalancers", 400, "Provider 'x'", vip_subnet_id=SUBNET, provider="x")
        self.refused("loadbalancers", 400, "Unknown attribute", vip_subnet_id=SUBNET, id=SUBNET)

    def test_children(self) -> None:
        """One that has something is deleted with it only if asked for."""
        ident = self.balancer()
        self.listener(ident)
        self.pool(loadbalancer_id=ident)
        self.fault("DELETE", f"loadbalancers/{ident}", None, 400, "it has children")
        self.assertEqual(self.call("DELETE", f"loadbalancers/{ident}?cascade=True").status, 204)
        for what in ("listeners", "pools", "loadbalancers"):
            self.assertEqual(self.look(what)[what], [])

    def test_native(self) -> None:
        """The one that is there by itself shows once something uses it."""
        self.assertEqual(self.look("loadbalancers")["loadbalancers"], [])
        self.post("/v1/listeners", {"name": "n", "port": 1, "protocol": "tcp"})
        found = self.look("loadbalancers")["loadbalancers"]
        self.assertEqual([(one["name"], one["vip_address"]) for one in found], [("default", "::")])
