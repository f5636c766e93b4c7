"""Tests of fiberlb.relay.agreement."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Fault
from fiberlb.relay.agreement import agreeing
from fiberlb.snapshot import ClientPlan
from tests.routing.made import request
from tests.support.certificates import authority, judge


class AgreeingTests(SynchronousTestCase):
    """Hosts and server names."""

    def served(self, host: bytes, sni: bytes | None, *names: str) -> bool:
        """Whether such a request is taken."""
        client = ClientPlan(judge(authority()), True, names)
        checked = agreeing(lambda one: one, client)
        made = request(b"/", host, sni=sni, secure=True)
        try:
            self.assertIs(checked(made), made)
        except Fault as fault:
            self.assertEqual(fault.reason, "misdirected")
            return False
        return True

    def test_same(self) -> None:
        """Case, port and final dot do not matter."""
        for host in (b"a.test", b"A.Test:8443", b"a.test.", b"a.test.:443"):
            self.assertTrue(self.served(host, b"a.test"))
            self.assertTrue(self.served(host, b"a.test", "b.test"))

    def test_other(self) -> None:
        """Another host is misdirected, whether or not certificates are asked for it."""
        for host in (b"b.test", b"a.test.b", b"x.a.test", b"127.0.0.1", b"[::1]:443"):
            self.assertFalse(self.served(host, b"a.test"))
            self.assertFalse(self.served(host, b"a.test", "a.test"))

    def test_no_server_name(self) -> None:
        """Who was judged without a name may name any; else only those that ask for nothing."""
        self.assertTrue(self.served(b"a.test", None))
        self.assertTrue(self.served(b"c.test", None, "a.test", "*.b.test"))
        for host in (b"a.test", b"A.TEST:1", b"x.b.test."):
            self.assertFalse(self.served(host, None, "a.test", "*.b.test"))

    def test_no_host(self) -> None:
        """HTTP/1.0 without a Host names none that could disagree."""
        self.assertTrue(self.served(b"", b"a.test"))
        self.assertTrue(self.served(b"", None, "a.test"))
