"""Tests of fiberlb.tls.weaknesses."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import TlsConfig, TlsProfile, TlsVersion
from fiberlb.tls.weaknesses import weaknesses


def said(**fields: Any) -> list[tuple[Any, str]]:
    """Where something is said, and its first word."""
    found = weaknesses(TlsConfig(certificate_id=("c",), **fields))
    return [(path, message.split()[0]) for path, message in found]


class WeaknessTests(SynchronousTestCase):
    """What is said, and what is not."""

    def test_defaults(self) -> None:
        """Neither profile is weak, nor is anything of TLS 1.3."""
        for profile in TlsProfile:
            self.assertEqual(said(profile=profile), [])
        good = ("TLS_AES_128_CCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")
        self.assertEqual(said(cipher_suites=good), [])

    def test_suites(self) -> None:
        """No forward secrecy, CBC, and what can never be agreed on."""
        weak = (
            "ECDHE-RSA-CHACHA20-POLY1305",
            "AES128-GCM-SHA256",
            "ECDHE-RSA-AES128-SHA",
            "DHE-RSA-AES128-GCM-SHA256",
        )
        self.assertEqual(
            said(cipher_suites=weak),
            [(("cipher_suites", index), name) for index, name in enumerate(weak) if index],
        )

    def test_versions(self) -> None:
        """Without TLS 1.3."""
        self.assertEqual(said(max_version=TlsVersion.TLS12), [(("max_version",), "TLS")])
