"""Which clients count as one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.treatment.client_key import client_key


class ClientKeyTests(SynchronousTestCase):
    """Addresses."""

    def test_ipv4(self) -> None:
        """Each by itself."""
        self.assertNotEqual(client_key("192.0.2.1"), client_key("192.0.2.2"))

    def test_ipv6(self) -> None:
        """The first 64 bits count."""
        self.assertEqual(client_key("2001:db8::1"), client_key("2001:db8::ffff:0:0:2"))
        self.assertNotEqual(client_key("2001:db8::1"), client_key("2001:db8:0:1::1"))

    def test_others(self) -> None:
        """Those on a Unix socket are one."""
        self.assertEqual(client_key("unix:"), b"unix:")
