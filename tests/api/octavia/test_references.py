"""References to certificates."""

from __future__ import annotations

from tests.api.octavia.asking import SUBNET, OctaviaCase
from tests.support.certificates import leaf


class ReferenceTests(OctaviaCase):
    """As clients write them."""

    def setUp(self) -> None:
        """A certificate and a load balancer."""
        super().setUp()
        made = leaf("x.example")
        pair = {"certificate": made.chain, "private_key": made.key_pem()}
        self.ident = self.post("/v1/certificates", {"name": "c", **pair}).document["id"]
        self.lb = self.balancer()

    def test_forms(self) -> None:
        """Each form leads to it, and is answered as it was sent."""
        for port, reference in enumerate(
            (
                f"fiberlb://certificates/{self.ident}",
                self.ident,
                f"https://barbican.example/v1/containers/{self.ident}",
            ),
            start=1,
        ):
            ident = self.listener(
                self.lb, port, protocol="TERMINATED_HTTPS", default_tls_container_ref=reference
            )
            found = self.look(f"listeners/{ident}")["listener"]
            self.assertEqual(found["default_tls_container_ref"], reference)

    def test_unknown(self) -> None:
        """What names nothing is refused."""
        for reference in ("x", SUBNET, f"fiberlb://certificates/{SUBNET}"):
            self.refused(
                "listeners",
                400,
                "Could not retrieve certificate",
                loadbalancer_id=self.lb,
                protocol="TERMINATED_HTTPS",
                protocol_port=443,
                default_tls_container_ref=reference,
            )
