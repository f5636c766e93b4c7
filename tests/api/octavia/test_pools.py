"""Pools."""

from __future__ import annotations

from tests.api.octavia.asking import SUBNET, OctaviaCase


class PoolTests(OctaviaCase):
    """Their life, and what they refuse."""

    def setUp(self) -> None:
        """A load balancer with a listener."""
        super().setUp()
        self.lb = self.balancer()
        self.front = self.listener(self.lb)

    def test_for_listener(self) -> None:
        """One that is made for a listener is its default."""
        ident = self.pool(listener_id=self.front, name="p")
        self.assertEqual(self.look(f"listeners/{self.front}")["listener"]["default_pool_id"], ident)
        found = self.look(f"pools/{ident}")["pool"]
        self.assertEqual(found["listeners"], [{"id": self.front}])
        self.assertEqual(found["loadbalancers"], [{"id": self.lb}])
        self.refused(
            "pools",
            409,
            "already has a default pool",
            protocol="HTTP",
            lb_algorithm="ROUND_ROBIN",
            listener_id=self.front,
        )
        self.assertEqual(self.call("DELETE", f"pools/{ident}").status, 204)
        self.assertIsNone(self.look(f"listeners/{self.front}")["listener"]["default_pool_id"])

    def test_encrypted_bytes(self) -> None:
        """Bytes are not put into TLS, neither at once nor later."""
        given = {"loadbalancer_id": self.lb, "lb_algorithm": "ROUND_ROBIN"}
        for protocol in ("TCP", "HTTPS", "UDP"):
            text = f"tls_enabled of {protocol} pools"
            self.refused("pools", 501, text, **given, protocol=protocol, tls_enabled=True)
            made = self.make("pools", **given, protocol=protocol, tls_enabled=False)
            body = {"pool": {"tls_enabled": True}}
            self.fault("PUT", f"pools/{made['id']}", body, 501, text)
            shown = self.look(f"pools/{made['id']}")["pool"]
            self.assertEqual((shown["protocol"], shown["tls_enabled"]), (protocol, False))

    def test_alone(self) -> None:
        """One that nobody sends to is offline; it needs a load balancer."""
        ident = self.pool(loadbalancer_id=self.lb)
        self.assertEqual(self.look(f"pools/{ident}")["pool"]["operating_status"], "OFFLINE")
        self.refused("pools", 400, "at least one of", protocol="HTTP", lb_algorithm="SOURCE_IP")
        for given in ({"loadbalancer_id": SUBNET}, {"listener_id": SUBNET}):
            self.refused(
                "pools", 404, "not found", protocol="HTTP", lb_algorithm="SOURCE_IP", **given
            )

    def test_algorithms(self) -> None:
        """Those that Octavia has no name for show as the nearest, and stay through an update."""
        ident = self.pool(loadbalancer_id=self.lb)
        self.ask("PATCH", f"/v1/pools/{ident}", {"algorithm": "peak_ewma"})
        self.assertEqual(self.look(f"pools/{ident}")["pool"]["lb_algorithm"], "LEAST_CONNECTIONS")
        self.change(f"pools/{ident}", lb_algorithm="LEAST_CONNECTIONS", name="x")
        self.assertEqual(self.get(f"/v1/pools/{ident}").document["algorithm"], "peak_ewma")
        self.change(f"pools/{ident}", lb_algorithm="ROUND_ROBIN")
        self.assertEqual(self.get(f"/v1/pools/{ident}").document["algorithm"], "round_robin")

    def test_tls(self) -> None:
        """Encrypted and, without an authority, not verified; TLS attributes need it."""
        ident = self.pool(loadbalancer_id=self.lb, tls_enabled=True)
        native = self.get(f"/v1/pools/{ident}").document
        self.assertEqual(native["protocol"], "https")
        self.assertTrue(native["tls_config"]["insecure_skip_verify"])
        found = self.look(f"pools/{ident}")["pool"]
        self.assertEqual((found["protocol"], found["tls_enabled"]), ("HTTP", True))
        self.assertEqual(found["tls_versions"], ["TLSv1.2", "TLSv1.3"])
        changed = self.change(f"pools/{ident}", tls_enabled=False)
        self.assertEqual((changed["tls_enabled"], changed["tls_versions"]), (False, None))
        self.fault("PUT", f"pools/{ident}", {"pool": {"tls_ciphers": "A"}}, 400, "tls_enabled")

    def test_in_use(self) -> None:
        """One that a policy redirects to stays."""
        ident = self.pool(loadbalancer_id=self.lb)
        policy = self.make(
            "l7policies",
            listener_id=self.front,
            action="REDIRECT_TO_POOL",
            redirect_pool_id=ident,
        )
        text = f"Pool {ident} is in use by L7 policy {policy['id']}"
        self.fault("DELETE", f"pools/{ident}", None, 409, text)

    def test_filled(self) -> None:
        """Members and a monitor may stand in it, which Octavia dies of."""
        monitor = {"type": "TCP", "delay": 5, "timeout": 2, "max_retries": 2}
        ident = self.pool(
            loadbalancer_id=self.lb,
            members=[{"address": "10.0.0.1", "protocol_port": 1}],
            healthmonitor=monitor,
        )
        found = self.look(f"pools/{ident}")["pool"]
        self.assertEqual(len(found["members"]), 1)
        self.assertIsNotNone(found["healthmonitor_id"])
