"""TLS attributes that listeners and pools share."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.tls import (
    DEFAULT_CIPHERS,
    ciphers,
    protocols,
    shown_ciphers,
    shown_versions,
    versions,
)
from fiberlb.model.listener import TlsVersion


class TlsTests(SynchronousTestCase):
    """From Octavia's words to ours, and back."""

    def test_versions(self) -> None:
        """The least and the newest one."""
        self.assertEqual(versions(None), (None, None))
        self.assertEqual(versions(["TLSv1.2"]), ("tls12", "tls12"))
        self.assertEqual(versions(["TLSv1.3", "TLSv1.2"]), ("tls12", None))
        self.assertEqual(shown_versions(TlsVersion.TLS12, TlsVersion.TLS12), ["TLSv1.2"])
        self.assertEqual(shown_versions(TlsVersion.TLS13, None), ["TLSv1.3"])
        for wrong in ([], ["SSLv3"]):
            self.assertRaises(Fault, versions, wrong)

    def test_ciphers(self) -> None:
        """The default is ours."""
        self.assertEqual(ciphers(DEFAULT_CIPHERS), [])
        self.assertEqual(ciphers("A:B"), ["A", "B"])
        self.assertEqual(shown_ciphers([]), DEFAULT_CIPHERS)

    def test_protocols(self) -> None:
        """Those that are served are offered."""
        self.assertEqual(protocols(["http/1.0", "http/1.1"]), ["http/1.1"])
        self.assertIsNone(protocols(["http/1.0"]))
        self.assertRaises(Fault, protocols, [])
