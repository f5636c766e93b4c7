"""Whether an address is in a list of networks."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.networks import member_of, plain_address


class MemberTests(SynchronousTestCase):
    """The test that is made of a list."""

    def test_none(self) -> None:
        """An empty list is no test."""
        self.assertIsNone(member_of([]))

    def test_addresses(self) -> None:
        """IPv4, IPv6, and IPv4 in IPv6 clothing; what is no address is nowhere."""
        test = member_of(["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"])
        assert test is not None
        for address, inside in {
            "10.255.0.1": True,
            "11.0.0.1": False,
            "192.0.2.1": True,
            "192.0.2.2": False,
            "2001:db8::1": True,
            "2001:db9::1": False,
            "::ffff:10.0.0.1": True,
            "::ffff:a00:1": True,
            "::ffff:11.0.0.1": False,
            "unknown": False,
            "": False,
            "10.0.0.1:80": False,
        }.items():
            self.assertEqual(test(address), inside, address)

    @given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
    def test_bits(self, base: int, prefix: int, address: int) -> None:
        """As many bits as the network says."""
        network = IPv4Network((base, prefix), strict=False)
        test = member_of([str(network)])
        assert test is not None
        shift = 32 - prefix
        self.assertEqual(test(str(ip_address(address))), base >> shift == address >> shift)


class PlainTests(SynchronousTestCase):
    """Addresses as they are shown."""

    def test_plain(self) -> None:
        """No IPv4 in IPv6 clothing, no scope."""
        for host, shown in {
            "192.0.2.1": "192.0.2.1",
            "::ffff:192.0.2.1": "192.0.2.1",
            "2001:db8::1": "2001:db8::1",
            "fe80::1%eth0": "fe80::1",
            "::ffff:0:1": "::ffff:0:1",
        }.items():
            self.assertEqual(plain_address(host), shown)
