"""Clients of listeners: who is asked for a certificate, and who is believed."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from tests.api.octavia.asking import OctaviaCase
from tests.support.certificates import authority, leaf, revoked

_FIELDS = ("client_authentication", "client_ca_tls_container_ref", "client_crl_container_ref")


class ClientTests(OctaviaCase):
    """Authorities and revocation lists."""

    def setUp(self) -> None:
        """A server's certificate, and an authority with its list beside it."""
        super().setUp()
        made = leaf("x.example")
        pair = {"certificate": made.chain, "private_key": made.key_pem()}
        self.server = self.post("/v1/certificates", {"name": "s", **pair}).document["id"]
        ours = authority("Ours")
        self.ca = self.judge("ca", ours.pem)
        crl = revoked(leaf("gone"), by=ours).public_bytes(Encoding.PEM).decode()
        self.crl = self.judge("crl", ours.pem, crl=crl)
        self.given = {
            "loadbalancer_id": self.balancer(),
            "protocol": "TERMINATED_HTTPS",
            "protocol_port": 443,
            "default_tls_container_ref": self.server,
        }

    def judge(self, name: str, pem: str, **more: Any) -> str:
        """The id of an authority."""
        body = {"name": name, "cert_type": "client_ca", "certificate": pem, **more}
        made = self.post("/v1/certificates", body)
        self.assertEqual(made.status, 201, made.body)
        return str(made.document["id"])

    def native(self, ident: str) -> tuple[Any, ...]:
        """What is in force: asked, authority, revocation list."""
        config = self.get(f"/v1/listeners/{ident}").document["tls_config"]
        return tuple(
            config[name]
            for name in (
                "client_authentication",
                "client_ca_certificate_id",
                "client_crl_certificate_id",
            )
        )

    def test_revoked(self) -> None:
        """However the list is referred to it is in force, read back as it was sent, and cleared."""
        for reference in (
            self.crl,
            f"fiberlb://certificates/{self.crl}",
            f"https://barbican.test/v1/containers/{self.crl}",
        ):
            asked = dict(zip(_FIELDS, ("MANDATORY", self.ca, reference), strict=True))
            made = self.make("listeners", **self.given, **asked)
            ident = made["id"]
            for shown in (made, self.look(f"listeners/{ident}")["listener"]):
                self.assertEqual({n: shown[n] for n in _FIELDS}, asked)
            self.assertEqual(self.native(ident), ("mandatory", self.ca, self.crl))
            self.assertEqual(self.ask("DELETE", f"/v1/certificates/{self.crl}").status, 409)
            found = self.change(f"listeners/{ident}", client_crl_container_ref=None)
            self.assertIsNone(found["client_crl_container_ref"])
            self.assertEqual(self.native(ident), ("mandatory", self.ca, None))
            self.call("DELETE", f"listeners/{ident}")

    def test_kept(self) -> None:
        """Who asks nobody keeps both for later, and shows them."""
        named = dict(zip(_FIELDS[1:], (self.ca, self.crl), strict=True))
        ident = self.make("listeners", **self.given, **named)["id"]
        self.assertEqual(self.native(ident), ("none", None, None))
        for mode in ("OPTIONAL", "NONE", "MANDATORY"):
            found = self.change(f"listeners/{ident}", client_authentication=mode)
            self.assertEqual({n: found[n] for n in named}, named)
            inside = ("none", None, None) if mode == "NONE" else (mode.lower(), self.ca, self.crl)
            self.assertEqual(self.native(ident), inside)
        found = self.change(f"listeners/{ident}", **dict.fromkeys(_FIELDS))
        self.assertEqual([found[n] for n in _FIELDS], ["NONE", None, None])

    def test_refused(self) -> None:
        """What is no authority, or has no list."""
        for mode, ca, crl, text in (
            ("MANDATORY", None, None, "needs a client_ca_tls_container_ref"),
            ("NONE", None, self.crl, "needs a client_ca_tls_container_ref"),
            ("OPTIONAL", self.server, None, "is no authority"),
            ("OPTIONAL", self.ca, self.ca, "has no revocation list"),
            ("OPTIONAL", self.ca, self.server, "is no authority"),
            ("OPTIONAL", self.ca, "nothing", "Could not retrieve certificate: ['nothing']"),
        ):
            asked = dict(zip(_FIELDS, (mode, ca, crl), strict=True))
            self.refused("listeners", 400, text, **self.given, **asked)
        self.assertEqual(self.look("listeners")["listeners"], [])
        ident = self.make("listeners", **self.given, client_authentication="NONE")["id"]
        body = {"listener": {"client_authentication": "OPTIONAL"}}
        self.fault("PUT", f"listeners/{ident}", body, 400, "needs a client_ca_tls_container_ref")
