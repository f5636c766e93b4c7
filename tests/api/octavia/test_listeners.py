"""Listeners."""

from __future__ import annotations

from fiberlb.api.octavia.listeners import LOCAL
from tests.api.octavia.asking import SUBNET, OctaviaCase


class ListenerTests(OctaviaCase):
    """Their life, and what they refuse."""

    def setUp(self) -> None:
        """A load balancer."""
        super().setUp()
        self.lb = self.balancer()

    def test_life(self) -> None:
        """Numbers may be texts; null resets; the order of policies is Octavia's."""
        made = self.make(
            "listeners",
            name="l",
            loadbalancer_id=self.lb,
            protocol="HTTP",
            protocol_port="80",
            connection_limit="100",
            insert_headers={"X-Forwarded-For": "true", "X-Forwarded-Port": "False"},
            allowed_cidrs=["10.0.0.1/8"],
        )
        self.assertEqual((made["protocol_port"], made["connection_limit"]), (80, 100))
        self.assertEqual(made["allowed_cidrs"], ["10.0.0.0/8"])
        self.assertEqual(made["loadbalancers"], [{"id": self.lb}])
        native = self.get(f"/v1/listeners/{made['id']}").document
        self.assertEqual(native["l7policy_order"], "octavia")
        self.assertEqual(native["insert_headers"]["X-Forwarded-Port"], False)
        path = f"listeners/{made['id']}"
        changed = self.change(path, connection_limit=None, insert_headers=None, allowed_cidrs=[])
        self.assertEqual(
            (changed["connection_limit"], changed["insert_headers"], changed["allowed_cidrs"]),
            (-1, {}, None),
        )
        self.assertEqual(self.call("DELETE", path).status, 204)

    def test_refused(self) -> None:
        """What makes no sense, each with its text."""
        self.listener(self.lb, 80)
        for status, text, given in (
            (400, "are created with all that they have", {"default_pool": {"name": "p"}}),
            (400, "are created with all that they have", {"l7policies": [{"action": "REJECT"}]}),
            (409, "already using protocol HTTP and protocol_port 80", {"protocol": "TCP"}),
            (501, "does not support", {"protocol": "SCTP", "protocol_port": 1}),
            (400, "lower or equal to 65535", {"protocol_port": 70000}),
            (404, "Load Balancer", {"loadbalancer_id": SUBNET, "protocol_port": 1}),
            (400, "insert_headers", {"protocol_port": 1, "insert_headers": {"X-No": "true"}}),
            (400, "is true or false", {"protocol_port": 1, "insert_headers": {"X-Real-IP": "x"}}),
            (400, "incompatible", {"protocol_port": 1, "allowed_cidrs": ["2001:db8::/64"]}),
            (404, "Pool", {"protocol_port": 1, "default_pool_id": SUBNET}),
            (400, "only supported for TERMINATED", {"protocol_port": 1, "tls_ciphers": "A"}),
            (400, "HSTS", {"protocol_port": 1, "hsts_max_age": 5}),
        ):
            given = {"loadbalancer_id": self.lb, "protocol": "HTTP", "protocol_port": 80, **given}
            self.refused("listeners", status, text, **given)

    def test_figures(self) -> None:
        """A PROMETHEUS listener that names no networks is seen by this machine only."""
        lb = self.balancer(vip_address="127.88.0.200")
        made = self.make("listeners", loadbalancer_id=lb, protocol="PROMETHEUS", protocol_port=9100)
        self.assertIsNone(made["allowed_cidrs"])
        path = f"/v1/listeners/{made['id']}"
        self.assertEqual(self.get(path).document["allowed_cidrs"], list(LOCAL))
        changed = self.change(f"listeners/{made['id']}", allowed_cidrs=["127.88.0.0/24"])
        self.assertEqual(changed["allowed_cidrs"], ["127.88.0.0/24"])
        changed = self.change(f"listeners/{made['id']}", allowed_cidrs=None)
        self.assertEqual(self.get(path).document["allowed_cidrs"], list(LOCAL))

    def test_udp_beside(self) -> None:
        """UDP has ports of its own."""
        self.listener(self.lb, 53, protocol="TCP")
        self.listener(self.lb, 53, protocol="UDP")

    def test_fixed(self) -> None:
        """What may not be changed is unknown."""
        path = f"listeners/{self.listener(self.lb)}"
        self.fault("PUT", path, {"listener": {"protocol_port": 8}}, 400, "protocol_port")

    def test_of_file(self) -> None:
        """Listeners of the native API show; a disabled one is offline."""
        body = {"name": "n", "port": 9, "protocol": "tcp", "enabled": False}
        ident = self.post("/v1/listeners", body).document["id"]
        found = self.look(f"listeners/{ident}")["listener"]
        self.assertEqual((found["protocol"], found["operating_status"]), ("TCP", "OFFLINE"))
