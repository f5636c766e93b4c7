"""Pools and the listeners that send to them."""

from __future__ import annotations

from fiberlb.api.octavia.fits import FITTING
from fiberlb.api.octavia.pools import PROTOCOLS
from tests.api.octavia.asking import OctaviaCase


class FitTests(OctaviaCase):
    """Every pair."""

    def setUp(self) -> None:
        """A load balancer."""
        super().setUp()
        self.lb = self.balancer()

    def test_pairs(self) -> None:
        """Octavia's table, for listeners and policies alike; what does not fit is refused."""
        for number, (listener, pools) in enumerate(FITTING.items()):
            if listener in ("TERMINATED_HTTPS", "PROMETHEUS"):
                continue
            front = self.listener(self.lb, 100 + number, protocol=listener)
            for protocol in PROTOCOLS:
                ident = self.pool(protocol=protocol, loadbalancer_id=self.lb)
                found = self.call(
                    "PUT", f"listeners/{front}", {"listener": {"default_pool_id": ident}}
                )
                expected = 200 if protocol in pools else 400
                self.assertEqual(found.status, expected, (listener, protocol))
                shown = self.look(f"pools/{ident}")["pool"]["protocol"]
                self.assertEqual(shown, protocol, listener)

    def test_proxied(self) -> None:
        """A pool of PROXY carries requests behind a listener that reads them, else bytes."""
        for protocol, ours in (("HTTP", "http"), ("TCP", "tcp")):
            front = self.listener(self.lb, protocol=protocol, port=200 + len(protocol))
            ident = self.pool(protocol="PROXYV2", listener_id=front)
            native = self.get(f"/v1/pools/{ident}").document
            self.assertEqual((native["protocol"], native["proxy_protocol"]), (ours, "v2"))
