"""Tests of fiberlb.tls.words."""

from __future__ import annotations

import errno

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.words import (
    NO_VERSION,
    NOT_TLS,
    certificate_words,
    failure_words,
    other_name_words,
)
from tests.support.certificates import leaf


class WordsTests(SynchronousTestCase):
    """Errors in the few sentences that stay the same."""

    def test_certificate(self) -> None:
        """OpenSSL's numbers; one that is not known is told as it is."""
        self.assertEqual(certificate_words(10), "certificate has expired")
        self.assertIn("unknown authority", certificate_words(20))
        self.assertEqual(
            certificate_words(9999), "certificate is not accepted (OpenSSL error 9999)"
        )

    def test_other_names(self) -> None:
        """The names that it is for are told, a few, and nothing that forges a line."""
        found = other_name_words("a.test", leaf("b.test", "c.test", "d.test", "e.test").certificate)
        self.assertEqual(
            found, "certificate is not for a.test (it is for b.test, c.test, d.test, ...)"
        )
        found = other_name_words("a.test", leaf("b\nforged", "x" * 300).certificate)
        self.assertNotIn("\n", found)
        self.assertLess(len(found), 150)

    def test_failures(self) -> None:
        """What went wrong with TLS itself."""
        for text, wanted in {
            "wrong version number": NOT_TLS,
            "record layer failure": NOT_TLS,
            "unsupported protocol": NO_VERSION,
            "tlsv1 alert protocol version": f"{NO_VERSION} (alert protocol version)",
            "tlsv13 alert certificate required": (
                "member refused the TLS connection: alert certificate required"
            ),
            "ssl/tls alert handshake failure": (
                "member refused the TLS connection: alert handshake failure"
            ),
            "excessive message size": "certificate chain is too long",
            "digest check failed": "TLS error: digest check failed",
        }.items():
            self.assertEqual(failure_words(SSL.Error([("SSL routines", "", text)])), wanted)

    def test_ends(self) -> None:
        """A connection that ended meanwhile."""
        closed = "connection closed during the TLS handshake"
        reset = "connection reset during the TLS handshake"
        self.assertEqual(failure_words(SSL.SysCallError(-1, "Unexpected EOF")), closed)
        self.assertEqual(failure_words(SSL.ZeroReturnError()), closed)
        self.assertEqual(failure_words(SSL.SysCallError(errno.ECONNRESET, "x")), reset)
