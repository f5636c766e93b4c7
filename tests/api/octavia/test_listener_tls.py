"""TLS of listeners."""

from __future__ import annotations

from typing import Any

from fiberlb.api.octavia.tls import DEFAULT_CIPHERS
from tests.api.octavia.asking import OctaviaCase
from tests.support.certificates import leaf


class ListenerTlsTests(OctaviaCase):
    """What is taken, and what it becomes."""

    def setUp(self) -> None:
        """A certificate and a load balancer."""
        super().setUp()
        made = leaf("x.example")
        pair = {"certificate": made.chain, "private_key": made.key_pem()}
        self.certificate = self.post("/v1/certificates", {"name": "c", **pair}).document["id"]
        self.lb = self.balancer()

    def secure(self, **given: Any) -> str:
        """A listener that ends TLS."""
        given = {"default_tls_container_ref": self.certificate, **given}
        return self.listener(self.lb, 443, protocol="TERMINATED_HTTPS", **given)

    def test_defaults(self) -> None:
        """Octavia's, where nothing is said."""
        found = self.look(f"listeners/{self.secure()}")["listener"]
        self.assertEqual(found["tls_versions"], ["TLSv1.2", "TLSv1.3"])
        self.assertEqual(found["tls_ciphers"], DEFAULT_CIPHERS)
        self.assertEqual(found["client_authentication"], "NONE")

    def test_given(self) -> None:
        """Versions, ciphers, protocols."""
        ident = self.secure(tls_versions=["TLSv1.3"], tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
        native = self.get(f"/v1/listeners/{ident}").document["tls_config"]
        self.assertEqual(native["min_version"], "tls13")
        self.assertEqual(native["cipher_suites"], "ECDHE-ECDSA-AES128-GCM-SHA256")
        changed = self.change(
            f"listeners/{ident}", tls_versions=None, alpn_protocols=["h2", "http/1.1"]
        )
        self.assertEqual(changed["tls_versions"], ["TLSv1.2", "TLSv1.3"])
        self.assertEqual(changed["alpn_protocols"], ["h2", "http/1.1"])

    def test_sni(self) -> None:
        """The first one by name stands in for a default."""
        ident = self.secure(default_tls_container_ref=None, sni_container_refs=[self.certificate])
        found = self.look(f"listeners/{ident}")["listener"]
        self.assertEqual(found["sni_container_refs"], [self.certificate])
        self.assertIsNone(found["default_tls_container_ref"])
        body: dict[str, Any] = {"listener": {"sni_container_refs": []}}
        self.fault("PUT", f"listeners/{ident}", body, 400, "must be provided")
        found = self.change(f"listeners/{ident}", default_tls_container_ref=self.certificate)
        self.assertEqual(found["default_tls_container_ref"], self.certificate)
        self.change(f"listeners/{ident}", sni_container_refs=None)
        body = {"listener": {"default_tls_container_ref": None}}
        self.fault("PUT", f"listeners/{ident}", body, 400, "must be provided")

    def test_without_tls(self) -> None:
        """Other listeners have none of it, and no empty lists."""
        given: dict[str, Any]
        for given in ({"tls_versions": []}, {"alpn_protocols": []}, {"tls_ciphers": "x"}):
            asked = {"protocol": "HTTP", "protocol_port": 80, **given}
            self.refused("listeners", 400, "TERMINATED_HTTPS", loadbalancer_id=self.lb, **asked)
        self.listener(self.lb, 80, sni_container_refs=[], tls_versions=None)

    def test_refused(self) -> None:
        """Nothing to show, old versions, nobody to vouch."""
        given: dict[str, Any]
        for given in (
            {"default_tls_container_ref": None},
            {"tls_versions": ["TLSv1.1", "TLSv1.2"]},
            {"tls_versions": []},
            {"alpn_protocols": []},
            {"client_authentication": "MANDATORY"},
        ):
            asked = {"default_tls_container_ref": self.certificate, **given}
            self.refused(
                "listeners",
                400,
                "",
                loadbalancer_id=self.lb,
                protocol="TERMINATED_HTTPS",
                protocol_port=443,
                **asked,
            )
