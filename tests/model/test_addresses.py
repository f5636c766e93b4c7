"""Addresses and networks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.addresses import Address, Network, unbracketed
from tests.model.documents import loaded, refused, values


class AddressTests(SynchronousTestCase):
    """IP addresses."""

    def test_loaded(self) -> None:
        """Both families, in their shortest form."""
        for text, wanted in (
            ("127.0.0.1", "127.0.0.1"),
            ("::", "::"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:201", "192.0.2.1"),
        ):
            self.assertEqual(loaded(Address(), text), wanted)

    def test_refused(self) -> None:
        """Nothing that is not exactly one."""
        for value in (
            "",
            "localhost",
            "1.2.3",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4:80",
            "::1/128",
        ):
            self.assertEqual(refused(Address(), value), f"{value!r} is not an IP address")
        for value in values(None, 5, 2130706433, True, []):
            self.assertIn("is not an IP address", refused(Address(), value))

    def test_brackets(self) -> None:
        """They belong to an address with a port; what to write is said."""
        told = refused(Address(), "[::1]")
        self.assertIn("'[::1]' is not an IP address", told)
        self.assertEqual(
            [unbracketed(text) for text in ("[::1]", "[::FFFF:1.2.3.4]")], ["::1", "1.2.3.4"]
        )
        for value in values("::1", "[]", "[a]", "[::1]:80", "[[::1]]", None, 5):
            self.assertIsNone(unbracketed(value))

    @given(st.ip_addresses())
    def test_round_trip(self, address: object) -> None:
        """Any address is written out and read as it was."""
        value = loaded(Address(), str(address))
        self.assertEqual(loaded(Address(), Address().dump(value)), value)


class NetworkTests(SynchronousTestCase):
    """Networks."""

    def test_loaded(self) -> None:
        """A prefix, or an address alone."""
        for text, wanted in (
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("::1", "::1/128"),
            ("2001:DB8::/32", "2001:db8::/32"),
        ):
            self.assertEqual(loaded(Network(), text), wanted)

    def test_refused(self) -> None:
        """Bits behind the prefix are a mistake."""
        self.assertIn("has host bits set", refused(Network(), "10.0.0.1/8"))
        for value in values("", "10.0.0.0/33", "x", None, 5, []):
            self.assertIn("is not a network", refused(Network(), value))
