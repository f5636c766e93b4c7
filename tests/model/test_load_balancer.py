"""Load balancers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.load_balancer import LoadBalancer
from tests.model.documents import made, problems


class LoadBalancerTests(SynchronousTestCase):
    """Addresses that listeners share."""

    def test_default(self) -> None:
        """Without anything said it is every address of the host."""
        self.assertEqual(made(LoadBalancer).addresses, ("::",))

    def test_addresses(self) -> None:
        """All addresses are served alike, none twice."""
        found = made(
            LoadBalancer,
            vip_address="192.0.2.1",
            additional_vips=["2001:DB8::1", "192.0.2.1"],
            freebind=True,
        )
        self.assertEqual(found.addresses, ("192.0.2.1", "2001:db8::1"))

    def test_refused(self) -> None:
        """Names are no addresses."""
        self.assertEqual(
            problems(LoadBalancer, {"vip_address": "localhost", "additional_vips": ["x"]}),
            [
                "vip_address: 'localhost' is not an IP address",
                "additional_vips[0]: 'x' is not an IP address",
            ],
        )
