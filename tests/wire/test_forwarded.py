"""What members are told about the client."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire.forwarded import client_address, is_claim, tails, trusted_tail, unclaimed

ALL = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port")
#: The client's address, TLS, the listener's port, and the fields to insert.
OWN = (b"192.0.2.1", True, 8443, ALL)


class TailTests(SynchronousTestCase):
    """The fields after every request."""

    def test_all(self) -> None:
        """Address, protocol and port; Via has the version the client spoke."""
        old, new = tails(*OWN)
        fields = (
            b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n"
        )
        self.assertEqual(old, fields + b"Via: 1.0 fiberlb\r\n\r\n")
        self.assertEqual(new, fields + b"Via: 1.1 fiberlb\r\n\r\n")

    def test_some(self) -> None:
        """What the listener does not insert is not there; Via always is."""
        _, tail = tails(b"::1", False, 80, ("X-Forwarded-Proto",))
        self.assertEqual(tail, b"X-Forwarded-Proto: http\r\nVia: 1.1 fiberlb\r\n\r\n")
        self.assertEqual(tails(b"::1", False, 80, ())[1], b"Via: 1.1 fiberlb\r\n\r\n")


class TrustedTests(SynchronousTestCase):
    """The fields after a request of a trusted peer."""

    def test_appended(self) -> None:
        """The peer is added to its own list, and keeps what else it said."""
        block = b"\r\nHost: a\r\nx-forwarded-proto: http\r\nX-FORWARDED-PORT: 80\r\n"
        tail = trusted_tail(block, b"10.0.0.1, 10.0.0.2", 1, OWN)
        self.assertEqual(
            tail,
            b"X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.1\r\nVia: 1.1 fiberlb\r\n\r\n",
        )

    def test_nothing_said(self) -> None:
        """A trusted peer that says nothing is the client."""
        self.assertEqual(trusted_tail(b"\r\nHost: a\r\n", b"", 0, OWN), tails(*OWN)[0])

    def test_not_inserted(self) -> None:
        """Its list passes as it is where none is inserted."""
        tail = trusted_tail(b"\r\n", b"10.0.0.1", 1, (b"192.0.2.1", False, 80, ()))
        self.assertEqual(tail, b"X-Forwarded-For: 10.0.0.1\r\nVia: 1.1 fiberlb\r\n\r\n")


class AddressTests(SynchronousTestCase):
    """Who the client is."""

    def test_address(self) -> None:
        """The first from the right that is not trusted; who connected where nothing was said."""
        cases = {
            b"": "10.0.0.1",
            b"1.1.1.1": "1.1.1.1",
            b"9.9.9.9, 1.1.1.1, 10.0.0.2": "1.1.1.1",
            b"10.0.0.3,\t10.0.0.2": "10.0.0.3",
            b"2001:db8::1": "2001:db8::1",
        }
        for given, address in cases.items():
            self.assertEqual(self.found(given), address, given)

    def test_nonsense(self) -> None:
        """What is no address is nobody's: whoever told it is the last one known."""
        for given in (b"unknown", b"1.1.1.1:80", b"a b", b"\xe9", b'"1.1.1.1"', b"1.1.1.1, "):
            self.assertEqual(self.found(given), "10.0.0.1", given)
        self.assertEqual(self.found(b"1.1.1.1, x, 10.0.0.2"), "10.0.0.2")

    def test_mapped(self) -> None:
        """IPv4 in IPv6 clothing is IPv4, to whoever judges it and to whoever is told."""
        self.assertEqual(self.found(b"::ffff:1.1.1.1"), "1.1.1.1")
        self.assertEqual(self.found(b"1.1.1.1, ::ffff:10.0.0.2"), "1.1.1.1")
        self.assertEqual(self.found(b"::FFFF:a00:3"), "10.0.0.3")
        self.assertEqual(self.found(b"2001:db8::1"), "2001:db8::1")

    def found(self, forwarded: bytes) -> str:
        """Who the client is, behind 10.0.0.1."""
        return client_address("10.0.0.1", forwarded, lambda text: text.startswith("10."))


class ClaimTests(SynchronousTestCase):
    """What a client says about itself."""

    def test_names(self) -> None:
        """In any spelling that a server may take for one; nothing else."""
        claims = ("X-Forwarded-For", "x_forwarded_PROTO", "Forwarded", "X-Real-IP", "x-client_ip")
        for name in (*claims, "X-SSL-Client-Verify"):
            self.assertTrue(is_claim(name), name)
        for name in ("X-Forwarded", "X-Real-IP-2", "Via", "X-Other", "NotForwarded"):
            self.assertFalse(is_claim(name), name)

    def test_unclaimed(self) -> None:
        """The lines are gone, several in a row, the first and the last; others stay as they are."""
        lines = (
            *(b"X-Forwarded-For: 10.0.0.1", b"forwarded:for=x", b"A: X-Real-IP: 1"),
            *(b"X_SSL-cert:", b"B:", b"x-client-ip: 10.0.0.1"),
        )
        block = b"\r\n" + b"".join(line + b"\r\n" for line in lines)
        self.assertEqual(unclaimed(block), b"\r\nA: X-Real-IP: 1\r\nB:\r\n")
        self.assertEqual(unclaimed(b"\r\n"), b"\r\n")
        self.assertEqual(unclaimed(b"\r\nForwarded: x\r\n"), b"\r\n")
