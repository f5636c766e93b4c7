"""Tests of L{fiberlb.tls_plans}, in whole snapshots."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.model.listener import Listener, TlsVersion
from tests.test_snapshot import certificate, listener, secure, snapshot


class TlsTests(SynchronousTestCase):
    """How TLS is terminated."""

    def test_none(self) -> None:
        """A plain listener has no plan for it."""
        self.assertIsNone(snapshot(listener()).listeners["web"].tls)

    def test_fields(self) -> None:
        """Versions, suites and strictness as given."""
        made = secure(
            "a", strict_sni=True, max_version=TlsVersion.TLS12, cipher_suites=("AES128-SHA",)
        )
        plan = snapshot(made, certificate("a")).listeners["web"].tls
        assert plan is not None
        self.assertEqual((plan.strict, plan.cipher_suites), (True, ("AES128-SHA",)))
        self.assertEqual((plan.min_version, plan.max_version), (TlsVersion.TLS12,) * 2)

    def names(self, made: Listener, *more: Certificate) -> tuple[list[str], list[str]]:
        """The ids of the default certificates and of the others; C{a} to C{c} exist."""
        objects = [certificate(ident) for ident in "abc"]
        plan = snapshot(made, *objects, *more).listeners["web"].tls
        assert plan is not None
        return [c.id for c in plan.default], [c.id for c in plan.others]

    def test_certificates(self) -> None:
        """The default ones, and the others named, none twice."""
        self.assertEqual(self.names(secure("b", "a", others="bcc")), (["b", "a"], ["c"]))

    def test_all(self) -> None:
        """C{all} is every enabled certificate that is for listeners."""
        sni = certificate("d", cert_type=CertificateType.SNI)
        off = certificate("e", enabled=False)
        client = certificate("f", cert_type=CertificateType.CLIENT)
        judge = certificate("g", cert_type=CertificateType.CLIENT_CA)
        found = self.names(secure("b", others=None), sni, off, client, judge)
        self.assertEqual(found, (["b"], ["a", "c", "d"]))

    def test_disabled(self) -> None:
        """A disabled certificate is not served; a listener left without one is refused."""
        off = certificate("a", enabled=False)
        self.assertEqual(self.names(secure("a", "b", others="ac"), off), (["b"], ["c"]))
        why = self.assertRaises(ConfigurationError, snapshot, secure("a"), off)
        wanted = ("listeners", "web", "tls_config", "certificate_id")
        self.assertEqual(why.problems[0].path, wanted)
