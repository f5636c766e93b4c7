"""Tests of L{fiberlb.model.resolver}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.resolver import ResolverSettings
from tests.model.documents import made, problems


class ResolverTests(SynchronousTestCase):
    """C{resolver:} of the file."""

    def test_defaults(self) -> None:
        """The servers of the machine, 5 s to 5 min."""
        found = made(ResolverSettings)
        self.assertEqual((found.servers, found.minimum_ttl, found.maximum_ttl), ((), 5.0, 300.0))
        self.assertEqual(made(ResolverSettings, servers="system"), found)

    def test_servers(self) -> None:
        """One or several, with or without a port."""
        for text, server in (
            ("10.0.0.1", "10.0.0.1:53"),
            ("10.0.0.1:5353", "10.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[2001:db8:0::1]:5353", "[2001:db8::1]:5353"),
        ):
            self.assertEqual(made(ResolverSettings, servers=text).servers, (server,))
            self.assertEqual(made(ResolverSettings, servers=[text]).servers, (server,))
        two = made(ResolverSettings, servers=["10.0.0.2", "10.0.0.1"]).servers
        self.assertEqual(two, ("10.0.0.2:53", "10.0.0.1:53"))

    def test_refused(self) -> None:
        """Names, ports that are none, nothing at all."""
        for server in ("", "dns.example", "10.0.0.1:0", "10.0.0.1:x", "[::1", "[::1]5", "1.2.3", 5):
            (told,) = problems(ResolverSettings, {"servers": [server]})
            self.assertIn("servers.0" if "servers.0" in told else "servers", told)
        self.assertIn("at least one server", problems(ResolverSettings, {"servers": []})[0])
        self.assertIn("at most 8", problems(ResolverSettings, {"servers": ["::1"] * 9})[0])

    def test_bounds(self) -> None:
        """They are in order, and more than nothing."""
        order = {"minimum_ttl": "6m"}
        self.assertIn("must not be longer", problems(ResolverSettings, order)[0])
        self.assertIn("more than zero", problems(ResolverSettings, {"minimum_ttl": "0s"})[0])
        settings = made(ResolverSettings, minimum_ttl="2s", maximum_ttl="10s")
        self.assertEqual([settings.bounded(t) for t in (0.0, 1.0, 3.0, 99.0)], [2, 2, 3, 10])
