"""Tests of L{fiberlb.api.rest.warned}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.warned import warnings
from tests.control.stage import Stage, create
from tests.support.certificates import leaf


class WarningsTests(SynchronousTestCase):
    """What is no reason to refuse a change, and should be known."""

    def setUp(self) -> None:
        """A node."""
        self.stage = Stage(self)
        self.stage.start()

    def test_none(self) -> None:
        """Most changes are what was meant."""
        outcome = self.stage.write(create("pools", {"name": "a"}))
        self.assertEqual(warnings(self.stage.control, outcome), [])

    def test_configuration(self) -> None:
        """What cannot be what was meant."""
        listener = {"name": "l", "port": 80, "protocol": "tcp", "accept_proxy_protocol": True}
        outcome = self.stage.write(create("listeners", listener))
        (told,) = warnings(self.stage.control, outcome)
        self.assertIn("trusted_proxies is empty", told)

    def test_certificate(self) -> None:
        """Certificates that came or changed, and no others."""
        one = leaf("a.test", days=1)
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        outcome = self.stage.write(create("certificates", body))
        told = warnings(self.stage.control, outcome)
        self.assertTrue(told)
        self.assertTrue(all(each.startswith("certificate c: ") for each in told), told)
        outcome = self.stage.write(create("pools", {"name": "a"}))
        self.assertEqual(warnings(self.stage.control, outcome), [])
