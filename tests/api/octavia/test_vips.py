"""Addresses of load balancers."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import NETWORK, SUBNET, OctaviaCase


class VipTests(OctaviaCase):
    """What is chosen, shown and bound."""

    def native(self, ident: str) -> Any:
        """The load balancer as the native API has it."""
        return self.get(f"/v1/load_balancers/{ident}").document

    def test_chosen(self) -> None:
        """The first free address of the subnet, or of the pool of addresses."""
        found = [self.look(f"loadbalancers/{self.balancer()}") for _ in range(2)]
        addresses = [one["loadbalancer"]["vip_address"] for one in found]
        self.assertEqual(addresses, ["127.88.0.1", "127.88.0.2"])
        other = self.make("loadbalancers", vip_subnet_id=NETWORK)
        self.assertEqual(other["vip_address"], "127.77.0.1")
        by_network = self.make("loadbalancers", vip_network_id=NETWORK)
        self.assertEqual(by_network["vip_subnet_id"], SUBNET)

    def test_given(self) -> None:
        """One that was asked for; not outside the subnet."""
        made = self.make("loadbalancers", vip_subnet_id=SUBNET, vip_address="127.88.0.9")
        native = self.native(made["id"])
        self.assertEqual((native["vip_address"], native["freebind"]), ("127.88.0.9", True))
        self.refused(
            "loadbalancers", 400, "not in the CIDR", vip_subnet_id=SUBNET, vip_address="10.0.0.1"
        )

    def test_additional(self) -> None:
        """Further addresses, each of a subnet."""
        more = [{"subnet_id": SUBNET, "ip_address": "127.88.0.77"}]
        made = self.make("loadbalancers", vip_subnet_id=SUBNET, additional_vips=more)
        self.assertEqual(made["additional_vips"][0]["ip_address"], "127.88.0.77")
        self.assertEqual(self.native(made["id"])["additional_vips"], ["127.88.0.77"])
        bad: Any
        one = {"subnet_id": SUBNET}
        for bad, text in (
            ([{}], "Mandatory field missing"),
            (["x"], "A JSON object is needed"),
            ([{"subnet_id": "x"}], "UUID"),
            ([{**one, "ip_address": "x"}], "IPv4 or IPv6"),
            ([{**one, "ip_address": 5}], "IPv4 or IPv6"),
            ([{**one, "ip_address": "10.0.0.1"}], "not in the CIDR"),
            ([{**one, "ip_address": "127.88.0.2"}], "twice"),
            ([{**one, "zz": 1}], "Unknown attribute"),
            ([one, one], "twice"),
        ):
            self.refused("loadbalancers", 400, text, vip_subnet_id=SUBNET, additional_vips=bad)

    def test_additional_chosen(self) -> None:
        """Another address than the first one."""
        made = self.make(
            "loadbalancers", vip_subnet_id=SUBNET, additional_vips=[{"subnet_id": SUBNET}]
        )
        self.assertEqual(made["vip_address"], "127.88.0.1")
        self.assertEqual(made["additional_vips"][0]["ip_address"], "127.88.0.2")


class MappedTests(OctaviaCase):
    """Addresses that stand for those of a network."""

    FILE = "octavia: {vip_bind: {map: {10.0.0.0/24: 127.0.0.5}}, vip_pool: 10.0.0.0/31}"

    def test_mapped(self) -> None:
        """The one is shown, the other one bound; a pool of addresses has an end."""
        made = self.make("loadbalancers", vip_subnet_id=SUBNET)
        self.assertEqual(made["vip_address"], "10.0.0.0")
        native = self.get(f"/v1/load_balancers/{made['id']}").document
        self.assertEqual((native["vip_address"], native["freebind"]), ("127.0.0.5", False))
        self.make("loadbalancers", vip_subnet_id=SUBNET)
        self.refused("loadbalancers", 409, "no address left", vip_subnet_id=SUBNET)
