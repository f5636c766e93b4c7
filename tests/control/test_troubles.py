"""Tests of L{fiberlb.control.troubles}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.issued import Issued
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.troubles import of_certificates, of_members, of_store
from fiberlb.model.configuration import Configuration
from fiberlb.ocsp.book import Staples
from fiberlb.store.interface import Standing
from tests.control.stage import NOW, Stage, StageNames


class TroubleTests(SynchronousTestCase):
    """Sentences."""

    def test_none(self) -> None:
        """Where nothing is configured nothing is wrong."""
        issued = Issued()
        facts = CertificateFacts(issued)
        found = of_certificates(Configuration(), facts, issued, Staples(), NOW)
        self.assertEqual(list(found), [])
        self.assertEqual(list(of_members(None, StageNames())), [])

    def test_store(self) -> None:
        """That the store is away, since when, and whether a copy is served."""
        self.assertEqual(list(of_store(Standing())), [])
        told = "the store is away since 1970-01-01T00:01:40Z: gone"
        self.assertEqual(list(of_store(Standing(100.0, "gone"))), [told])
        told += "; what is served is from this node's copy"
        self.assertEqual(list(of_store(Standing(100.0, "gone", True))), [told])

    def test_members(self) -> None:
        """Who is not verified, and what is not resolved."""
        tls = "tls_config: {insecure_skip_verify: true}"
        pool = f'{{name: p, protocol: https, {tls}, members: ["db.test:1"]}}'
        stage = Stage(self, f"pools: [{pool}]")
        stage.move(db="the server failed")
        lax, unresolved = stage.control.problems
        self.assertIn("insecure_skip_verify is on", lax)
        self.assertEqual(unresolved, "db.test: the server failed")
