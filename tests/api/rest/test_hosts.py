"""Which names the API answers to."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.hosts import answers_to, host_name


class HostTests(SynchronousTestCase):
    """Names and addresses in Host."""

    def test_names(self) -> None:
        """Port, brackets, final dot and case are no part of a name."""
        for field, name in (
            ("localhost", "localhost"),
            ("LocalHost.:9876", "localhost"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:80", "::1"),
            ("[::1]", "::1"),
            ("lb.example:", "lb.example"),
        ):
            self.assertEqual(host_name(field), name)

    def test_malformed(self) -> None:
        """What is no Host."""
        for field in ("", ":80", "a b", "a/b", "user@localhost", "::1", "[::1", "a:b", "a,b"):
            self.assertIsNone(host_name(field), field)

    def test_answers(self) -> None:
        """Loopback, IP literals and what is allowed; nothing else, however it looks."""
        for name in ("localhost", "x.localhost", "127.0.0.1", "192.0.2.7", "::1", "lb.example"):
            self.assertTrue(answers_to(name, ["LB.example"]), name)
        for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "1", ""):
            self.assertFalse(answers_to(name, ["lb.example"]), name)
