"""Tests of fiberlb.tls.ciphers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.tls.ciphers import INTERMEDIATE, MODERN, Suites, suites, supported


class SuitesTests(SynchronousTestCase):
    """L{suites}."""

    def refused(self, *names: str) -> ConfigurationError:
        """The refusal of these names."""
        return self.assertRaises(ConfigurationError, suites, names, ("at",))

    def test_default(self) -> None:
        """Without names each version has its default."""
        self.assertEqual(suites((), ("at",)), Suites(INTERMEDIATE, MODERN))

    def test_two_lists(self) -> None:
        """Names are sorted into the two lists of OpenSSL, in their order."""
        found = suites(
            (
                "TLS_CHACHA20_POLY1305_SHA256",
                "ECDHE-RSA-AES128-GCM-SHA256",
                "TLS_AES_128_GCM_SHA256",
                "AES128-SHA",
            ),
            ("at",),
        )
        self.assertEqual(found.tls12, b"ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA")
        self.assertEqual(found.tls13, b"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")

    def test_one_version_only(self) -> None:
        """Naming suites of one version leaves the other one as it is."""
        self.assertEqual(suites(("TLS_AES_128_GCM_SHA256",), ()).tls12, INTERMEDIATE)
        self.assertEqual(suites(("AES128-SHA",), ()).tls13, MODERN)

    def test_unknown(self) -> None:
        """A misspelt name is refused with its place and what was meant."""
        why = self.refused("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA265")
        (problem,) = why.problems
        self.assertEqual(problem.path, ("at", 1))
        self.assertEqual(problem.suggestion, "ECDHE-RSA-AES128-GCM-SHA256")

    def test_groups_and_dangers(self) -> None:
        """Groups, and suites without encryption or without a certificate, are refused each."""
        names = (
            "HIGH",
            "ALL",
            "aNULL",
            "NULL-SHA256",
            "ADH-AES128-SHA",
            "PSK-AES128-CBC-SHA",
            "-x",
        )
        self.assertEqual(len(self.refused(*names).problems), len(names))

    def test_supported(self) -> None:
        """Nothing that can be named lacks encryption or authentication, nothing is RC4 or 3DES."""
        known = supported()
        self.assertIn("TLS_AES_256_GCM_SHA384", known)
        self.assertIn("ECDHE-ECDSA-AES128-GCM-SHA256", known)
        for part in ("NULL", "ADH", "AECDH", "PSK", "SRP", "RC4", "DES"):
            self.assertEqual([name for name in known if part in name], [])
