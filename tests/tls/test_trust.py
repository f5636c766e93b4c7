"""Tests of fiberlb.tls.trust."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.trust import FILES, system_trust
from tests.support.programs import temporary_directory


class TrustTests(SynchronousTestCase):
    """Where a machine keeps who it trusts."""

    def test_environment(self) -> None:
        """The variables of OpenSSL win, and a change of the file shows."""
        directory = temporary_directory()
        file = Path(directory, "a.pem")
        file.write_text("a")
        given = {"SSL_CERT_FILE": str(file)}
        before = system_trust(given)
        assert before is not None
        self.assertEqual((before.file, before.directory), (str(file), None))
        self.assertEqual(system_trust(given), before)
        file.write_text("ab")
        self.assertNotEqual(system_trust(given), before)
        found = system_trust({"SSL_CERT_DIR": directory})
        assert found is not None
        self.assertEqual((found.file, found.directory), (None, directory))

    def test_missing(self) -> None:
        """A file that is named and not there is no reason to look elsewhere."""
        found = system_trust({"SSL_CERT_FILE": "/nowhere.pem"})
        assert found is not None
        self.assertEqual((found.file, found.stamp), ("/nowhere.pem", ()))

    def test_usual_places(self) -> None:
        """Else it is one of the places where systems have it, or nothing."""
        found = system_trust({})
        self.assertIn(found.file if found else None, (*FILES, None))
