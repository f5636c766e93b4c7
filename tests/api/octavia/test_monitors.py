"""Health monitors."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import SUBNET, OctaviaCase


class MonitorTests(OctaviaCase):
    """Their life, and what they refuse."""

    def setUp(self) -> None:
        """A pool."""
        super().setUp()
        self.lb = self.balancer()
        self.home = self.pool(loadbalancer_id=self.lb)

    def made(self, **given: Any) -> dict[str, Any]:
        """A monitor of the pool."""
        asked = {"type": "HTTP", "delay": 5, "timeout": 2, "max_retries": 3, **given}
        return self.make("healthmonitors", **{"pool_id": self.home, **asked})

    def test_life(self) -> None:
        """Defaults as Octavia has them; a pool has one."""
        made = self.made(name="h")
        self.assertEqual(
            [made[n] for n in ("http_method", "url_path", "expected_codes", "max_retries_down")],
            ["GET", "/", "200", 3],
        )
        self.assertEqual(made["pools"], [{"id": self.home}])
        asked = {"pool_id": self.home, "type": "TCP", "delay": 1, "timeout": 1, "max_retries": 1}
        self.refused("healthmonitors", 409, "already has a health monitor", **asked)
        path = f"healthmonitors/{made['id']}"
        changed = self.change(path, delay="7", expected_codes="200-204", max_retries=2)
        self.assertEqual((changed["delay"], changed["expected_codes"]), (7, "200-204"))
        native = self.get(f"/v1/pools/{self.home}/health_monitor").document
        self.assertEqual((native["interval"], native["rise"]), ("7s", 2))
        self.assertEqual(self.change(path, expected_codes=None)["expected_codes"], "200")
        self.assertEqual(self.call("DELETE", path).status, 204)
        self.assertIsNone(self.look(f"pools/{self.home}")["pool"]["healthmonitor_id"])

    def test_longer_than_interval(self) -> None:
        """A check that may last longer than its interval ends with it; what was sent is shown."""
        made = self.made(delay=3, timeout=10)
        self.assertEqual((made["delay"], made["timeout"]), (3, 10))
        native = self.get(f"/v1/pools/{self.home}/health_monitor").document
        self.assertEqual(native["timeout"], "3s")
        changed = self.change(f"healthmonitors/{made['id']}", delay=20)
        self.assertEqual((changed["delay"], changed["timeout"]), (20, 10))

    def test_types(self) -> None:
        """Each type of connections; checks by TLS verify nobody, as Octavia's."""
        for kind in ("HTTP", "HTTPS", "PING", "TCP", "TLS-HELLO"):
            home = self.pool(loadbalancer_id=self.lb)
            self.assertEqual(self.made(type=kind, pool_id=home)["type"], kind)
            native = self.get(f"/v1/pools/{home}").document
            skips = (native["tls_config"] or {}).get("insecure_skip_verify", False)
            self.assertEqual(skips, kind in ("HTTPS", "TLS-HELLO"))
            monitor = self.look(f"pools/{home}")["pool"]["healthmonitor_id"]
            self.assertEqual(self.call("DELETE", f"healthmonitors/{monitor}").status, 204)

    def test_refused(self) -> None:
        """What does not go together."""
        udp = self.pool(loadbalancer_id=self.lb, protocol="UDP")
        for given in (
            {"type": "TCP", "url_path": "/x"},
            {"type": "UDP-CONNECT"},
            {"type": "PING", "pool_id": udp},
            {"type": "UDP-CONNECT", "pool_id": udp, "delay": 2},
            {"domain_name": "x.example"},
            {"url_path": "x"},
            {"url_path": "/a b"},
            {"expected_codes": "200,201-204"},
            {"max_retries": 11},
            {"http_method": "BREW"},
            {"delay": None},
        ):
            asked = {"type": "HTTP", "delay": 5, "timeout": 2, "max_retries": 3, **given}
            self.refused("healthmonitors", 400, "", **{"pool_id": self.home, **asked})
        sctp = {"type": "SCTP", "delay": 5, "timeout": 2, "max_retries": 3, "pool_id": udp}
        self.refused("healthmonitors", 501, "does not support", **sctp)
        self.refused(
            "healthmonitors",
            404,
            "Pool",
            pool_id=SUBNET,
            type="TCP",
            delay=1,
            timeout=1,
            max_retries=1,
        )

    def test_udp(self) -> None:
        """Checks of datagrams."""
        udp = self.pool(loadbalancer_id=self.lb, protocol="UDP")
        self.assertEqual(self.made(type="UDP-CONNECT", pool_id=udp)["type"], "UDP-CONNECT")

    def test_host(self) -> None:
        """A name for the Host field needs HTTP/1.1."""
        made = self.made(http_version="1.1", domain_name="x.example")
        self.assertEqual((made["http_version"], made["domain_name"]), (1.1, "x.example"))
        body: dict[str, Any] = {"healthmonitor": {"http_version": 1.0}}
        self.fault("PUT", f"healthmonitors/{made['id']}", body, 400, "http_version")
        body = {"healthmonitor": {"http_version": True}}
        self.fault("PUT", f"healthmonitors/{made['id']}", body, 400, "http_version")
        # Some languages have one kind of numbers.
        path = f"healthmonitors/{made['id']}"
        self.assertEqual(self.change(path, http_version=1, domain_name=None)["http_version"], 1.0)
