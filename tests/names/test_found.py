"""Tests of L{fiberlb.names.found}."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.names.found import MOST, Family, Found, NoAnswer, found, ordered


def a(address: str, ttl: int = 60, name: str = "web.test") -> dns.RRHeader:
    """A record of an IPv4 address."""
    return dns.RRHeader(name.encode(), dns.A, dns.IN, ttl, dns.Record_A(address, ttl))


def aaaa(address: str, ttl: int = 60, name: str = "web.test") -> dns.RRHeader:
    """A record of an IPv6 address."""
    return dns.RRHeader(name.encode(), dns.AAAA, dns.IN, ttl, dns.Record_AAAA(address, ttl))


def cname(name: str, target: str, ttl: int = 60) -> dns.RRHeader:
    """An alias."""
    record = dns.Record_CNAME(target.encode(), ttl)
    return dns.RRHeader(name.encode(), dns.CNAME, dns.IN, ttl, record)


def message(*records: dns.RRHeader, code: int = 0) -> dns.Message:
    """An answer as it comes: encoded, and decoded again."""
    sent = dns.Message(id=1, answer=1, rCode=code)
    sent.answers = list(records)
    received = dns.Message()
    received.fromStr(sent.toStr())
    return received


class FoundTests(SynchronousTestCase):
    """What an answer says."""

    def found(self, *records: Any, family: Family = Family.IPV4) -> Found:
        """What an answer with these records says of C{web.test}."""
        return found(message(*records), "web.test", family)

    def test_addresses(self) -> None:
        """All of one family, and the shortest time."""
        told = self.found(a("10.0.0.2", 30), a("10.0.0.1", 20), aaaa("2001:db8::1", 1))
        self.assertEqual(told, Found(("10.0.0.1", "10.0.0.2"), 20.0))
        told = self.found(a("10.0.0.2", 30), aaaa("2001:db8::1", 40), family=Family.IPV6)
        self.assertEqual(told, Found(("2001:db8::1",), 40.0))

    def test_aliases(self) -> None:
        """Followed, also around; what the name does not lead to does not count."""
        told = self.found(
            cname("B.test", "c.test", 7),
            a("10.0.0.1", 50, "c.test"),
            cname("WEB.test", "b.test", 90),
            a("10.0.0.9", 1, "stranger.test"),
        )
        self.assertEqual(told, Found(("10.0.0.1",), 7.0))
        told = self.found(cname("web.test", "b.test"), cname("b.test", "web.test"))
        self.assertEqual(told, Found(()))

    def test_nothing(self) -> None:
        """No such name, and a name without addresses, are answers."""
        self.assertEqual(self.found(), Found(()))
        self.assertEqual(found(message(code=3), "web.test", Family.IPV4), Found((), exists=False))

    def test_failures(self) -> None:
        """A server that fails says nothing of the name."""
        for code, words in ((2, "failed"), (5, "refuses"), (1, "could not read"), (9, "error 9")):
            why = self.assertRaises(NoAnswer, found, message(code=code), "web.test", Family.IPV4)
            self.assertIn(words, why.reason)

    def test_order(self) -> None:
        """IPv4 first, then by number; each once, whatever it is written like."""
        given = ["::2", "10.0.0.10", "::ffff:10.0.0.3", "10.0.0.9", "2001:db8::1", "10.0.0.9"]
        wanted = ("10.0.0.3", "10.0.0.9", "10.0.0.10", "::2", "2001:db8::1")
        for seed in range(5):
            Random(seed).shuffle(given)
            self.assertEqual(ordered(given), wanted)

    def test_nowhere(self) -> None:
        """What no server can be at is left out."""
        nowhere = ("0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "::ffff:0.0.0.0")
        self.assertEqual(ordered(nowhere), ())
        self.assertEqual(self.found(a("0.0.0.0")), Found(()))
        self.assertEqual(ordered(["127.0.0.1", "169.254.1.1"]), ("127.0.0.1", "169.254.1.1"))

    def test_many(self) -> None:
        """A bound, and the same ones are within it always."""
        several = [f"10.0.{n // 250}.{n % 250}" for n in range(MOST + 50)]
        self.assertEqual(len(ordered(several)), MOST)
        self.assertEqual(ordered(several), ordered(reversed(several)))
